//! The abort handles of all backends.

use std::sync::Arc;

/// The interface behind an [`AbortHandle`](crate::AbortHandle).
pub(crate) trait Abort: Send + Sync {
    fn abort(&self);
    fn is_finished(&self) -> bool;
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
