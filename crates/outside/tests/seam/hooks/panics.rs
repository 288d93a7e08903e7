//! A hook that panics harms nobody: not its task, not the others, and not the process.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use async_runtime_compat::hook::{Hooked, SpawnHook, Spawning, TaskEnd, TaskHook};
use async_runtime_compat::prelude::*;
use async_runtime_compat_test_support::on_all_runtimes;
use async_runtime_compat_test_support::runtimes::Running;

use super::Ends;
use crate::support::{Event, SetOnDrop, polls, quiet_panic};

on_all_runtimes! {
    tasks_go_on,
    aborted_tasks_are_dropped,
    blocking_work_goes_on,
    panic_in_the_spawn_hook,
}

/// What is wrong with a hook.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    PanicBefore,
    PanicAfter,
    NeverCalls,
    CallsTwice,
    PanicAtTheEnd,
    PanicInDrop,
}

const FAULTS: [Fault; 6] = [
    Fault::PanicBefore,
    Fault::PanicAfter,
    Fault::NeverCalls,
    Fault::CallsTwice,
    Fault::PanicAtTheEnd,
    Fault::PanicInDrop,
];

impl SpawnHook for Fault {
    fn spawn(&self, spawning: &mut Spawning<'_>) {
        spawning.add(Arc::new(Faulty(*self)));
    }
}

struct Faulty(Fault);

impl TaskHook for Faulty {
    fn scope(&self, f: &mut dyn FnMut()) {
        if self.0 == Fault::PanicBefore {
            quiet_panic("before");
        }
        if self.0 != Fault::NeverCalls {
            f();
        }
        if self.0 == Fault::CallsTwice {
            f();
        }
        if self.0 == Fault::PanicAfter {
            quiet_panic("after");
        }
    }

    fn end(&self, _: TaskEnd) {
        if self.0 == Fault::PanicAtTheEnd {
            quiet_panic("at the end");
        }
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        if self.0 == Fault::PanicInDrop {
            quiet_panic("in the hook's destructor");
        }
    }
}

fn tasks_go_on(running: &Running) {
    running.run(|runtime| async move {
        for fault in FAULTS {
            // Its neighbours on both sides are told all the same.
            let (inner, outer) = (Ends::new(), Ends::new());
            let spawner = Hooked::new(runtime.clone(), inner.clone());
            let spawner = Hooked::new(Hooked::new(spawner, fault), outer.clone());
            let task = spawner.spawn_with_handle(async {
                polls(2).await;
                7
            });
            assert_eq!(task.await.unwrap(), 7, "{fault:?}");
            assert_eq!(inner.take(), [TaskEnd::Completed], "{fault:?}");
            assert_eq!(outer.take(), [TaskEnd::Completed], "{fault:?}");
        }
        assert_eq!(runtime.spawn_with_handle(async { 8 }).await.unwrap(), 8);
    });
}

fn aborted_tasks_are_dropped(running: &Running) {
    running.run(|runtime| async move {
        for fault in FAULTS {
            let spawner = Hooked::new(runtime.clone(), fault);
            let dropped = Event::new();
            let on_drop = SetOnDrop(dropped.clone());
            let task = spawner.spawn_with_handle(async move {
                let _on_drop = on_drop;
                pending::<()>().await;
            });
            assert!(task.cancel().await.unwrap_err().is_cancelled(), "{fault:?}");
            assert!(dropped.is_set(), "{fault:?}");
        }
    });
}

fn blocking_work_goes_on(running: &Running) {
    running.run(|runtime| async move {
        for fault in FAULTS {
            let pool = Hooked::new(runtime.clone(), fault);
            assert_eq!(pool.spawn_blocking(|| 7).await.unwrap(), 7, "{fault:?}");
        }
    });
}

/// Panics about each task, after a hook inside of it was added.
struct Panics;

impl SpawnHook for Panics {
    fn spawn(&self, _: &mut Spawning<'_>) {
        quiet_panic("on purpose");
    }
}

fn panic_in_the_spawn_hook(running: &Running) {
    running.run(|runtime| async move {
        let ends = Ends::new();
        // The one outside of it is asked first, and has added its hook by then.
        let spawner = Hooked::new(Hooked::new(runtime.clone(), Panics), ends.clone());
        let polled = Event::new();
        let first = polled.clone();
        let (dropped, calls) = (Event::new(), || spawner.spawn_detached(async {}));
        let on_drop = SetOnDrop(dropped.clone());
        let task = async move {
            let _on_drop = on_drop;
            first.set();
        };
        let panicked = catch_unwind(AssertUnwindSafe(|| spawner.spawn_with_handle(task)));
        assert!(panicked.is_err() && dropped.is_set() && !polled.is_set());
        assert_eq!(ends.take(), [TaskEnd::Shutdown]);
        assert!(catch_unwind(AssertUnwindSafe(calls)).is_err());
        assert_eq!(ends.take(), [TaskEnd::Shutdown]);
        let job = catch_unwind(AssertUnwindSafe(|| spawner.spawn_blocking(|| ())));
        assert!(job.is_err());
        assert_eq!(runtime.spawn_with_handle(async { 8 }).await.unwrap(), 8);
    });
}
