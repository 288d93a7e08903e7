//! Handles on the heap, which more than one owner can reach.

use std::sync::Arc;
use std::task::{Context, Poll};

use crate::error::End;

/// What an [`AbortHandle`](crate::AbortHandle) does.
pub(crate) trait Abort: Send + Sync {
    fn abort(&self);
    fn is_finished(&self) -> bool;
}

/// What a [`JoinHandle`](crate::JoinHandle) does with a task that others can abort as well.
pub(crate) trait SharedJoin<T>: Abort {
    fn poll_join(&self, cx: &mut Context<'_>) -> Poll<Result<T, End>>;

    /// Lets others abort the task.
    fn watch(self: Arc<Self>) -> Arc<dyn Abort>;

    /// Nobody will join: the output is to be dropped as soon as there is one.
    fn detach(self: Arc<Self>);
}

/// The abort handle of a task that had ended before it was asked for.
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
