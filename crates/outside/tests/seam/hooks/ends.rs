//! `end` says how the task ended, once, after its future was dropped and before its join resolves.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::task::{Context, Poll};

use ::async_executor::Executor;
use async_runtime_compat::async_executor::ExecutorSpawner;
use async_runtime_compat::hook::{Hooked, SpawnHook, Spawning, TaskEnd, TaskHook};
use async_runtime_compat::prelude::*;
use async_runtime_compat::tokio::TokioSpawner;
use async_runtime_compat::{BoxFuture, SpawnMeta, TaskGroup};
use async_runtime_compat_test_support::on_all_runtimes;
use async_runtime_compat_test_support::runtimes::Running;
use async_runtime_compat_test_support::threads::Threads;
use futures_lite::future::block_on;

use super::{Ends, said};
use crate::support::{Event, PanicsInDrop, SetOnDrop, Within, channel, polls, quiet_panic};

on_all_runtimes! {
    completed,
    panicked,
    panicked_in_its_destructor,
    aborted,
    aborted_with_a_panic_in_the_destructor,
    aborted_by_a_group_inside_and_outside,
    detached_tasks_end_too,
    the_future_is_dropped_before,
    an_abort_after_the_end_changes_nothing,
    around_a_spawner_that_boxes,
}

fn completed(running: &Running) {
    running.run(|runtime| async move {
        let ends = Ends::new();
        let spawner = Hooked::new(runtime, ends.clone());
        let join = spawner
            .spawn_with_handle(async {
                polls(2).await;
                3
            })
            .await;
        assert_eq!(ends.take(), [TaskEnd::Completed]);
        assert_eq!(join.unwrap(), 3);
    });
}

fn panicked(running: &Running) {
    running.run(|runtime| async move {
        let ends = Ends::new();
        let spawner = Hooked::new(runtime, ends.clone());
        let panics = async {
            polls(1).await;
            quiet_panic("on purpose");
        };
        let error = spawner.spawn_with_handle(panics).await.unwrap_err();
        assert_eq!(ends.take(), [TaskEnd::Panicked]);
        assert_eq!(error.panic_message().as_deref(), Some("on purpose"));
    });
}

fn panicked_in_its_destructor(running: &Running) {
    running.run(|runtime| async move {
        let ends = Ends::new();
        let spawner = Hooked::new(runtime, ends.clone());
        let owned = PanicsInDrop;
        let join = spawner
            .spawn_with_handle(async move {
                let _owned = owned;
                polls(1).await;
            })
            .await;
        assert_eq!(ends.take(), [TaskEnd::Panicked]);
        assert!(join.unwrap_err().is_panic());
    });
}

fn aborted(running: &Running) {
    running.run(|runtime| async move {
        let ends = Ends::new();
        let spawner = Hooked::new(runtime, ends.clone());

        let task = spawner.spawn_with_handle(pending::<()>());
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(ends.take(), [TaskEnd::Aborted], "by the handle");

        let task = spawner.spawn_with_handle(pending::<()>());
        task.abort_handle().abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(ends.take(), [TaskEnd::Aborted], "by an abort handle");

        let task = spawner.spawn_named("named", pending::<()>());
        assert!(task.cancel().await.unwrap_err().is_cancelled());
        assert_eq!(ends.take(), [TaskEnd::Aborted], "by `cancel`");

        let polled = Event::new();
        let first = polled.clone();
        let task = spawner.spawn_with_handle(async move {
            first.set();
            pending::<()>().await;
        });
        polled.happens().await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(ends.take(), [TaskEnd::Aborted], "after a poll");
    });
}

fn aborted_with_a_panic_in_the_destructor(running: &Running) {
    running.run(|runtime| async move {
        let ends = Ends::new();
        let spawner = Hooked::new(runtime, ends.clone());
        let (polled, owned) = (Event::new(), PanicsInDrop);
        let first = polled.clone();
        let task = spawner.spawn_with_handle(async move {
            let _owned = owned;
            first.set();
            pending::<()>().await;
        });
        polled.happens().await;
        task.abort();
        let join = task.await;
        assert_eq!(ends.take(), [said(&join)]);
    });
}

