//! Work that blocks, on the pool that smol, async-std and async-executor share: that of the crate
//! `blocking`.
//!
//! async-std's own `spawn_blocking` adds a task that waits for the pool. Aborting it ends the wait,
//! and not the work, so that a join would resolve while the function still runs. The pool is the
//! same.

use super::async_task::TaskJoin;
use super::contained_task::Output;
use super::ending::{Ending, end_of};
use crate::contain::{ContainedJob, discard};
use crate::seam::BoxJob;
use crate::seam::takes_real_time;

const POOL: &str = "the pool of threads of the crate `blocking`";

pub(super) fn spawn<T, F, O>(f: F) -> TaskJoin<T>
where
    T: Send + 'static,
    F: FnOnce() -> O + Send + 'static,
    O: Ending<T>,
{
    takes_real_time(POOL);
    let job = ContainedJob::new(f);
    TaskJoin::new(::blocking::unblock(move || Output::new(end_of(job.run()))))
}

pub(super) fn execute(job: BoxJob) {
    takes_real_time(POOL);
    let job = ContainedJob::new(job);
    ::blocking::unblock(move || discard(job.run())).detach();
}
