//! Limiting: who waits, who is next, and what becomes of those who do not get their turn.

mod races;

use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;

use async_runtime_compat::decorate::{Counted, Limited};
use async_runtime_compat::prelude::*;
use async_runtime_compat::{TaskGroup, yield_now};
use futures_lite::future::block_on;
use test_support::runtimes::{Running, on_all_runtimes};

type AnyLimited = Limited<Arc<dyn Runtime>>;

/// A limited runtime whose places are all taken by one task, which ends when the sender is dropped.
fn full(running: &Running) -> (AnyLimited, async_channel::Sender<()>, JoinHandle<()>) {
    let limited = Limited::new(running.runtime.clone(), 1);
    let (sender, receiver) = async_channel::bounded::<()>(1);
    let task = limited.spawn_with_handle(async move {
        let _ = receiver.recv().await;
    });
    (limited, sender, task)
}

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Fails if it is polled, and counts when it is dropped.
struct NotPolled(Arc<AtomicUsize>);

impl Future for NotPolled {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        panic!("a task that waits for a place was polled");
    }
}

impl Drop for NotPolled {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Counts the futures that have been polled and not been dropped.
pub(crate) struct Live {
    live: Arc<AtomicUsize>,
    entered: AtomicBool,
}

impl Live {
    pub(crate) fn new(live: &Arc<AtomicUsize>) -> Live {
        Live { live: live.clone(), entered: AtomicBool::new(false) }
    }

