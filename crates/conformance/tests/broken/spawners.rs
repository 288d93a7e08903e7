//! The suite can fail: for each clause that a spawner can violate there is one here that does.
//!
//! C10, and what C14 asks of handles and errors, is kept by the handle, which no spawner can reach
//! into. These checks run on broken handles in the suite's own unit tests.

use std::cell::Cell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Poll, Wake, Waker};
use std::thread::{self, ThreadId};
use std::time::Duration;

use async_runtime_compat::{BoxFuture, FnSpawner, SpawnMeta, Spawner, TaskId};
use async_runtime_compat_conformance::{Clause, Load, Subject, Suite};
use futures_lite::future::block_on;

use async_runtime_compat_test_support::threads::{Unpark, poll_boxed};

type Task = BoxFuture<'static, ()>;

/// Runs one clause of the suite, and insists that it fails.
#[track_caller]
fn is_caught(clause: Clause, make: impl Fn() -> Subject) {
    let small = Load { live: 200, chain: 20, threads: 4, each: 10 };
    let report =
        Suite::new().limit(Duration::from_millis(250)).run_clause(clause, || make().load(small));
    assert_eq!(report.failed(), [clause], "not caught:\n{report}");
    println!("{report}");
}

/// Spawns each task by `run` on a thread of its own.
fn on_threads(run: impl Fn(Task) + Clone + Send + Sync + 'static) -> Subject {
    Subject::new(FnSpawner::new(move |task| {
        let run = run.clone();
        thread::spawn(move || run(task));
    }))
}

#[test]
fn c1_runs_inline() {
    is_caught(Clause::C1, || Subject::new(FnSpawner::new(block_on)));
}

#[test]
fn c1_blocks_until_the_task_is_done() {
    is_caught(Clause::C1, || {
        Subject::new(FnSpawner::new(|task| {
            let _ = thread::spawn(|| block_on(task)).join();
        }))
    });
}

#[test]
fn c2_drops_what_has_to_wait() {
    is_caught(Clause::C2, || {
        on_threads(|mut task| {
            let _ = poll_boxed(&mut task, Waker::noop());
        })
    });
}

/// Polls each task once and keeps it, whoever wakes it.
fn deaf() -> Subject {
    let kept = Mutex::new(Vec::new());
    Subject::new(FnSpawner::new(move |mut task| {
        // Has been polled when this returns: an abort that comes before the poll is seen in it.
        let polled = thread::spawn(move || {
            let _ = poll_boxed(&mut task, Waker::noop());
            task
        });
        kept.lock().unwrap().push(polled.join().expect("the tasks of these clauses do not panic"));
    }))
}

#[test]
fn c3_never_drops_aborted_futures() {
    is_caught(Clause::C3, deaf);
}

#[test]
fn c4_loses_its_worker_to_a_panic() {
    is_caught(Clause::C4, || {
        let (queue, tasks) = mpsc::channel::<Task>();
        thread::spawn(move || {
            // The first panic ends the loop.
            for task in tasks {
                block_on(task);
            }
        });
        let queue = Mutex::new(queue);
        Subject::new(FnSpawner::new(move |task| {
            let _ = queue.lock().unwrap().send(task);
        }))
    });
}

#[test]
fn c4_drops_a_future_after_its_panic() {
    is_caught(Clause::C4, || {
        on_threads(|mut task| {
            // Caught first: the future is dropped when nothing unwinds any more.
            let _ = catch_unwind(AssertUnwindSafe(|| block_on(&mut task)));
        })
    });
}

#[test]
fn c5_leaks_pending_futures() {
    is_caught(Clause::C5, || {
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = stopped.clone();
        on_threads(move |mut task| {
            let waker = Unpark::waker();
            while poll_boxed(&mut task, &waker).is_pending() {
                thread::park_timeout(Duration::from_millis(5));
                if stopped.load(Ordering::SeqCst) {
                    mem::forget(task);
                    return;
                }
            }
        })
        .on_shutdown(move || stop.store(true, Ordering::SeqCst))
    });
}

#[test]
fn c5_panics_when_spawned_on_after_shutdown() {
    is_caught(Clause::C5, || {
        let (queue, tasks) = mpsc::channel::<Task>();
        let (stop, stopped) = mpsc::channel::<()>();
        thread::spawn(move || {
            let _ = stopped.recv();
            drop(tasks);
        });
        let queue = Mutex::new(queue);
        Subject::new(FnSpawner::new(move |task| {
            queue.lock().unwrap().send(task).map_err(drop).expect("the queue is gone");
        }))
        .on_shutdown(move || drop(stop))
    });
}

/// A waker that works only on the thread that it was made on.
struct ThisThreadOnly {
    thread: ThreadId,
    inner: Waker,
}

impl Wake for ThisThreadOnly {
    fn wake(self: Arc<Self>) {
        if thread::current().id() == self.thread {
            self.inner.wake_by_ref();
        }
    }
}

