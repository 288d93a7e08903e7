//! Handles to the tasks of executors built on async-task.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_task::FallibleTask;

use super::abortable::{Abortable, NativeTask};
use super::cancelling::Cancelling;
use super::contained_task::Output;
use super::join::{NativeJoin, Sharing, polled_again};
use super::shared_join::{SharedHandle, SharedJoin};
use super::{Abort, Finished};
use crate::error::{End, JoinError};
use crate::meta::Label;

/// async-task's handle, which has not been polled.
pub(crate) struct TaskJoin<T>(pub(super) Detaching<T>);

/// async-task's handle, which has been polled and may have a waker: async-task does not reveal that.
pub(crate) struct Polled<T>(pub(super) Detaching<T>);

// async-std has handles of its own around these.
#[cfg(any(feature = "smol", feature = "async-executor"))]
impl<T> TaskJoin<T> {
    #[inline]
    pub(super) fn new(task: async_task::Task<Output<T>>) -> TaskJoin<T> {
        TaskJoin(Detaching(Some(task.fallible())))
    }
}

/// Moves a handle to the heap. The flag tells whether it has been polled.
pub(super) type Share<T> = fn(Detaching<T>, bool) -> Arc<dyn SharedJoin<T>>;

pub(super) fn share<T: Send + 'static>(task: Detaching<T>, polled: bool) -> Arc<dyn SharedJoin<T>> {
    if polled { Abortable::polled(task) } else { Abortable::new(task, None) }
}

/// The error of a task that has no output.
#[cold]
#[inline(never)]
pub(super) fn failed<T>(
    end: Option<Result<T, End>>,
    location: &'static Location<'static>,
) -> JoinError {
    match end {
        Some(Err(end)) => JoinError::new(end, Label::default(), location),
        // Cancelled, but not by an abort, which would have taken the handle.
        _ => JoinError::new(End::Shutdown, Label::default(), location),
    }
}

macro_rules! native_join {
    ($join:ident, $polled:literal) => {
        impl<T> NativeJoin<T> for $join<T> {
            fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
                self.0.poll_end(cx)
            }

            fn check_finished(self, _: Sharing<T>) -> (super::Join<T>, Finished) {
                let finished = self.0.is_finished();
                (self.into(), Finished::Known(finished))
            }

            fn abort(self, sharing: Sharing<T>) -> (super::Join<T>, Option<Arc<dyn Abort>>) {
                if self.0.is_finished() {
                    return (self.into(), None);
                }
                let (join, abort) = self.abort_handle(sharing);
                (join, Some(abort))
            }

            fn abort_detached(mut self) {
                // async-task cancels when its handle is dropped.
                drop(self.0.0.take());
            }

            fn abort_handle(self, sharing: Sharing<T>) -> (super::Join<T>, Arc<dyn Abort>) {
                if self.0.0.is_none() {
                    return (self.into(), super::shared::ended());
                }
                let shared = (sharing.task)(self.0, $polled);
                (SharedHandle::new(shared.clone()).into(), shared)
            }

            fn cancel(mut self) -> Result<impl Future<Output = Result<T, End>> + use<T>, Self> {
                if self.0.is_finished() {
                    return Err(self);
                }
                match self.0.0.take() {
                    Some(task) => Ok(Cancelling::new(task.cancel())),
                    None => Err(self),
                }
            }
        }
    };
}

native_join!(TaskJoin, false);
native_join!(Polled, true);

/// async-task's handle, which detaches when it is dropped. `None` once it has been consumed, or the end of the task
/// returned.
pub(crate) struct Detaching<T>(Option<FallibleTask<Output<T>>>);

impl<T> Detaching<T> {
    /// Polls the native handle, and drops it when it resolves. Returns `None` if the executor dropped the task.
    #[inline(always)]
    pub(super) fn poll_native(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, End>>> {
        let Some(task) = &mut self.0 else { polled_again() };
        let output = ready!(Pin::new(task).poll(cx));
        // The task has ended, so that this cancels nothing, and it is cheaper than to detach it.
        self.0 = None;
        Poll::Ready(output.and_then(Output::into_inner))
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        // Cancelled, but not by an abort, which would have taken this handle.
        self.poll_native(cx).map(|end| end.unwrap_or(Err(End::Shutdown)))
    }

    fn is_finished(&self) -> bool {
        self.0.as_ref().is_none_or(FallibleTask::is_finished)
    }

    fn into_inner(mut self) -> FallibleTask<Output<T>> {
        self.0.take().expect("a task that has not ended has a handle")
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
        Detaching::poll_end(self, cx)
    }

    fn is_ended(&self) -> Option<bool> {
        Some(self.is_finished())
    }

    fn cancel(self) -> impl Future<Output = Option<Output<T>>> + Send + 'static {
        self.into_inner().cancel()
    }
}