    /// Says that the future is polled. There may be so many.
    #[track_caller]
    pub(crate) fn enter(&self, limit: usize) {
        self.entered.store(true, Ordering::SeqCst);
        let others = self.live.fetch_add(1, Ordering::SeqCst);
        assert!(others < limit, "more tasks than places: {others} others");
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if self.entered.load(Ordering::SeqCst) {
            self.live.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

on_all_runtimes! {
    no_more_live_than_there_are_places,
    those_who_wait_are_first_come_first_served,
    aborted_in_the_queue_it_is_dropped_without_a_poll,
    groups_abort_what_waits,
    detached_it_has_its_turn,
    places_can_be_reserved,
    acquiring_and_tasks_share_one_queue,
    limit_can_be_changed,
    panics_give_the_place_back,
    decorated_it_is_a_runtime,
}

fn no_more_live_than_there_are_places(running: &Running) {
    const TASKS: usize = 100;
    for limit in [1, 3] {
        let limited = Limited::new(running.runtime.clone(), limit);
        let live = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                let live = Live::new(&live);
                limited.spawn_with_handle(async move {
                    live.enter(limit);
                    yield_now().await;
                })
            })
            .collect();
        for task in tasks {
            block_on(task).unwrap();
        }
        assert_eq!((limited.running(), limited.waiting()), (0, 0));
    }
}

fn those_who_wait_are_first_come_first_served(running: &Running) {
    let (limited, sender, first) = full(running);
    let order = Arc::new(Mutex::new(Vec::new()));
    let tasks: Vec<_> = (0..50)
        .map(|number| {
            let order = order.clone();
            limited.spawn_with_handle(async move {
                order.lock().unwrap().push(number);
                yield_now().await;
            })
        })
        .collect();
    assert_eq!((limited.running(), limited.waiting()), (1, 50));
    drop(sender);
    block_on(first).unwrap();
    for task in tasks {
        block_on(task).unwrap();
    }
    assert_eq!(*order.lock().unwrap(), (0..50).collect::<Vec<_>>());
}

fn aborted_in_the_queue_it_is_dropped_without_a_poll(running: &Running) {
    let (limited, sender, first) = full(running);
    let drops = Arc::new(AtomicUsize::new(0));
    let waits = [(); 4].map(|()| limited.spawn_with_handle(NotPolled(drops.clone())));
    let last = limited.spawn_with_handle(async { 7 });
    let [by_ref, by_handle, by_cancel, by_drop] = waits;
    by_ref.abort();
    assert!(block_on(by_ref).unwrap_err().is_cancelled());
    by_handle.abort_handle().abort();
    assert!(block_on(by_handle).unwrap_err().is_cancelled());
    assert!(block_on(by_cancel.cancel()).unwrap_err().is_cancelled());
    let abort = by_drop.abort_handle();
    drop(by_drop.abort_on_drop());
    while !abort.is_finished() {
        thread::yield_now();
    }
    assert_eq!(drops.load(Ordering::SeqCst), 4);
    assert_eq!((limited.running(), limited.waiting()), (1, 1));
    drop(sender);
    block_on(first).unwrap();
    assert_eq!(block_on(last).unwrap(), 7);
    assert_eq!((limited.running(), limited.waiting()), (0, 0));
}

fn groups_abort_what_waits(running: &Running) {
    for inside in [true, false] {
        let drops = Arc::new(AtomicUsize::new(0));
        let (group, limited): (_, Limited<Arc<dyn Spawner>>);
        let spawner: Arc<dyn Spawner> = if inside {
            group = TaskGroup::new(running.runtime.clone());
            limited = Limited::new(Arc::new(group.spawner()), 1);
            Arc::new(limited.clone())
        } else {
            limited = Limited::new(running.runtime.clone(), 1);
            group = TaskGroup::new(Arc::new(limited.clone()));
            Arc::new(group.spawner())
        };
        let first = spawner.spawn_with_handle(pending::<()>());
        let waits = spawner.spawn_with_handle(NotPolled(drops.clone()));
        assert_eq!((group.len(), limited.waiting()), (2, 1), "inside: {inside}");
        group.abort_all();
        assert!(block_on(waits).unwrap_err().is_cancelled());
        assert!(block_on(first).unwrap_err().is_cancelled());
        block_on(group.wait());
        assert_eq!(drops.load(Ordering::SeqCst), 1);
        assert_eq!((limited.running(), limited.waiting()), (0, 0));

        group.close();
        assert!(block_on(spawner.spawn_with_handle(async {})).unwrap_err().is_shutdown());
        assert_eq!(limited.running(), 0);
    }
}

fn detached_it_has_its_turn(running: &Running) {
    let (limited, sender, first) = full(running);
    let (done, ends) = async_channel::unbounded();
    for way in 0..3 {
        let done = done.clone();
        let task = async move { done.send(way).await.unwrap() };
        match way {
            0 => drop(limited.spawn_with_handle(task)),
            1 => limited.spawn_detached(task),
            _ => limited.spawn(Box::pin(task)),
        }
    }
    // Also without anybody left who could spawn more.
    drop(limited);
    assert!(ends.is_empty());
    drop(sender);
    block_on(first).unwrap();
    assert_eq!([(); 3].map(|()| block_on(ends.recv()).unwrap()), [0, 1, 2]);
}

fn places_can_be_reserved(running: &Running) {
    let limited = Limited::new(running.runtime.clone(), 2);
    let (first, second) = (limited.try_acquire().unwrap(), block_on(limited.acquire()));
    assert!(limited.try_acquire().is_none());
    assert_eq!((limited.running(), limited.waiting()), (2, 0));
    drop(first);
    block_on(limited.ready());

    // It takes the place, and so another one waits.
    let (line, task) = (line!(), second.spawn_named("reserved", pending::<()>()));
    let third = limited.try_acquire().unwrap();
    assert_eq!((task.task_name().as_deref(), task.spawned_at().line()), (Some("reserved"), line));
    let waits = limited.spawn_with_handle(async { 7 });
    assert_eq!((limited.running(), limited.waiting()), (2, 1));
    assert_eq!(block_on(third.spawn_with_handle(async { 8 })).unwrap(), 8);
    assert_eq!(block_on(waits).unwrap(), 7);
    block_on(task.cancel()).unwrap_err();

    // A task may do it, too.
    let producer = limited.clone();
    let spawned = running.runtime.spawn_with_handle(async move {
        producer.ready().await;
        producer.acquire().await.spawn_with_handle(async { 9 }).await.unwrap()
    });
    assert_eq!(block_on(spawned).unwrap(), 9);

    let (done, ends) = async_channel::bounded(1);
    block_on(limited.acquire()).spawn_detached(async move { done.send(()).await.unwrap() });
    block_on(ends.recv()).unwrap();
    while limited.running() > 0 {
        thread::yield_now();
    }
}

fn acquiring_and_tasks_share_one_queue(running: &Running) {
    let (limited, sender, first) = full(running);
    let (mut early, mut gives_up) = (limited.acquire(), limited.acquire());
    assert!(poll(&mut early).is_pending());
    assert!(poll(&mut gives_up).is_pending());
    let task = limited.spawn_with_handle(async {});
    let mut late = limited.acquire();
    assert!(poll(&mut late).is_pending());
    assert_eq!(limited.waiting(), 4);
    drop(gives_up);
    assert_eq!(limited.waiting(), 3);
    drop(sender);
    block_on(first).unwrap();
    let Poll::Ready(permit) = poll(&mut early) else { panic!("it was the first") };
    assert!(poll(&mut late).is_pending());
    assert!(!task.is_finished());
    drop(permit);
    block_on(task).unwrap();
    let permit = block_on(late);
    assert_eq!((limited.running(), limited.waiting()), (1, 0));
    // One that has a place and does not take it gives it up.
    let mut unused = limited.acquire();
    assert!(poll(&mut unused).is_pending());
    drop(permit);
    assert_eq!(limited.running(), 1);
    drop(unused);
    assert_eq!(limited.running(), 0);
}

fn limit_can_be_changed(running: &Running) {
    let limited = Limited::new(running.runtime.clone(), 0);
    let (done, ends) = async_channel::unbounded();
    let tasks = [(); 4].map(|()| {
        let done = done.clone();
        limited.spawn_with_handle(async move {
            done.send(()).await.unwrap();
            pending::<()>().await;
        })
    });
    assert_eq!((limited.limit(), limited.running(), limited.waiting()), (0, 0, 4));
    limited.set_limit(3);
    for _ in 0..3 {
        block_on(ends.recv()).unwrap();
    }
    assert_eq!((limited.limit(), limited.running(), limited.waiting()), (3, 3, 1));
    limited.set_limit(1);
    let [first, second, third, fourth] = tasks;
    for task in [first, second] {
        assert_eq!((limited.waiting(), ends.is_empty()), (1, true));
        block_on(task.cancel()).unwrap_err();
    }
    assert_eq!((limited.running(), limited.waiting()), (1, 1));
    block_on(third.cancel()).unwrap_err();
    block_on(ends.recv()).unwrap();
    block_on(fourth.cancel()).unwrap_err();
    assert_eq!((limited.running(), limited.waiting()), (0, 0));
}

fn panics_give_the_place_back(running: &Running) {
    let limited = Limited::new(running.runtime.clone(), 1);
    for _ in 0..3 {
        let panics = limited.spawn_with_handle(async { std::panic::resume_unwind(Box::new(7)) });
        assert!(block_on::<Result<(), _>>(panics).unwrap_err().is_panic());
    }
    assert_eq!((limited.running(), limited.waiting()), (0, 0));
}

fn decorated_it_is_a_runtime(running: &Running) {
    let runtime: Arc<dyn Runtime> = Arc::new(Limited::new(running.runtime.clone(), 1));
    let waits = runtime.spawn_with_handle(pending::<()>());
    // What blocks has places of its own.
    let jobs = [(); 2].map(|()| runtime.spawn_blocking(|| 7));
    assert_eq!(jobs.map(|job| block_on(job).unwrap()), [7, 7]);
    block_on(runtime.sleep(std::time::Duration::ZERO));
    block_on(waits.cancel()).unwrap_err();
}

/// A runtime that is gone takes those who wait with it, and does not leave the queue behind.
#[test]
fn shutdown_drops_what_waits() {
    let shutdowns: &[fn() -> Shut] = &[
        kept,
        #[cfg(feature = "tokio")]
        || {
            let tokio = ::tokio::runtime::Builder::new_multi_thread().worker_threads(1).build();
            let tokio = tokio.unwrap();
            let spawner = async_runtime_compat::tokio::TokioSpawner::new(tokio.handle().clone());
            (Arc::new(spawner), Box::new(move || drop(tokio)))
        },
        #[cfg(feature = "async-executor")]
        || {
            let executor = Arc::new(::async_executor::Executor::new());
            let spawner =
                async_runtime_compat::async_executor::ExecutorSpawner::new(executor.clone());
            let shut_down = move || {
                while executor.try_tick() {}
                drop(executor);
            };
            (Arc::new(spawner), Box::new(shut_down))
        },
    ];
    for make in shutdowns {
        let (spawner, shut_down) = make();
        let limited = Limited::new(Counted::new(spawner), 1);
        let drops = Arc::new(AtomicUsize::new(0));
        let first = limited.spawn_with_handle(pending::<()>());
        let waits = [(); 3].map(|()| limited.spawn_with_handle(NotPolled(drops.clone())));
        shut_down();
        assert!(block_on(first).unwrap_err().is_shutdown());
        for task in waits {
            assert!(block_on(task).unwrap_err().is_shutdown());
        }
        assert_eq!(drops.load(Ordering::SeqCst), 3);
        assert_eq!((limited.running(), limited.waiting()), (0, 0));
        assert!(block_on(limited.spawn_with_handle(async {})).unwrap_err().is_shutdown());
    }
}

type Shut = (Arc<dyn Spawner>, Box<dyn FnOnce()>);

/// A caller's own executor, which polls nothing.
fn kept() -> Shut {
    let tasks = Arc::new(Mutex::new(Some(Vec::new())));
    let kept = tasks.clone();
    let spawner = async_runtime_compat::FnSpawner::new(move |task| {
        if let Some(tasks) = &mut *kept.lock().unwrap() {
            tasks.push(task);
        }
    });
    (Arc::new(spawner), Box::new(move || drop(tasks.lock().unwrap().take())))
}

/// A waker that is called while a place is given on may do anything with the limit.
#[test]
fn wakers_may_come_back() {
    struct Comes(Mutex<Option<AnyLimited>>);

    impl std::task::Wake for Comes {
        fn wake(self: Arc<Self>) {
            if let Some(limited) = self.0.lock().unwrap().take() {
                limited.set_limit(2);
                limited.spawn_detached(async {});
                drop(limited.try_acquire());
                assert!(limited.waiting() <= 1);
            }
        }
    }

    let running = test_support::runtimes::own();
    let (limited, sender, first) = full(&running);
    let waker = Waker::from(Arc::new(Comes(Mutex::new(Some(limited.clone())))));
    let mut acquire = limited.acquire();
    assert!(Pin::new(&mut acquire).poll(&mut Context::from_waker(&waker)).is_pending());
    // The same waker again, and then another one, whose place it takes.
    assert!(Pin::new(&mut acquire).poll(&mut Context::from_waker(&waker)).is_pending());
    assert!(poll(&mut acquire).is_pending());
    assert!(Pin::new(&mut acquire).poll(&mut Context::from_waker(&waker)).is_pending());
    drop(sender);
    block_on(first).unwrap();
    drop(block_on(acquire));
    while limited.running() > 0 {
        thread::yield_now();
    }
}
