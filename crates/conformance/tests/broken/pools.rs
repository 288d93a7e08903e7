//! The suite's cases on blocking work can fail: pools that violate clause C15.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use async_runtime_compat::{Blocking, BoxJob, FnSpawner};
use async_runtime_compat_conformance::{CaseResult, Subject, cases};
use futures_lite::future::block_on;

/// A closure as a pool.
struct Pool<F>(F);

impl<F: Fn(BoxJob) + Send + Sync> Blocking for Pool<F> {
    fn execute(&self, job: BoxJob) {
        (self.0)(job);
    }
}

/// Runs a case on a pool, and insists that it fails.
#[track_caller]
fn is_caught<F>(case: &str, make: impl Fn() -> F)
where
    F: Fn(BoxJob) + Send + Sync + 'static,
{
    let spawner = || {
        FnSpawner::new(|task| {
            thread::spawn(|| block_on(task));
        })
    };
    let case = cases().iter().find(|it| it.name() == case).unwrap();
    let limit = Duration::from_millis(500);
    let outcome = case.run(limit, || Subject::new(spawner()).blocking(Pool(make())));
    let CaseResult::Failed(why) = outcome else { panic!("{}: {outcome:?}", case.name()) };
    println!("{}: {why}", case.name());
}

fn on_a_thread(job: BoxJob) {
    thread::spawn(|| catch_unwind(AssertUnwindSafe(job)));
}

#[test]
fn runs_inline() {
    is_caught("c15::does_not_run_inline", || {
        |job: BoxJob| {
            let _ = catch_unwind(AssertUnwindSafe(job));
        }
    });
}

#[test]
fn waits_until_the_job_is_done() {
    is_caught("c15::spawn_blocking_does_not_block", || {
        |job| {
            let _ = thread::spawn(job).join();
        }
    });
}

#[test]
fn leaks_every_tenth_job() {
    is_caught("c15::storm", || {
        let count = AtomicUsize::new(0);
        move |job| {
            if count.fetch_add(1, Ordering::SeqCst) % 10 == 9 {
                mem::forget(job);
            } else {
                on_a_thread(job);
            }
        }
    });
}

#[test]
fn drops_every_tenth_job() {
    is_caught("c15::storm", || {
        let count = AtomicUsize::new(0);
        move |job| {
            if count.fetch_add(1, Ordering::SeqCst) % 10 != 9 {
                on_a_thread(job);
            }
        }
    });
}

#[test]
fn loses_its_only_thread_to_a_panic() {
    is_caught("c15::panics_of_detached_jobs_are_contained", || {
        let (queue, jobs) = mpsc::channel::<BoxJob>();
        thread::spawn(move || jobs.into_iter().for_each(|job| job()));
        let queue = Mutex::new(queue);
        move |job| {
            let _ = queue.lock().unwrap().send(job);
        }
    });
}
