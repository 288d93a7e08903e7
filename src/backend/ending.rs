//! The outputs of tasks' futures, which are not always the tasks' outputs.

use crate::error::End;

/// The output of a spawned future, as the end of a task with an output of type `T`.
pub(crate) trait Ending<T>: Sized {
    fn into_end(self) -> Result<T, End>;
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
