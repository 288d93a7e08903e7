//! `runtime::enter`: the current runtime of an executor that the core does not know.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use async_runtime_compat::prelude::*;
use async_runtime_compat::smol::SmolSpawner;
use async_runtime_compat::tokio::TokioSpawner;
use async_runtime_compat::{
    Ambient, BlockingPool, BoxFuture, current, runtime, with_blocking, with_timer,
};
use futures_lite::future::block_on;

use crate::support::{is_same, nowhere, quiet_panic};

/// Whether the current runtime is this one.
#[track_caller]
fn is_current(runtime: &Arc<dyn Runtime>) -> bool {
    is_same(&current().expect("a runtime was entered"), runtime)
}

/// With several backends, a thread of the test is in none of them.
fn is_nowhere() -> bool {
    current().is_err()
}

/// A thread for each task, which the task's code finds.
#[derive(Clone)]
struct Threads;

impl Threads {
    fn runtime() -> Arc<dyn Runtime> {
        Arc::new(with_blocking(with_timer(Threads, SmolSpawner), BlockingPool::new()))
    }
}

impl Spawner for Threads {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        thread::spawn(move || {
            let _entered = runtime::enter(Threads::runtime());
            block_on(future);
        });
    }
}

/// Spawns when it is dropped, on whatever is current.
struct SpawnsInDrop(std::sync::mpsc::Sender<&'static str>);

impl Drop for SpawnsInDrop {
    fn drop(&mut self) {
        let sender = self.0.clone();
        let runtime = current().expect("it is dropped in a task");
        runtime.spawn_detached(async move { sender.send("spawned").expect("the test waits") });
    }
}

#[test]
fn tasks_of_a_callers_own_executor_find_it() {
    assert!(is_nowhere());
    let (sender, spawned) = crate::support::channel();
    let task = Threads.spawn_with_handle(async move {
        let of_task = current().expect("the executor has entered it");
        // As deep as one likes, from a destructor, and in blocking work only if that enters, too.
        drop(SpawnsInDrop(sender));
        let inner = of_task.spawn_with_handle(async { current().is_ok() });
        let in_pool = of_task.spawn_blocking(|| current().is_ok()).await.unwrap();
        (inner.await.unwrap(), in_pool)
    });
    assert_eq!(block_on(task).unwrap(), (true, false));
    assert_eq!(spawned.next(), "spawned");
}

#[test]
fn guards_nest() {
    let (outer, inner) = (nowhere(), nowhere());
    {
        let _outer = runtime::enter(outer.clone());
        assert!(is_current(&outer));
        {
            let _inner = runtime::enter(inner.clone());
            assert!(is_current(&inner));
        }
        assert!(is_current(&outer));
    }
    assert!(is_nowhere());
}

#[test]
fn guards_may_be_dropped_in_any_order() {
    let (first, second, third) = (nowhere(), nowhere(), nowhere());
    let entered_first = runtime::enter(first.clone());
    let entered_second = runtime::enter(second.clone());
    let entered_third = runtime::enter(third.clone());
    drop(entered_second);
    assert!(is_current(&third));
    drop(entered_first);
    assert!(is_current(&third));
    drop(entered_third);
    assert!(is_nowhere());
    assert_eq!(Arc::strong_count(&second), 1, "nothing is kept");
}

#[test]
fn panics_leave_what_was_entered() {
    let outer = nowhere();
    let _outer = runtime::enter(outer.clone());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _inner = runtime::enter(nowhere());
        quiet_panic("on purpose");
    }));
    assert!(panicked.is_err());
    assert!(is_current(&outer));
}

#[test]
fn other_threads_do_not_see_it() {
    let _entered = runtime::enter(nowhere());
    assert!(thread::spawn(is_nowhere).join().unwrap());
}

#[test]
fn entered_runtime_may_be_dropped_by_its_guard() {
    /// Looks for the current runtime while it is dropped.
    struct Looks(Arc<dyn Runtime>, crate::support::Log<bool>);

    impl Spawner for Looks {
        fn spawn(&self, future: BoxFuture<'static, ()>) {
            self.0.spawn(future);
        }
    }

    impl Drop for Looks {
        fn drop(&mut self) {
            self.1.push(is_nowhere());
        }
    }

    let log = crate::support::Log::new();
    let looks = Looks(nowhere(), log.clone());
    let looks = with_blocking(with_timer(looks, SmolSpawner), SmolSpawner);
    drop(runtime::enter(Arc::new(looks)));
    assert_eq!(log.take(), [true]);
}

#[test]
fn the_one_entered_last_counts() {
    let tokio = ::tokio::runtime::Builder::new_current_thread().build().unwrap();
    let entered = nowhere();
    tokio.block_on(async {
        assert!(!is_current(&entered), "tokio's own");
        let _entered = runtime::enter(entered.clone());
        assert!(is_current(&entered), "in a tokio runtime");
        let ambient = Ambient::new(TokioSpawner::current().unwrap());
        ambient.in_scope(|| assert!(!is_current(&entered), "in an ambient one"));
        let innermost = nowhere();
        ambient.in_scope(|| {
            let _entered = runtime::enter(innermost.clone());
            assert!(is_current(&innermost), "entered in an ambient one");
        });
        assert!(is_current(&entered));
    });
}

#[test]
fn entered_while_a_task_of_an_ambient_runtime_is_polled() {
    // A guard in a task ends with the poll in which it is dropped; the next poll starts afresh.
    let ambient = Ambient::new(SmolSpawner);
    let task = ambient.spawn_with_handle(async {
        let inner = nowhere();
        {
            let _entered = runtime::enter(inner.clone());
            assert!(is_current(&inner));
        }
        crate::support::polls(1).await;
        !is_current(&inner)
    });
    assert!(block_on(task).unwrap());
}
