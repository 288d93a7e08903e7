//! Handles to the tasks of executors built on async-task.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_task::{FallibleTask, Task};

use super::abortable::{Abortable, NativeTask, poll_cancel};
use super::contained_task::Output;
use super::{Abort, Finished, NativeJoin, SharedJoin};
use crate::error::End;

/// async-task's handle, and how to share it.
pub(crate) struct Join<T> {
    task: Detaching<T>,
    /// Kept from the place where `T` was known to be `Send + 'static`.
    share: fn(Detaching<T>) -> Arc<dyn SharedJoin<T>>,
}

impl<T: Send + 'static> Join<T> {
    #[inline]
    pub(super) fn new(task: Task<Output<T>>) -> Join<T> {
        Join { task: Detaching(Some(task.fallible())), share: |task| Abortable::new(task, None) }
    }
}

impl<T> NativeJoin<T> for Join<T> {
    #[inline]
    fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        self.task.poll(cx)
    }

    fn check_finished(self) -> (super::Join<T>, Finished) {
        let finished = self.task.is_finished();
        (super::Join::Task(self), Finished::Known(finished))
    }

    fn abort(self) -> (super::Join<T>, Option<Arc<dyn Abort>>) {
        let (join, abort) = self.abort_handle();
        (join, Some(abort))
    }

    fn abort_detached(self) {
        // async-task cancels when its handle is dropped.
        drop(self.task.into_inner());
    }

    fn abort_handle(self) -> (super::Join<T>, Arc<dyn Abort>) {
        let shared = (self.share)(self.task);
        (super::Join::shared(shared.clone()), shared)
    }

    async fn cancel(mut self) -> Result<T, End> {
        if self.task.is_finished() {
            return std::future::poll_fn(|cx| self.poll_join(cx)).await;
        }
        let mut cancel = pin!(self.task.into_inner().cancel());
        std::future::poll_fn(|cx| poll_cancel(cancel.as_mut(), cx)).await
    }
}

/// async-task's handle, made to detach when it is dropped.
struct Detaching<T>(Option<FallibleTask<Output<T>>>);

impl<T> Detaching<T> {
    fn get(&self) -> &FallibleTask<Output<T>> {
        self.0.as_ref().expect("it is taken by those who consume it")
    }

    #[inline]
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        let task = self.0.as_mut().expect("it is taken by those who consume it");
        let output = ready!(Pin::new(task).poll(cx));
        // `None` is cancelled, and nobody aborted it: that would have taken this handle.
        Poll::Ready(output.map_or(Err(End::Shutdown), Output::into_end))
    }

    fn is_finished(&self) -> bool {
        self.get().is_finished()
    }

    fn into_inner(mut self) -> FallibleTask<Output<T>> {
        self.0.take().expect("it is taken by those who consume it")
    }
}

impl<T> Drop for Detaching<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.detach();
        }
    }
}

impl<T: Send + 'static> NativeTask for Detaching<T> {
    type Value = T;

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        self.poll(cx)
    }

    fn is_ended(&self) -> Option<bool> {
        Some(self.is_finished())
    }

    fn cancel(self) -> impl Future<Output = Option<Output<T>>> + Send + 'static {
        self.into_inner().cancel()
    }
}
