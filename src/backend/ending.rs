//! What the futures of tasks give, which is not always the task's output.

use crate::error::End;

/// The output of a future that is spawned, seen as the end of a task with an output of type `T`.
pub(crate) trait Ending<T>: Sized {
    fn into_end(self) -> Result<T, End>;
}

/// A future as it came.
impl<T> Ending<T> for T {
    #[inline]
    fn into_end(self) -> Result<T, End> {
        Ok(self)
    }
}

/// The output of a future that a hook may stop.
///
/// It is a value, and not a panic to be caught on the way: that would end the process where
/// panics do.
pub(crate) type Stoppable<T> = Result<T, Stopped>;

/// A hook stopped the task before it completed.
#[derive(Debug)]
pub(crate) struct Stopped;

impl<T> Ending<T> for Stoppable<T> {
    #[inline]
    fn into_end(self) -> Result<T, End> {
        self.map_err(|Stopped| End::Cancelled)
    }
}