#[test]
fn c6_ignores_wakes_from_other_threads() {
    is_caught(Clause::C6, || {
        on_threads(|mut task| {
            let thread = thread::current();
            let id = thread.id();
            let waker = Waker::from(Arc::new(ThisThreadOnly {
                thread: id,
                inner: Waker::from(Arc::new(Unpark(thread))),
            }));
            while poll_boxed(&mut task, &waker).is_pending() {
                thread::park();
            }
        })
    });
}

#[test]
fn c7_never_gets_to_the_end() {
    let kept = Arc::new(Mutex::new(Vec::new()));
    is_caught(Clause::C7, || {
        let kept = kept.clone();
        Subject::new(FnSpawner::new(move |task| kept.lock().unwrap().push(task)))
    });
}

#[test]
fn c8_does_not_poll_aborted_tasks() {
    is_caught(Clause::C8, deaf);
}

#[test]
fn c9_leaks_every_tenth_future() {
    is_caught(Clause::C9, || {
        let count = Arc::new(AtomicUsize::new(0));
        on_threads(move |task| {
            if count.fetch_add(1, Ordering::SeqCst) % 10 == 9 {
                mem::forget(task);
            } else {
                block_on(task);
            }
        })
    });
}

/// A waker that can be switched off.
struct Switched {
    off: AtomicBool,
    inner: Waker,
}

impl Wake for Switched {
    fn wake(self: Arc<Self>) {
        if !self.off.load(Ordering::SeqCst) {
            self.inner.wake_by_ref();
        }
    }
}

#[test]
fn c11_honours_the_first_waker_only() {
    is_caught(Clause::C11, || {
        on_threads(|mut task| {
            let inner = Unpark::waker();
            let polls = Cell::new(0);
            loop {
                let off = AtomicBool::new(polls.replace(polls.get() + 1) > 0);
                let waker = Waker::from(Arc::new(Switched { off, inner: inner.clone() }));
                if poll_boxed(&mut task, &waker) == Poll::Ready(()) {
                    return;
                }
                thread::park();
            }
        })
    });
}

#[test]
fn c13_drops_every_hundredth_task() {
    is_caught(Clause::C13, || {
        let count = Arc::new(AtomicUsize::new(0));
        on_threads(move |task| {
            if count.fetch_add(1, Ordering::SeqCst) % 100 != 99 {
                let _ = catch_unwind(AssertUnwindSafe(|| block_on(task)));
            }
        })
    });
}

#[test]
fn c13_runs_inline() {
    is_caught(Clause::C13, || Subject::new(FnSpawner::new(block_on)));
}

#[test]
fn c14_forgets_the_metadata() {
    is_caught(Clause::C14, || {
        on_threads(block_on).decorated_by(|inner| {
            // `spawn_with` is the default, which calls this.
            FnSpawner::new(move |task| inner.spawn(task))
        })
    });
}

#[test]
fn c14_changes_names_and_does_not_say_so() {
    use async_runtime_compat::decorate::Named;

    is_caught(Clause::C14, || {
        on_threads(block_on).decorated_by(|inner| Named::with_prefix(inner, "part."))
    });
}

/// Tells the handle an id, and runs the task as if it had another one, or none.
struct TwoIds(Option<TaskId>);

impl Spawner for TwoIds {
    fn spawn(&self, task: Task) {
        thread::spawn(|| block_on(task));
    }

    fn spawn_with(&self, meta: SpawnMeta<'_>, task: Task) {
        meta.identify(TaskId::next());
        let inside = self.0;
        thread::spawn(move || match inside {
            Some(id) => id.scope(|| block_on(task)),
            None => block_on(task),
        });
    }
}

#[test]
fn c16_has_an_id_that_the_task_does_not_know() {
    is_caught(Clause::C16, || Subject::new(TwoIds(None)));
}

#[test]
fn c16_has_two_ids() {
    is_caught(Clause::C16, || Subject::new(TwoIds(Some(TaskId::next()))));
}

/// Runs what it gets with metadata inside the call.
struct InlineWithMeta;

impl Spawner for InlineWithMeta {
    fn spawn(&self, task: Task) {
        thread::spawn(|| block_on(task));
    }

    fn spawn_with(&self, _: SpawnMeta<'_>, task: Task) {
        block_on(task);
    }
}

#[test]
fn c1_runs_inline_with_metadata_alone() {
    is_caught(Clause::C1, || Subject::new(InlineWithMeta));
}

#[test]
fn a_report_names_the_clause_and_the_reason() {
    let report = Suite::new()
        .limit(Duration::from_millis(500))
        .run_clause(Clause::C1, || Subject::new(FnSpawner::new(block_on)));
    let text = report.to_string();
    assert!(text.contains("C1 spawn never runs the task inline"), "{text}");
    assert!(text.contains("the task ran inside the `spawn` call"), "{text}");
    assert!(text.lines().last().unwrap().contains("failed"), "{text}");
    let assertion = catch_unwind(AssertUnwindSafe(|| report.assert_passed())).unwrap_err();
    assert!(assertion.downcast_ref::<String>().unwrap().contains("violates the contract"));
}
