//! Blocking work on the pool of the crate `blocking`, which smol, async-std and async-executor share.
//!
//! async-std's own `spawn_blocking` uses the same pool, but adds a task that waits for it. Aborting that task ends
//! the wait and not the work, so a join would resolve while the function still runs.

use super::async_task::TaskJoin;
use super::contained_task::Output;
use super::ending::{Ending, end_of};
use crate::contain::{ContainedJob, discard};
use crate::seam::{BoxJob, takes_real_time};

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
