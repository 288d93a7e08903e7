//! Handles on the heap, which more than one owner can reach.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::join::{Join, NativeJoin, Sharing, polled_again};
use super::{Abort, Finished, shared};
use crate::error::End;

/// The interface of a [`JoinHandle`](crate::JoinHandle) to a task that can also be aborted from elsewhere.
pub(crate) trait SharedJoin<T>: Abort {
    fn poll_join(&self, cx: &mut Context<'_>) -> Poll<Result<T, End>>;

    /// Returns a handle that aborts the task from elsewhere.
    fn watch(self: Arc<Self>) -> Arc<dyn Abort>;

    /// Detaches the task: its output is dropped as soon as there is one.
    fn detach(self: Arc<Self>);
}

/// The [`JoinHandle`](crate::JoinHandle)'s reference to a task on the heap, which can be aborted from elsewhere. `None` once the end of the task has been returned.
pub(super) struct SharedHandle<T>(Option<Arc<dyn SharedJoin<T>>>);

impl<T> SharedHandle<T> {
    pub(super) fn new(task: Arc<dyn SharedJoin<T>>) -> SharedHandle<T> {
        SharedHandle(Some(task))
    }
}

impl<T> Drop for SharedHandle<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.detach();
        }
    }
}

impl<T> NativeJoin<T> for SharedHandle<T> {
    fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        let Some(task) = &self.0 else { polled_again() };
        let end = ready!(task.poll_join(cx));
        self.0 = None;
        Poll::Ready(end)
    }

    fn check_finished(self, _: Sharing<T>) -> (Join<T>, Finished) {
        let finished = match &self.0 {
            Some(task) => Finished::Ask(task.clone()),
            None => Finished::Known(true),
        };
        (self.into(), finished)
    }

    fn abort(self, _: Sharing<T>) -> (Join<T>, Option<Arc<dyn Abort>>) {
        let abort = self.0.clone();
        (self.into(), abort.map(|task| task as Arc<dyn Abort>))
    }

    fn abort_detached(self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }

    fn abort_handle(self, _: Sharing<T>) -> (Join<T>, Arc<dyn Abort>) {
        let abort = match &self.0 {
            Some(task) => task.clone().watch(),
            None => shared::ended(),
        };
        (self.into(), abort)
    }
}
