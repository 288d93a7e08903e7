//! Handles to the tasks of executors built on async-task.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_task::{FallibleTask, Task};

use super::abortable::{Abortable, Cancelling, NativeTask};
use super::contained_task::Output;
use super::join::{NativeJoin, polled_again};
use super::{Abort, Finished, SharedJoin};
use crate::error::End;

/// async-task's handle, and a function that moves it to the heap.
pub(crate) struct TaskJoin<T> {
    task: Detaching<T>,
    /// Whether it has been polled and may have a waker, which async-task does not reveal.
    polled: bool,
    /// Moves it to the heap, with `polled`. Stored where `T` is known to be `Send + 'static`.
    share: fn(Detaching<T>, bool) -> Arc<dyn SharedJoin<T>>,
}

impl<T: Send + 'static> TaskJoin<T> {
    #[inline]
    pub(super) fn new(task: Task<Output<T>>) -> TaskJoin<T> {
        TaskJoin {
            task: Detaching(Some(task.fallible())),
            polled: false,
            share: |task, polled| Abortable::new(task, polled, None),
        }
    }
}

impl<T> NativeJoin<T> for TaskJoin<T> {
    #[inline]
    fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        self.polled = true;
        self.task.poll(cx)
    }

    fn check_finished(self) -> (super::Join<T>, Finished) {
        let finished = self.task.is_finished();
        (super::Join::Task(self), Finished::Known(finished))
    }

    fn abort(self) -> (super::Join<T>, Option<Arc<dyn Abort>>) {
        if self.task.is_finished() {
            return (super::Join::Task(self), None);
        }
        let (join, abort) = self.abort_handle();
        (join, Some(abort))
    }

    fn abort_detached(mut self) {
        // async-task cancels when its handle is dropped.
        drop(self.task.0.take());
    }

    fn abort_handle(self) -> (super::Join<T>, Arc<dyn Abort>) {
        if self.task.0.is_none() {
            return (super::Join::Task(self), super::shared::ended());
        }
        let shared = (self.share)(self.task, self.polled);
        (super::Join::shared(shared.clone()), shared)
    }

    fn cancel(&mut self) -> Option<impl Future<Output = Result<T, End>> + use<T>> {
        if self.task.is_finished() {
            return None;
        }
        Some(Cancelling::new(self.task.0.take()?.cancel()))
    }
}

/// async-task's handle, which detaches when it is dropped. `None` once it has been consumed, or the end of the task
/// returned.
struct Detaching<T>(Option<FallibleTask<Output<T>>>);

impl<T> Detaching<T> {
    #[inline]
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        let Some(task) = &mut self.0 else { polled_again() };
        let output = ready!(Pin::new(task).poll(cx));
        self.detach();
        match output {
            Some(output) => Poll::Ready(output.into_end()),
            // Cancelled, but not by an abort, which would have taken this handle.
            None => Poll::Ready(Err(End::Shutdown)),
        }
    }

    fn is_finished(&self) -> bool {
        self.0.as_ref().is_none_or(FallibleTask::is_finished)
    }

    fn into_inner(mut self) -> FallibleTask<Output<T>> {
        self.0.take().expect("a task that has not ended has a handle")
    }

    #[inline]
    fn detach(&mut self) {
        if let Some(task) = self.0.take() {
            task.detach();
        }
    }
}

impl<T> Drop for Detaching<T> {
    #[inline]
    fn drop(&mut self) {
        self.detach();
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