fn aborted_by_a_group_inside_and_outside(running: &Running) {
    running.run(|runtime| async move {
        let ends = Ends::new();
        let outside = TaskGroup::new(Arc::new(Hooked::new(runtime.clone(), ends.clone())));
        let inside = TaskGroup::new(runtime);
        let hooked = Hooked::new(inside.spawner(), ends.clone());

        let tasks =
            [outside.spawn_with_handle(pending::<()>()), hooked.spawn_with_handle(pending::<()>())];
        outside.abort_all();
        inside.abort_all();
        for task in tasks {
            assert!(task.await.unwrap_err().is_cancelled());
        }
        assert_eq!(ends.take(), [TaskEnd::Aborted; 2]);

        inside.close();
        let refused = hooked.spawn_with_handle(pending::<()>()).await;
        assert!(refused.unwrap_err().is_shutdown());
        assert_eq!(ends.take(), [TaskEnd::Shutdown], "the group refused it");
    });
}

/// Passes the ends on to the test, which waits for them.
#[derive(Clone)]
struct Sends(Sender<TaskEnd>);

impl SpawnHook for Sends {
    fn spawn(&self, spawning: &mut Spawning<'_>) {
        spawning.add(Arc::new(self.clone()));
    }
}

impl TaskHook for Sends {
    fn end(&self, end: TaskEnd) {
        self.0.send(end).expect("the test waits for it");
    }
}

fn sent<S: Spawner + 'static>(spawner: S) -> (Hooked<S>, Within<TaskEnd>) {
    let (sender, ends) = channel();
    (Hooked::new(spawner, Sends(sender)), ends)
}

fn detached_tasks_end_too(running: &Running) {
    let (spawner, ends) = sent(running.runtime.clone());
    spawner.spawn_with_handle(polls(3)).detach();
    assert_eq!(ends.next(), TaskEnd::Completed, "its handle was dropped");
    spawner.spawn_detached(polls(3));
    assert_eq!(ends.next(), TaskEnd::Completed, "without a handle");
    spawner.spawn(Box::pin(polls(3)));
    assert_eq!(ends.next(), TaskEnd::Completed, "spawned in a box");
    spawner.spawn_detached(async { quiet_panic("on purpose") });
    assert_eq!(ends.next(), TaskEnd::Panicked);
    spawner.spawn(Box::pin(async { quiet_panic("on purpose") }));
    assert_eq!(ends.next(), TaskEnd::Panicked, "spawned in a box");

    drop(spawner.spawn_with_handle(pending::<()>()).abort_on_drop());
    assert_eq!(ends.next(), TaskEnd::Aborted, "by `AbortOnDrop`");
    let task = spawner.spawn_with_handle(pending::<()>());
    let abort = task.abort_handle();
    drop(task);
    abort.abort();
    assert_eq!(ends.next(), TaskEnd::Aborted, "after its handle was dropped");
    assert_eq!(ends.present(), []);
}

/// Expects the future to have been dropped before the end.
struct AfterDrop {
    dropped: Event,
    seen: Sender<bool>,
}

impl TaskHook for AfterDrop {
    fn end(&self, _: TaskEnd) {
        self.seen.send(self.dropped.is_set()).expect("the test waits for it");
    }
}

struct AddAfterDrop(Event, Sender<bool>);

impl SpawnHook for AddAfterDrop {
    fn spawn(&self, spawning: &mut Spawning<'_>) {
        let hook = AfterDrop { dropped: self.0.clone(), seen: self.1.clone() };
        spawning.add(Arc::new(hook));
    }
}

/// A future with a destructor, which an async block that has completed has run already.
struct Noticed {
    ready: bool,
    _dropped: SetOnDrop,
}

impl Future for Noticed {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.ready { Poll::Ready(()) } else { Poll::Pending }
    }
}

fn the_future_is_dropped_before(running: &Running) {
    for ready in [true, false] {
        let dropped = Event::new();
        let (sender, seen) = channel();
        let hook = AddAfterDrop(dropped.clone(), sender);
        let spawner = Hooked::new(running.runtime.clone(), hook);
        let task = spawner.spawn_with_handle(Noticed { ready, _dropped: SetOnDrop(dropped) });
        if !ready {
            task.abort();
        }
        assert!(seen.next(), "completes: {ready}");
    }
}

