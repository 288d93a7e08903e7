//! Tasks with large outputs.
//!
//! An output passes through the wrappers of its task, the task's memory and the handle, and each of them moves it; in
//! an unoptimised build each move takes its size on the stack. So a large output is boxed as soon as the future
//! completes, and unboxed in the poll of the handle that returns it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::join::{Join, NativeJoin, Sharing};
use super::{Abort, Finished};
use crate::error::End;

/// The size above which outputs are boxed. An allocation costs no more than the moves of so many bytes.
const LARGE: usize = 4 * 1024;

/// Whether outputs of this type are boxed.
pub(crate) const fn is_large<T>() -> bool {
    size_of::<T>() > LARGE
}

pin_project! {
    /// A future that boxes the output of another one.
    pub(super) struct Boxing<F> {
        #[pin]
        future: F,
    }
}

impl<F> Boxing<F> {
    #[inline]
    pub(super) fn new(future: F) -> Boxing<F> {
        Boxing { future }
    }
}

impl<F: Future> Future for Boxing<F> {
    type Output = Box<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Box<F::Output>> {
        self.project().future.poll(cx).map(Box::new)
    }
}

/// A handle to a task whose output is boxed.
pub(super) struct LargeJoin<T>(Box<dyn BoxedOutput<T>>);

impl<T: Send + 'static> From<Join<Box<T>>> for Join<T> {
    fn from(mut join: Join<Box<T>>) -> Join<T> {
        // The label stays outside, where it is looked for.
        let label = join.take_label();
        Join::from(LargeJoin(Box::new(join))).labelled(label.into_parts())
    }
}

impl<T> LargeJoin<T> {
    pub(super) fn poll_boxed(&mut self, cx: &mut Context<'_>) -> Poll<Result<Box<T>, End>> {
        self.0.poll_boxed(cx)
    }
}

/// The handle with the boxed output, which is used where `T` is not known to be `Send + 'static`.
trait BoxedOutput<T>: Send {
    fn poll_boxed(&mut self, cx: &mut Context<'_>) -> Poll<Result<Box<T>, End>>;
    fn is_finished(&mut self) -> Finished;
    fn abort(&mut self) -> Option<Arc<dyn Abort>>;
    fn abort_detached(&mut self);
    fn abort_handle(&mut self) -> Arc<dyn Abort>;
}

impl<T: Send + 'static> BoxedOutput<T> for Join<Box<T>> {
    fn poll_boxed(&mut self, cx: &mut Context<'_>) -> Poll<Result<Box<T>, End>> {
        self.poll_join(cx)
    }

    fn is_finished(&mut self) -> Finished {
        Join::is_finished(self, Sharing::NEW)
    }

    fn abort(&mut self) -> Option<Arc<dyn Abort>> {
        Join::abort(self, Sharing::NEW)
    }

    fn abort_detached(&mut self) {
        self.take().abort_detached();
    }

    fn abort_handle(&mut self) -> Arc<dyn Abort> {
        Join::abort_handle(self, Sharing::NEW)
    }
}

impl<T> NativeJoin<T> for LargeJoin<T> {
    fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        self.poll_boxed(cx).map_ok(|output| *output)
    }

    fn check_finished(mut self, _: Sharing<T>) -> (Join<T>, Finished) {
        let finished = self.0.is_finished();
        (self.into(), finished)
    }

    fn abort(mut self, _: Sharing<T>) -> (Join<T>, Option<Arc<dyn Abort>>) {
        let abort = self.0.abort();
        (self.into(), abort)
    }

    fn abort_detached(mut self) {
        self.0.abort_detached();
    }

    fn abort_handle(mut self, _: Sharing<T>) -> (Join<T>, Arc<dyn Abort>) {
        let abort = self.0.abort_handle();
        (self.into(), abort)
    }
}
