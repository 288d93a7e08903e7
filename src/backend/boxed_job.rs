//! Blocking work on a pool that this crate does not know: one box, and one cell for the result.

use super::Join;
use super::boxed::{self, BoxedJoin, Link};
use super::ending::Ending;
use crate::contain::ContainedJob;
use crate::error::End;
use crate::meta::SpawnMeta;
use crate::seam::{Blocking, BoxJob};

pub(super) fn spawn<T, B, F, O>(blocking: &B, meta: SpawnMeta<'_>, f: F) -> Join<T>
where
    T: Send + 'static,
    B: Blocking + ?Sized,
    F: FnOnce() -> O + Send + 'static,
    O: Ending<T>,
{
    let (join, job) = linked(f);
    let job: BoxJob = Box::new(job);
    blocking.execute_with(meta.with_slot(join.slot(meta.id)).containing(&*job), job);
    join.into()
}

/// A handle, and a function that never unwinds.
pub(super) fn linked<T, F, O>(f: F) -> (BoxedJoin<T>, impl FnOnce() + Send + 'static)
where
    T: Send + 'static,
    F: FnOnce() -> O + Send + 'static,
    O: Ending<T>,
{
    let (join, link) = boxed::linked();
    let job = BoxedJob { f: ContainedJob::new(f), link };
    (join, move || job.run())
}

/// A function, and the cell for its result.
struct BoxedJob<F, T> {
    f: ContainedJob<F>,
    // Declared after the function, which is thus dropped before the cell is told of the end.
    link: Link<T>,
}

impl<F, T> BoxedJob<F, T> {
    fn run<O: Ending<T>>(self)
    where
        F: FnOnce() -> O,
    {
        let BoxedJob { f, mut link } = self;
        if link.is_aborted() {
            drop(f);
            link.end(Err(End::Cancelled));
        } else {
            link.finish(f.run());
        }
    }
}
