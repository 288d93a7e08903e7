//! The wrapper of tasks on the executors that are built on async-task: smol's, async-std's and
//! async-executor's.

use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::cancelling::outputs;
use super::ending::Ending;
use crate::contain::{PollCaught, discard};
use crate::error::End;

/// A task's output or panic on its way to the handle. A panic in the destructor of the output, or of the payload,
/// is caught.
///
/// async-task drops the output of a detached task outside of any `catch_unwind`: a panic there aborts the process,
/// or unwinds out of the call that detaches. It does the same with payloads, so panics are caught before async-task
/// sees them.
pub(crate) struct Output<T>(Option<Result<T, End>>);

impl<T> Output<T> {
    #[inline]
    pub(crate) fn new(end: Result<T, End>) -> Output<T> {
        Output(Some(end))
    }

    pub(super) fn into_end(self) -> Result<T, End> {
        self.into_inner().expect("only this function takes the output, and it takes `self`")
    }

    /// The end; always `Some`.
    #[inline(always)]
    pub(super) fn into_inner(mut self) -> Option<Result<T, End>> {
        self.0.take()
    }
}

#[inline(never)]
fn discard_end<T>(end: Option<Result<T, End>>) {
    discard(end);
}

impl<T> Drop for Output<T> {
    #[inline]
    fn drop(&mut self) {
        // Checked here, so that nothing is called for an end without a destructor.
        let has_destructor = match &self.0 {
            Some(Ok(_)) => mem::needs_drop::<T>(),
            Some(Err(End::Panic(_))) => true,
            Some(Err(End::Cancelled | End::Shutdown)) | None => false,
        };
        if has_destructor {
            let end = self.0.take();
            outputs::dropping(|| discard_end(end));
        }
    }
}

pin_project! {
    /// A task that never unwinds: neither when it is polled, nor when it or its output is dropped.
    ///
    /// `S` is its spawner. Smol and async-executor have the same function to spawn, and if they called it for the same
    /// type, the compiler would inline it into neither.
    pub(super) struct ContainedTask<C, T, S> {
        #[pin]
        future: C,
        of: PhantomData<fn(S) -> T>,
    }
}

impl<C, T, S> ContainedTask<C, T, S> {
    #[inline]
    pub(super) fn new(future: C) -> ContainedTask<C, T, S> {
        ContainedTask { future, of: PhantomData }
    }
}

impl<C, T, S> Future for ContainedTask<C, T, S>
where
    C: PollCaught,
    C::Output: Ending<T>,
{
    type Output = Output<T>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = match self.project().future.poll_caught(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(result) => result,
        };
        if mem::needs_drop::<T>() {
            outputs::returning();
        }
        let end = match result {
            Ok(outcome) => outcome.into_end(),
            Err(payload) => Err(End::panic(payload)),
        };
        Poll::Ready(Output::new(end))
    }
}

pin_project! {
    /// A detached task that never unwinds. It has no output, so that nothing is kept for a handle. `S` is its spawner,
    /// as in [`ContainedTask`].
    pub(super) struct DetachedTask<C, S> {
        #[pin]
        future: C,
        of: PhantomData<fn(S)>,
    }
}

impl<C, S> DetachedTask<C, S> {
    #[inline]
    pub(super) fn new(future: C) -> DetachedTask<C, S> {
        DetachedTask { future, of: PhantomData }
    }
}

impl<C: PollCaught, S> Future for DetachedTask<C, S> {
    type Output = ();

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.project().future.poll_caught(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(output)) => {
                discard(output);
                Poll::Ready(())
            }
            Poll::Ready(Err(payload)) => {
                discard(payload);
                Poll::Ready(())
            }
        }
    }
}
