//! Each pair of operations on a shared handle, on two threads, in each order.

use std::future::poll_fn;
use std::sync::Mutex as StdMutex;

use loom::sync::atomic::AtomicUsize;
use loom::sync::atomic::Ordering::{AcqRel, Relaxed};
use loom::thread;

use super::*;
use crate::sync::models::{Bell, check_bounded};

/// An output that is counted.
#[derive(Clone, Default)]
struct Value(Arc<()>);

impl Value {
    /// The number of outputs that have not been dropped.
    fn alive(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

/// A native task, as an executor made of async-task has it.
struct Task {
    state: AtomicU8,
    awaiter: Mutex<Option<Waker>>,
    output: Mutex<Option<Value>>,
}

const COMPLETED: u8 = 1;
/// Cancelled through the handle.
const CANCELLED: u8 = 2;
/// The executor has dropped the future before it completed.
const DROPPED: u8 = 4;

impl Task {
    fn new() -> Arc<Task> {
        let (awaiter, output) = (Mutex::default(), Mutex::default());
        Arc::new(Task { state: AtomicU8::new(0), awaiter, output })
    }

    fn is(&self, states: u8) -> bool {
        self.state.load(Ordering::Acquire) & states != 0
    }

    fn set(&self, to: u8) -> Result<u8, u8> {
        self.state.compare_exchange(0, to, AcqRel, Ordering::Acquire)
    }

    /// Wakes the awaiter, unless it is the one that polls.
    fn notify(&self, current: Option<&Waker>) {
        let awaiter = self.awaiter.lock().expect("not poisoned").take();
        wake(awaiter.filter(|it| current.is_none_or(|current| !it.will_wake(current))));
    }

    /// Polls the task the last time: it completes, unless it was cancelled.
    fn complete(&self, value: Value) {
        *self.output.lock().expect("not poisoned") = Some(value);
        match self.set(COMPLETED) {
            Ok(_) => self.notify(None),
            Err(CANCELLED) => {
                drop(self.output.lock().expect("not poisoned").take());
                self.shut_down();
            }
            Err(_) => unreachable!("it ends once"),
        }
    }

    /// Drops the future.
    fn shut_down(&self) {
        self.state.fetch_or(DROPPED, AcqRel);
        self.notify(None);
    }
}

struct Handle {
    task: Arc<Task>,
    /// Like the handle of async-std, it does not tell whether the task has ended.
    opaque: bool,
}

impl Handle {
    fn register(&self, waker: &Waker) {
        let mut waker = Some(waker.clone());
        mem::swap(&mut *self.task.awaiter.lock().expect("not poisoned"), &mut waker);
        drop(waker);
    }
}

impl NativeTask for Handle {
    type Value = Value;

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<Value, End>> {
        if !self.task.is(COMPLETED | DROPPED) {
            self.register(cx.waker());
            if !self.task.is(COMPLETED | DROPPED) {
                return Poll::Pending;
            }
        }
        // Most likely the awaiter is the one that polls, but it may be another one.
        self.task.notify(Some(cx.waker()));
        if self.task.is(DROPPED) {
            return Poll::Ready(Err(End::Shutdown));
        }
        let output = self.task.output.lock().expect("not poisoned").take();
        Poll::Ready(Ok(output.expect("it was not joined")))
    }

    fn is_ended(&self) -> Option<bool> {
        (!self.opaque).then(|| self.task.is(COMPLETED | DROPPED))
    }

    fn cancel(mut self) -> impl Future<Output = Option<Output<Value>>> + Send + 'static {
        let mut requested = false;
        poll_fn(move |cx| {
            if !mem::replace(&mut requested, true) && self.task.set(CANCELLED).is_ok() {
                self.task.notify(None);
            }
            self.poll_end(cx).map(|end| end.ok().map(|value| Output::new(Ok(value))))
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    /// The executor polls the task the last time.
    Complete,
    /// The executor is shut down.
    ShutDown,
    Abort,
    /// An abort that comes before the last poll.
    AbortAndComplete,
    IsFinished,
    /// Joins the task, if it has ended.
    Join,
    /// The same, after asking for that.
    JoinFinished,
    Detach,
    /// The task's waker is called for no reason.
    Wake,
}

const OPS: [Op; 9] = [
    Op::Complete,
    Op::ShutDown,
    Op::Abort,
    Op::AbortAndComplete,
    Op::IsFinished,
    Op::Join,
    Op::JoinFinished,
    Op::Detach,
    Op::Wake,
];

impl Op {
    /// The operations of which there is one at most: there is one executor, and one joiner.
    fn class(self) -> Option<u8> {
        match self {
            Op::Complete | Op::ShutDown | Op::AbortAndComplete => Some(0),
            Op::Join | Op::JoinFinished | Op::Detach => Some(1),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Start {
    /// The handle has not been polled.
    Fresh,
    /// It has, by a joiner that is not known here.
    Polled,
    /// It has, and the joiner is known; as on async-std.
    Opaque,
    /// It has not, and is opaque.
    OpaqueFresh,
    /// An abort came before.
    Aborted,
    /// The joiner polled the shared handle before.
    Shared,
}

const STARTS: [Start; 6] =
    [Start::Fresh, Start::Polled, Start::Opaque, Start::OpaqueFresh, Start::Aborted, Start::Shared];

struct Model {
    task: Arc<Task>,
    shared: Arc<Abortable<Handle>>,
    value: Value,
    joiner: Arc<Bell>,
}

type Joined = Option<Result<Value, End>>;

impl Model {
    fn new(start: Start) -> Model {
        let (task, joiner) = (Task::new(), Bell::new());
        let waker = Waker::from(joiner.clone());
        let opaque = matches!(start, Start::Opaque | Start::OpaqueFresh);
        let handle = Handle { task: task.clone(), opaque };
        let shared = match start {
            Start::Polled => {
                handle.register(&waker);
                Abortable::polled(handle)
            }
            Start::Opaque => {
                handle.register(&waker);
                Abortable::new(handle, Some(waker))
            }
            _ => Abortable::new(handle, None),
        };
        let model = Model { task, shared, value: Value::default(), joiner };
        match start {
            Start::Aborted => model.shared.abort(),
            Start::Shared => assert!(model.join().is_none()),
            _ => {}
        }
        model
    }

    fn join(&self) -> Joined {
        let waker = Waker::from(self.joiner.clone());
        match self.shared.poll_join(&mut Context::from_waker(&waker)) {
            Poll::Ready(joined) => Some(joined),
            Poll::Pending => None,
        }
    }

    fn act(&self, op: Op) -> Joined {
        match op {
            Op::Complete => self.task.complete(self.value.clone()),
            Op::ShutDown => self.task.shut_down(),
            Op::Abort => self.shared.abort(),
            Op::AbortAndComplete => {
                self.shared.abort();
                self.task.complete(self.value.clone());
            }
            Op::IsFinished => {
                let finished = self.shared.is_finished();
                assert!(!finished || self.shared.is_finished(), "it stays finished");
            }
            Op::Join => return self.join(),
            Op::JoinFinished => {
                if self.shared.is_finished() {
                    let joined = self.join();
                    assert!(joined.is_some(), "a finished task is joined at once");
                    return joined;
                }
            }
            Op::Detach => self.shared.clone().detach(),
            Op::Wake => Waker::from(self.shared.clone()).wake(),
        }
        None
    }
}

/// Operations at once, each on its thread; then the executor ends the task, if it has not, and it is joined.
fn program(start: Start, ops: &[Op]) {
    let model = Arc::new(Model::new(start));
    let threads: Vec<_> = ops[1..]
        .iter()
        .map(|&op| {
            let model = model.clone();
            thread::spawn(move || model.act(op))
        })
        .collect();
    let mut joined = model.act(ops[0]);
    for thread in threads {
        joined = thread.join().expect("it does not panic").or(joined);
    }
    let has = |op| ops.contains(&op);
    let aborted = has(Op::Abort) || matches!(start, Start::Aborted);
    if !ops.iter().any(|op| op.class() == Some(0)) {
        // An abort takes effect when it returns.
        assert_eq!(model.task.is(CANCELLED), aborted);
        assert!(joined.is_none() && !model.shared.is_finished());
        model.task.complete(model.value.clone());
    }
    if has(Op::Detach) {
        assert_eq!(model.value.alive(), 0, "the output is dropped at once");
        return;
    }
    let polled = !matches!(start, Start::Fresh | Start::OpaqueFresh | Start::Aborted);
    let joined = joined.unwrap_or_else(|| {
        let is_woken = model.joiner.rang();
        assert!(is_woken || !(polled || has(Op::Join)), "the joiner was not woken");
        assert!(model.shared.is_finished());
        model.join().expect("the task has ended")
    });
    if has(Op::AbortAndComplete) || matches!(start, Start::Aborted) {
        assert!(matches!(joined, Err(End::Cancelled)), "the abort came first");
    }
    match joined {
        Ok(_) => assert!(!aborted || has(Op::Complete)),
        Err(End::Cancelled) => assert!(aborted || has(Op::AbortAndComplete)),
        Err(End::Shutdown) => assert!(has(Op::ShutDown)),
        Err(End::Panic(_)) => panic!("it does not panic"),
    }
    drop(joined);
    assert!(model.shared.is_finished());
    model.shared.abort();
    assert_eq!(model.value.alive(), 0);
}

fn is_possible(start: Start, ops: &[Op]) -> bool {
    // The task's waker is only there once the shared handle has polled the task.
    if matches!(start, Start::Polled) && ops.contains(&Op::Wake) {
        return false;
    }
    let classes: Vec<_> = ops.iter().filter_map(|op| op.class()).collect();
    (1..classes.len()).all(|at| !classes[..at].contains(&classes[at]))
}

#[test]
fn pairs() {
    for start in STARTS {
        for first in OPS {
            for second in OPS {
                if is_possible(start, &[first, second]) {
                    println!("{start:?}: {first:?} and {second:?}");
                    check_bounded(3, move || program(start, &[first, second]));
                }
            }
        }
    }
}

/// The end of a task, and any two other operations.
#[test]
fn triples() {
    for start in STARTS {
        for end in [Op::Complete, Op::ShutDown, Op::AbortAndComplete] {
            for (at, first) in OPS.into_iter().enumerate() {
                for second in OPS.into_iter().skip(at) {
                    if is_possible(start, &[end, first, second]) {
                        println!("{start:?}: {end:?}, {first:?} and {second:?}");
                        check_bounded(2, move || program(start, &[end, first, second]));
                    }
                }
            }
        }
    }
}

/// A task that becomes ready in several parts. It orders nothing: that is up to the wake-ups.
struct Parts {
    ready: Arc<[AtomicUsize; 3]>,
    waker: Arc<StdMutex<Option<Waker>>>,
}

impl NativeTask for Parts {
    type Value = ();

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        *self.waker.lock().expect("not poisoned") = Some(cx.waker().clone());
        let is_ready = self.ready.iter().all(|part| part.load(Relaxed) == 1);
        if is_ready { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn is_ended(&self) -> Option<bool> {
        None
    }

    fn cancel(self) -> impl Future<Output = Option<Output<()>>> + Send + 'static {
        std::future::ready(None)
    }
}

/// Each wake-up is followed by a poll that sees what came before it, though it may find another thread polling, or
/// another wake-up that this thread has not seen yet.
#[test]
fn a_poll_sees_what_came_before_the_wake_up() {
    check_bounded(2, || {
        let ready: Arc<[_; 3]> = Arc::new([(); 3].map(|()| AtomicUsize::new(0)));
        let waker = Arc::default();
        let task = Parts { ready: ready.clone(), waker: Arc::clone(&waker) };
        let shared = Abortable::new(task, None);
        let waker = waker.lock().expect("not poisoned").take().expect("it was polled");
        let wake = move |part: usize| {
            let (ready, waker) = (ready.clone(), waker.clone());
            move || {
                ready[part].store(1, Relaxed);
                waker.wake();
            }
        };
        let others = [wake(1), wake(2)].map(thread::spawn);
        wake(0)();
        for thread in others {
            thread.join().expect("it does not panic");
        }
        assert!(shared.take().is_some(), "a wake-up was lost");
    });
}
