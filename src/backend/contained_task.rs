//! What tasks need on the executors that are built on async-task: smol's, async-std's and
//! async-executor's.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::contain::{Contained, discard};

/// A task's output on its way to the handle; a panic in its destructor goes no further.
///
/// async-task drops the output of a detached task outside of any `catch_unwind`: a panic there
/// aborts the process, or unwinds out of the call that detaches.
pub(super) struct Output<T>(Option<T>);

impl<T> Output<T> {
    #[inline]
    pub(super) fn into_inner(mut self) -> T {
        self.0.take().expect("only this function takes the output, and it takes `self`")
    }
}

impl<T> Drop for Output<T> {
    #[inline]
    fn drop(&mut self) {
        if mem::needs_drop::<T>() && self.0.is_some() {
            discard(self.0.take());
        }
    }
}

pin_project! {
    /// A task whose code may not unwind where it must not: neither its future's destructor nor its output's can panic.
    pub(super) struct ContainedTask<F> {
        #[pin]
        future: Contained<F>,
    }
}

impl<F> ContainedTask<F> {
    #[inline]
    pub(super) fn new(future: F) -> ContainedTask<F> {
        ContainedTask { future: Contained::new(future) }
    }
}

impl<F: Future> Future for ContainedTask<F> {
    type Output = Output<F::Output>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().future.poll(cx).map(|output| Output(Some(output)))
    }
}
