//! The outputs of tasks' futures, which are not always the tasks' outputs.

use crate::contain::Payload;
use crate::error::End;

/// The output of a spawned future, as the end of a task with an output of type `T`.
pub(crate) trait Ending<T>: Sized {
    fn into_end(self) -> Result<T, End>;
}

/// The end of a task, from the output or panic of its future.
#[inline]
pub(crate) fn end_of<T>(result: Result<impl Ending<T>, Payload>) -> Result<T, End> {
    match result {
        Ok(outcome) => outcome.into_end(),
        Err(payload) => Err(End::panic(payload)),
    }
}

/// A future without hooks.
impl<T> Ending<T> for T {
    #[inline]
    fn into_end(self) -> Result<T, End> {
        Ok(self)
    }
}

/// The future of a task with hooks; `None` if it was stopped.
impl<T> Ending<T> for Option<T> {
    #[inline]
    fn into_end(self) -> Result<T, End> {
        self.ok_or(End::Cancelled)
    }
}
