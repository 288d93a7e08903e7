//! Handles on the heap, which more than one owner can reach.

use std::sync::Arc;
use std::task::{Context, Poll};

use crate::error::End;

/// The interface behind an [`AbortHandle`](crate::AbortHandle).
pub(crate) trait Abort: Send + Sync {
    fn abort(&self);
    fn is_finished(&self) -> bool;
}

/// The interface of a [`JoinHandle`](crate::JoinHandle) to a task that can also be aborted from elsewhere.
pub(crate) trait SharedJoin<T>: Abort {
    fn poll_join(&self, cx: &mut Context<'_>) -> Poll<Result<T, End>>;

    /// Returns a handle that aborts the task from elsewhere.
    fn watch(self: Arc<Self>) -> Arc<dyn Abort>;

    /// Detaches the task: its output is dropped as soon as there is one.
    fn detach(self: Arc<Self>);
}

/// The abort handle of a task that has already ended.
pub(crate) fn ended() -> Arc<dyn Abort> {
    struct AlreadyEnded;

    impl Abort for AlreadyEnded {
        fn abort(&self) {}

        fn is_finished(&self) -> bool {
            true
        }
    }

    Arc::new(AlreadyEnded)
}