fn an_abort_after_the_end_changes_nothing(running: &Running) {
    let (spawner, ends) = sent(running.runtime.clone());
    let task = spawner.spawn_with_handle(async { 5 });
    assert_eq!(ends.next(), TaskEnd::Completed);
    // The hook has been told, and the join may not have been yet.
    task.abort();
    running.run(|_| async move { assert_eq!(task.await.unwrap(), 5) });
    assert_eq!(ends.present(), []);
}

/// A spawner that the core does not know.
struct Passes<S>(S);

impl<S: Spawner> Spawner for Passes<S> {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.0.spawn(future);
    }

    fn spawn_with(&self, meta: SpawnMeta<'_>, future: BoxFuture<'static, ()>) {
        self.0.spawn_with(meta, future);
    }
}

fn around_a_spawner_that_boxes(running: &Running) {
    let (inside, inner) = sent(running.runtime.clone());
    let outer = Ends::new();
    let spawner = Hooked::new(Passes(inside), outer.clone());
    running.run(|_| async move {
        let panics = spawner.spawn_with_handle(async { quiet_panic("on purpose") }).await;
        assert_eq!(outer.take(), [said(&panics)]);
        let aborted = spawner.spawn_with_handle(pending::<()>()).cancel().await;
        assert_eq!(outer.take(), [said(&aborted)]);
    });
    // To the one inside, the task is the box, and that has completed.
    assert_eq!([inner.next(), inner.next()], [TaskEnd::Completed; 2]);

    let group = TaskGroup::new(running.runtime.clone());
    let task = Passes(group.spawner()).spawn_with_handle(pending::<()>());
    group.abort_all();
    running.run(|_| async move { assert!(task.await.unwrap_err().is_shutdown()) });
}

/// Tasks that are pending, and one that comes later, on something that is shut down.
fn shut_down(spawner: impl Spawner + Clone + 'static, shut_down: impl FnOnce()) {
    let ends = Ends::new();
    let hooked = Hooked::new(spawner, ends.clone());
    let polled = Event::new();
    let first = polled.clone();
    let polled_once = hooked.spawn_with_handle(async move {
        first.set();
        pending::<()>().await;
    });
    polled.wait();
    let others = [hooked.spawn_with_handle(pending()), hooked.spawn_named("named", pending())];
    // An abort that comes first is what the end says.
    let aborted = hooked.spawn_with_handle(pending::<()>());
    aborted.abort();

    shut_down();
    assert!(block_on(aborted).unwrap_err().is_cancelled());
    for task in others.into_iter().chain([polled_once]) {
        assert!(block_on(task).unwrap_err().is_shutdown());
    }
    let mut seen = ends.take();
    seen.sort_by_key(|end| *end == TaskEnd::Shutdown);
    let expected = [TaskEnd::Aborted, TaskEnd::Shutdown, TaskEnd::Shutdown, TaskEnd::Shutdown];
    assert_eq!(seen, expected);

    let late = block_on(hooked.spawn_with_handle(async {}));
    assert!(late.unwrap_err().is_shutdown());
    assert_eq!(ends.take(), [TaskEnd::Shutdown], "spawned after the shutdown");
}

#[test]
fn shutdown_of_tokio() {
    let tokio = ::tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    shut_down(TokioSpawner::new(tokio.handle().clone()), || drop(tokio));
}

#[test]
fn shutdown_of_an_executor() {
    let executor = Arc::new(Executor::new());
    let spawner = ExecutorSpawner::new(executor.clone());
    let stop = Event::new();
    let (stopped, driven) = (stop.clone(), executor.clone());
    let driver = std::thread::spawn(move || block_on(driven.run(stopped.happens())));
    shut_down(spawner, || {
        stop.set();
        driver.join().unwrap();
        drop(executor);
    });
}

#[test]
fn shutdown_of_a_callers_own() {
    let threads = Threads::default();
    shut_down(threads.clone(), || threads.shut_down());
}
