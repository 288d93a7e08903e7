//! Blocking pools at their limits.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use async_runtime_compat::prelude::*;
use futures_lite::future::block_on;

/// Occupies the threads of a pool until it is released.
pub struct Blocked {
    release: Vec<mpsc::Sender<()>>,
    jobs: Vec<JoinHandle<()>>,
}

impl Blocked {
    /// Returns once this many jobs are running.
    pub fn new(blocking: &dyn Blocking, threads: usize) -> Blocked {
        let (started, all) = mpsc::channel();
        let (release, jobs) = (0..threads)
            .map(|_| {
                let (release, released) = mpsc::channel::<()>();
                let started = started.clone();
                let job = blocking.spawn_blocking(move || {
                    started.send(()).unwrap();
                    // An error, because the sender is dropped, is what ends it.
                    let _ = released.recv();
                });
                (release, job)
            })
            .unzip();
        (0..threads).for_each(|_| all.recv().unwrap());
        Blocked { release, jobs }
    }

    /// Ends the jobs, and waits for that.
    pub fn release(self) {
        drop(self.release);
        self.jobs.into_iter().for_each(|job| block_on(job).unwrap());
    }
}

impl fmt::Debug for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocked").field("jobs", &self.jobs).finish_non_exhaustive()
    }
}

/// Checks that a job which is aborted while it waits for one of the pool's threads never runs.
pub fn aborted_in_the_queue(blocking: &dyn Blocking, threads: usize) {
    for by_handle in [false, true] {
        let blocked = Blocked::new(blocking, threads);
        let ran = Arc::new(AtomicBool::new(false));
        let (set, owned) = (ran.clone(), Arc::new(()));
        let is_dropped = Arc::downgrade(&owned);
        let job = blocking.spawn_blocking(move || {
            drop(owned);
            set.store(true, Ordering::SeqCst);
        });
        let last = blocking.spawn_blocking(|| ());
        assert!(!job.is_finished());
        if by_handle {
            job.abort_handle().abort();
        } else {
            job.abort();
        }
        blocked.release();
        let error = block_on(job).unwrap_err();
        assert!(error.is_cancelled(), "{error}");
        assert!(is_dropped.upgrade().is_none(), "the function was not dropped by then");
        block_on(last).unwrap();
        assert!(!ran.load(Ordering::SeqCst), "it ran");
    }
}
