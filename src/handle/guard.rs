//! An abort handle that aborts on drop.

use std::fmt;

use super::AbortHandle;

/// An [`AbortHandle`] that aborts its task when it is dropped; returned by [`AbortHandle::abort_on_drop`].
///
/// It binds a task to an owner that does not await it, such as a scope, a map entry, or a task whose
/// [`JoinHandle`](crate::JoinHandle) is awaited by somebody else. To keep the output as well, use
/// [`AbortOnDrop`](crate::AbortOnDrop), as tokio-util's `AbortOnDropHandle` does.
///
/// Dropping the guard requests that the task stop at its next await, and does not wait; a finished task is not
/// affected. Other handles to the task stay valid. Call [`into_handle`](AbortGuard::into_handle) to let the task
/// run on.
///
/// # Examples
///
/// ```
/// # use async_runtime_compat::FnSpawner;
/// use async_runtime_compat::prelude::*;
///
/// # let spawner = FnSpawner::new(|f| { std::thread::spawn(|| futures_lite::future::block_on(f)); });
/// # futures_lite::future::block_on(async {
/// let task = spawner.spawn_with_handle(std::future::pending::<()>());
/// {
///     let _guard = task.abort_handle().abort_on_drop();
///     // Whichever way this scope is left, the task is aborted.
/// }
/// assert!(task.await.is_err_and(|error| error.is_cancelled()));
/// # });
/// ```
#[must_use = "dropping the guard aborts the task at once"]
pub struct AbortGuard {
    handle: AbortHandle,
    armed: bool,
}

impl AbortGuard {
    pub(super) fn new(handle: AbortHandle) -> AbortGuard {
        AbortGuard { handle, armed: true }
    }

    /// Disarms the guard, and returns the handle: dropping it does not affect the task.
    #[must_use = "the task runs on; drop the handle explicitly if it is not needed"]
    pub fn into_handle(mut self) -> AbortHandle {
        self.armed = false;
        self.handle.clone()
    }

    /// Returns whether the task has ended; see [`AbortHandle::is_finished`].
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }
}

impl Drop for AbortGuard {
    fn drop(&mut self) {
        if self.armed {
            self.handle.abort();
        }
    }
}

impl fmt::Debug for AbortGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AbortGuard({:?})", self.handle)
    }
}
