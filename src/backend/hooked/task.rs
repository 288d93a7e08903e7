//! What is spawned, or run, instead of what has hooks.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::hooks::{Hooks, Turn};
use super::{Refused, TaskEnd};
use crate::backend::contain::{Contained, ContainedJob, discard};
use crate::error::End;

impl Refused {
    /// Drops what was to be spawned.
    #[cold]
    pub(in crate::backend) fn discard<F>(mut self, refused: F) {
        self.0.scope(|| discard(refused));
        self.0.end(TaskEnd::Dropped);
    }
}

impl Hooks {
    /// What to spawn instead of the future.
    #[inline]
    pub(in crate::backend) fn task<F>(self, future: F) -> HookedTask<F> {
        HookedTask { future: Contained::new(future), hooks: self }
    }

    /// What to run instead of the function.
    pub(in crate::backend) fn job<F, T>(self, f: F) -> impl FnOnce() -> T + use<F, T>
    where
        F: FnOnce() -> T,
    {
        let job = HookedJob { f: Some(ContainedJob::new(f)), hooks: self };
        move || job.run()
    }
}

pin_project! {
    /// A future with hooks.
    pub(in crate::backend) struct HookedTask<F> {
        #[pin]
        future: Contained<F>,
        hooks: Hooks,
    }

    impl<F> PinnedDrop for HookedTask<F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if !matches!(this.hooks, Hooks::None) {
                stop(this.future, this.hooks);
            }
        }
    }
}

/// Drops the future of a task that is to go no further.
#[cold]
fn stop<F>(future: Pin<&mut Contained<F>>, hooks: &mut Hooks) {
    if let Err(payload) = hooks.scope(|| future.clear()) {
        discard(payload);
    }
    hooks.end(TaskEnd::Dropped);
}

impl<F: Future> Future for HookedTask<F> {
    type Output = Result<F::Output, End>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (mut future, hooks) = (this.future, this.hooks);
        match hooks.turn(cx.waker()) {
            Turn::Poll => {}
            Turn::Wait if hooks.wait(cx.waker()) => return Poll::Pending,
            Turn::Wait | Turn::Stop => {
                stop(future, hooks);
                return Poll::Ready(Err(End::Cancelled));
            }
        }
        let poll = hooks.scope(|| {
            let poll = future.as_mut().poll_caught(cx);
            if let Poll::Ready(Err(_)) = &poll {
                if let Err(payload) = future.as_mut().clear() {
                    discard(payload);
                }
            }
            poll
        });
        let Poll::Ready(result) = poll else {
            if hooks.wait(cx.waker()) {
                return Poll::Pending;
            }
            stop(future, hooks);
            return Poll::Ready(Err(End::Cancelled));
        };
        if hooks.is_stopped() {
            // It was to stop before it got this far, and so its end does not count.
            hooks.scope(|| discard(result));
            hooks.end(TaskEnd::Dropped);
            return Poll::Ready(Err(End::Cancelled));
        }
        match result {
            Ok(output) => {
                hooks.end(TaskEnd::Completed);
                Poll::Ready(Ok(output))
            }
            Err(payload) => {
                hooks.end(TaskEnd::Panicked);
                Poll::Ready(Err(End::Panic(payload)))
            }
        }
    }
}

/// A function with hooks.
struct HookedJob<F> {
    f: Option<ContainedJob<F>>,
    hooks: Hooks,
}

impl<F> HookedJob<F> {
    fn run<T>(mut self) -> T
    where
        F: FnOnce() -> T,
    {
        let f = self.f.take().expect("only this function takes it, and it takes `self`");
        let result = self.hooks.scope(|| f.run());
        match result {
            Ok(value) => {
                self.hooks.end(TaskEnd::Completed);
                value
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
            self.hooks.end(TaskEnd::Dropped);
        }
    }
}
