//! The wrappers around tasks and blocking work with hooks.

use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::TaskEnd;
use super::hooks::{Hooks, Turn};
use super::stack::Refused;
use crate::contain::{Contained, ContainedJob, Payload, PollCaught, discard};

impl Refused {
    /// Drops the refused future or function.
    #[cold]
    pub(crate) fn discard<F>(mut self, refused: F) {
        self.0.scope(|| discard(refused));
        self.0.end_early();
    }
}

impl Hooks {
    /// Wraps a future with the hooks.
    #[inline]
    pub(crate) fn task<F>(self, future: F) -> HookedTask<F> {
        HookedTask { future: Contained::new(future), hooks: ManuallyDrop::new(self) }
    }

    /// Wraps a function with the hooks. The wrapper returns `None` if the function was stopped before it ran.
    pub(crate) fn job<F, T>(self, f: F) -> impl FnOnce() -> Option<T> + use<F, T>
    where
        F: FnOnce() -> T,
    {
        let job = HookedJob { f: Some(ContainedJob::new(f)), hooks: self };
        move || job.run()
    }
}

pin_project! {
    /// A future with hooks.
    pub(crate) struct HookedTask<F> {
        #[pin]
        future: Contained<F>,
        // Taken out when the task ends, which is at the latest when this is dropped.
        hooks: ManuallyDrop<Hooks>,
    }

    impl<F> PinnedDrop for HookedTask<F> {
        fn drop(this: Pin<&mut Self>) {
            this.drop_early();
        }
    }
}

impl<F> HookedTask<F> {
    /// Stops the task, unless it has ended.
    fn drop_early(self: Pin<&mut Self>) {
        let this = self.project();
        if !matches!(**this.hooks, Hooks::None) {
            stop(this.future, this.hooks);
        }
    }
}

/// Stops a task: drops its future, and tells its hooks.
#[cold]
fn stop<F>(future: Pin<&mut Contained<F>>, hooks: &mut Hooks) {
    discard(hooks.scope(|| future.clear()));
    hooks.end_early();
}

impl<F: Future> Future for HookedTask<F> {
    /// `None` if it was stopped.
    type Output = Option<F::Output>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_caught(cx).map(|end| end.unwrap_or_else(|payload| resume_unwind(payload)))
    }
}

impl<F: Future> PollCaught for HookedTask<F> {
    type Output = Option<F::Output>;

    #[inline]
    fn poll_caught(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Output, Payload>> {
        let this = self.project();
        let (mut future, hooks) = (this.future, &mut **this.hooks);
        // The common case of a single group is worth a fast path.
        let Hooks::Member(member) = hooks else { return poll_others(future, hooks, cx) };
        if !member.is_stopped() {
            match future.as_mut().poll_caught(cx) {
                Poll::Pending => {
                    if member.wait(cx.waker()) {
                        return Poll::Pending;
                    }
                }
                Poll::Ready(result) if result.is_err() || member.is_stopped() => {
                    return Poll::Ready(end(hooks, result));
                }
                Poll::Ready(result) => {
                    hooks.end(TaskEnd::Completed);
                    return Poll::Ready(result.map(Some));
                }
            }
        }
        stop(future, hooks);
        Poll::Ready(Ok(None))
    }

    fn clear_caught(self: Pin<&mut Self>) {
        let this = self.project();
        if matches!(**this.hooks, Hooks::None) {
            // No layer added a hook, or the task has ended and its future is gone.
            return discard(this.future.clear());
        }
        stop(this.future, this.hooks);
    }
}

fn poll_others<F: Future>(
    mut future: Pin<&mut Contained<F>>,
    hooks: &mut Hooks,
    cx: &mut Context<'_>,
) -> Poll<Result<Option<F::Output>, Payload>> {
    match hooks.turn(cx.waker()) {
        Turn::Poll => {
            if let Poll::Ready(result) = hooks.scope(|| future.as_mut().poll_caught(cx)) {
                return Poll::Ready(end(hooks, result));
            }
            if hooks.wait(cx.waker()) {
                return Poll::Pending;
            }
        }
        Turn::Wait if hooks.wait(cx.waker()) => return Poll::Pending,
        Turn::Wait | Turn::Stop => {}
    }
    stop(future, hooks);
    Poll::Ready(Ok(None))
}

/// Ends a task that completed or panicked.
fn end<T>(hooks: &mut Hooks, result: Result<T, Payload>) -> Result<Option<T>, Payload> {
    if hooks.is_stopped() || !hooks.end_observed() {
        // It was aborted before this, so its own end does not count.
        hooks.scope(|| discard(result));
        hooks.end(TaskEnd::Aborted);
        return Ok(None);
    }
    hooks.end(if result.is_ok() { TaskEnd::Completed } else { TaskEnd::Panicked });
    result.map(Some)
}

/// A function with hooks.
struct HookedJob<F> {
    f: Option<ContainedJob<F>>,
    hooks: Hooks,
}

impl<F> HookedJob<F> {
    fn run<T>(mut self) -> Option<T>
    where
        F: FnOnce() -> T,
    {
        if self.hooks.is_stopped() {
            return None;
        }
        let f = self.f.take().expect("only this function takes it, and it takes `self`");
        let result = self.hooks.scope(|| f.run());
        if !self.hooks.end_observed() {
            self.hooks.scope(|| discard(result));
            self.hooks.end(TaskEnd::Aborted);
            return None;
        }
        match result {
            Ok(value) => {
                self.hooks.end(TaskEnd::Completed);
                Some(value)
            }
            Err(payload) => {
                self.hooks.end(TaskEnd::Panicked);
                resume_unwind(payload)
            }
        }
    }
}

impl<F> Drop for HookedJob<F> {
    fn drop(&mut self) {
        if let Some(f) = self.f.take() {
            self.hooks.scope(|| drop(f));
            self.hooks.end_early();
        }
    }
}
