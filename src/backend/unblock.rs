//! Blocking work on the pool of the crate `blocking`, which smol, async-std and async-executor share.
//!
//! async-std's own `spawn_blocking` uses the same pool, but adds a task that waits for it. Aborting that task ends
//! the wait and not the work, so a join would resolve while the function still runs.
//!
//! The pool's own handle is not used either: if the function returns after an abort, it resolves before the output is
//! dropped.

use super::Join;
use super::boxed_job;
use super::ending::Ending;
use crate::contain::{ContainedJob, discard};
use crate::seam::{BoxJob, takes_real_time};

const POOL: &str = "the pool of threads of the crate `blocking`";

pub(super) fn spawn<T, F, O>(f: F) -> Join<T>
where
    T: Send + 'static,
    F: FnOnce() -> O + Send + 'static,
    O: Ending<T>,
{
    takes_real_time(POOL);
    let (join, job) = boxed_job::linked(f);
    ::blocking::unblock(job).detach();
    join.into()
}

pub(super) fn execute(job: BoxJob) {
    takes_real_time(POOL);
    let job = ContainedJob::new(job);
    ::blocking::unblock(move || discard(job.run())).detach();
}
