//! Each pair of operations on a boxed task and its handles, on two threads, in each order.
//!
//! They go through the public handles, so this also covers those.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use loom::sync::atomic::{AtomicBool, Ordering::Relaxed};
use loom::thread;

use crate::sync::models::{Alarm, Bell, check, check_bounded};
use crate::{AbortHandle, BoxFuture, FnSpawner, JoinError, JoinHandle, SpawnerExt};

/// A future that is ready after an event, and whose output and destructor are counted.
struct Work {
    event: Arc<Event>,
    /// Dropped with the future.
    _future: Arc<()>,
    output: Arc<()>,
}

#[derive(Default)]
struct Event {
    happened: AtomicBool,
    waker: crate::sync::Mutex<Option<Waker>>,
}

impl Event {
    fn happen(&self) {
        self.happened.store(true, Relaxed);
        let waker = self.waker.lock().expect("not poisoned").take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Future for Work {
    type Output = Arc<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Arc<()>> {
        *self.event.waker.lock().expect("not poisoned") = Some(cx.waker().clone());
        if self.event.happened.load(Relaxed) {
            return Poll::Ready(self.output.clone());
        }
        Poll::Pending
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    /// The executor polls the task, and again when it is woken at once.
    Run,
    /// The executor drops the task.
    ShutDown,
    /// What the task waits for happens.
    Event,
    Abort,
    IsFinished,
    /// Joins the task, if it has ended.
    Join,
    /// The same, after asking for that.
    JoinFinished,
    /// Takes an abort handle.
    Watch,
    Detach,
}

const OPS: [Op; 9] = [
    Op::Run,
    Op::ShutDown,
    Op::Event,
    Op::Abort,
    Op::IsFinished,
    Op::Join,
    Op::JoinFinished,
    Op::Watch,
    Op::Detach,
];

impl Op {
    /// The operations of which there is one at most.
    fn class(self) -> Option<u8> {
        match self {
            Op::Run | Op::ShutDown => Some(0),
            Op::Event => Some(1),
            Op::Join | Op::JoinFinished | Op::Watch | Op::Detach => Some(2),
            _ => None,
        }
    }
}

/// The executor's side.
struct Task {
    future: Option<BoxFuture<'static, ()>>,
    woken: Arc<Alarm>,
    polled: bool,
}

impl Task {
    fn poll(&mut self) {
        self.polled = true;
        let waker = Waker::from(self.woken.clone());
        let Some(future) = &mut self.future else { return };
        if future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            self.future = None;
        }
    }
}

type Joined = Option<Result<Arc<()>, JoinError>>;

/// The joiner's side.
struct Joiner {
    handle: Option<JoinHandle<Arc<()>>>,
    woken: Arc<Bell>,
    joined: Joined,
}

impl Joiner {
    fn poll(&mut self) -> bool {
        let waker = Waker::from(self.woken.clone());
        let Some(handle) = &mut self.handle else { return false };
        let Poll::Ready(joined) = Pin::new(handle).poll(&mut Context::from_waker(&waker)) else {
            return false;
        };
        self.joined = Some(joined);
        self.handle = None;
        true
    }

    fn is_finished(&self) -> bool {
        self.handle.as_ref().is_some_and(JoinHandle::is_finished)
    }
}

/// What the threads need; each takes its own part.
struct Model {
    task: Mutex<Option<Task>>,
    joiner: Mutex<Option<Joiner>>,
    event: Arc<Event>,
    abort: AbortHandle,
}

impl Model {
    fn act(&self, op: Op) {
        match op {
            Op::Run | Op::ShutDown => {
                let mut task = self.task.lock().expect("not poisoned").take().expect("one does");
                if op == Op::ShutDown {
                    task.future = None;
                } else {
                    task.poll();
                    while task.woken.rang() {
                        task.poll();
                    }
                }
                *self.task.lock().expect("not poisoned") = Some(task);
            }
            Op::Event => self.event.happen(),
            Op::Abort => self.abort.abort(),
            Op::IsFinished => {
                let finished = self.abort.is_finished();
                assert!(!finished || self.abort.is_finished(), "it stays finished");
            }
            Op::Join | Op::JoinFinished | Op::Watch | Op::Detach => {
                let mut joiner =
                    self.joiner.lock().expect("not poisoned").take().expect("one does");
                match op {
                    Op::Join => drop(joiner.poll()),
                    Op::JoinFinished => {
                        assert!(!joiner.is_finished() || joiner.poll(), "joined at once");
                    }
                    Op::Watch => {
                        drop(joiner.handle.as_ref().map(JoinHandle::abort_handle));
                    }
                    _ => joiner.handle = None,
                }
                *self.joiner.lock().expect("not poisoned") = Some(joiner);
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Start {
    /// The executor has polled the task.
    polled: bool,
    /// The joiner has.
    joined: bool,
}

fn program(start: Start, ops: &[Op]) {
    let [alive, output] = [(); 2].map(|()| Arc::new(()));
    let event = Arc::new(Event::default());
    let slot = Arc::new(Mutex::new(None));
    let spawner = FnSpawner::new({
        let slot = slot.clone();
        move |future| *slot.lock().expect("not poisoned") = Some(future)
    });
    let work = Work { event: event.clone(), _future: alive.clone(), output: output.clone() };
    let handle = spawner.spawn_with_handle(work);
    let abort = handle.abort_handle();
    let future = slot.lock().expect("not poisoned").take();
    let mut task = Task { future, woken: Alarm::new(), polled: false };
    let mut joiner = Joiner { handle: Some(handle), woken: Bell::new(), joined: None };
    if start.polled {
        task.poll();
    }
    if start.joined {
        assert!(!joiner.poll());
    }
    let (task, joiner) = (Mutex::new(Some(task)), Mutex::new(Some(joiner)));
    let model = Arc::new(Model { task, joiner, event, abort });
    let threads: Vec<_> = ops[1..]
        .iter()
        .map(|&op| {
            let model = model.clone();
            thread::spawn(move || model.act(op))
        })
        .collect();
    model.act(ops[0]);
    for thread in threads {
        thread.join().expect("it does not panic");
    }

    let has = |op| ops.contains(&op);
    let mut task = model.task.lock().expect("not poisoned").take().expect("it is back");
    let mut joiner = model.joiner.lock().expect("not poisoned").take().expect("it is back");
    // The executor polls the task whenever it is woken, until it ends.
    while task.future.is_some() {
        if task.polled && !task.woken.rang() {
            assert!(!has(Op::Abort), "the abort was lost");
            assert!(!has(Op::Event), "the wake-up was lost");
            model.event.happen();
            assert!(task.woken.rang(), "the wake-up was lost");
        }
        task.poll();
    }
    assert_eq!(Arc::strong_count(&alive), 1, "the future has been dropped");
    if has(Op::Detach) {
        assert_eq!(Arc::strong_count(&output), 1, "the output is dropped at once");
        return;
    }
    let is_woken = joiner.woken.rang();
    let polled = start.joined || has(Op::Join);
    assert!(joiner.joined.is_some() || is_woken || !polled, "the joiner was not woken");
    assert!(model.abort.is_finished());
    assert!(joiner.joined.is_some() || joiner.poll(), "the task has ended");
    match joiner.joined.take().expect("it is joined") {
        Ok(_) => assert!(!has(Op::Abort) || has(Op::Run)),
        Err(error) if error.is_cancelled() => assert!(has(Op::Abort)),
        Err(error) => assert!(error.is_shutdown() && has(Op::ShutDown)),
    }
    assert_eq!(Arc::strong_count(&output), 1, "the output has been dropped");
}

fn programs(ops: &'static [Op]) {
    let classes: Vec<_> = ops.iter().filter_map(|op| op.class()).collect();
    if (1..classes.len()).any(|at| classes[..at].contains(&classes[at])) {
        return;
    }
    for polled in [false, true] {
        for joined in [false, true] {
            let start = Start { polled, joined };
            println!("{start:?}: {ops:?}");
            if ops.len() > 2 {
                check_bounded(2, move || program(start, ops));
            } else {
                check(move || program(start, ops));
            }
        }
    }
}

#[test]
fn pairs() {
    for first in OPS {
        for second in OPS {
            programs(vec![first, second].leak());
        }
    }
}

/// The executor's operations with any two others.
#[test]
fn triples() {
    for executor in [Op::Run, Op::ShutDown] {
        for (at, first) in OPS.into_iter().enumerate() {
            for second in OPS.into_iter().skip(at) {
                programs(vec![executor, first, second].leak());
            }
        }
    }
}

/// A task that is dropped because of an abort sees what was done before the abort.
#[test]
fn an_aborted_task_sees_why() {
    struct Seen(Arc<AtomicBool>, Arc<AtomicBool>);

    impl Drop for Seen {
        fn drop(&mut self) {
            self.1.store(self.0.load(Relaxed), Relaxed);
        }
    }

    check(|| {
        let [data, seen] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let slot = Arc::new(Mutex::new(None::<BoxFuture<'static, ()>>));
        let spawner = FnSpawner::new({
            let slot = slot.clone();
            move |future| *slot.lock().expect("not poisoned") = Some(future)
        });
        let guard = Seen(data.clone(), seen.clone());
        let handle = spawner.spawn_with_handle(poll_fn(move |_| {
            let _in_the_future = &guard;
            Poll::<()>::Pending
        }));
        let mut future = slot.lock().expect("not poisoned").take().expect("it was spawned");
        let mut cx = Context::from_waker(Waker::noop());
        // From its second poll on the task does not lock to see whether it was aborted.
        assert!(future.as_mut().poll(&mut cx).is_pending());
        let aborter = thread::spawn({
            let data = data.clone();
            move || {
                data.store(true, Relaxed);
                handle.abort();
            }
        });
        if future.as_mut().poll(&mut cx).is_ready() {
            assert!(seen.load(Relaxed));
        }
        aborter.join().expect("it does not panic");
    });
}

/// Who sees that a task has ended sees what it did.
#[test]
fn a_finished_task_shows_what_it_did() {
    check(|| {
        let data = Arc::new(AtomicBool::new(false));
        let slot = Arc::new(Mutex::new(None::<BoxFuture<'static, ()>>));
        let spawner = FnSpawner::new({
            let slot = slot.clone();
            move |future| *slot.lock().expect("not poisoned") = Some(future)
        });
        let handle = spawner.spawn_with_handle({
            let data = data.clone();
            async move { data.store(true, Relaxed) }
        });
        let mut future = slot.lock().expect("not poisoned").take().expect("it was spawned");
        let executor = thread::spawn(move || {
            let mut cx = Context::from_waker(Waker::noop());
            assert!(future.as_mut().poll(&mut cx).is_ready());
        });
        if handle.is_finished() {
            assert!(data.load(Relaxed));
        }
        executor.join().expect("it does not panic");
    });
}
