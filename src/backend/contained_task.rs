//! What tasks need on the executors that are built on async-task: smol's, async-std's and
//! async-executor's.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::contain::{PollCaught, discard};
use super::ending::{Ending, end_of};
use crate::error::{End, Payload};

/// A task's output or panic on its way to the handle. A panic in its destructor, or in that of the
/// panic's payload, goes no further.
///
/// async-task drops the output of a detached task outside of any `catch_unwind`: a panic there
/// aborts the process, or unwinds out of the call that detaches. It does the same with payloads,
/// so the panic is caught before async-task sees it.
pub(crate) struct Output<T>(Option<Result<T, End>>);

impl<T> Output<T> {
    #[inline]
    pub(crate) fn new(end: Result<T, End>) -> Output<T> {
        Output(Some(end))
    }

    #[inline]
    pub(super) fn into_end(mut self) -> Result<T, End> {
        let end = self.0.take().expect("only this function takes the output, and it takes `self`");
        end.map_err(|end| match end {
            End::Panic(payload) => End::Panic(Unseen::take(payload)),
            end => end,
        })
    }
}

/// A payload with something to do if no join ever hands it out.
pub(crate) struct Unseen {
    payload: Option<Payload>,
    report: Option<Box<dyn FnOnce() + Send>>,
}

impl Unseen {
    #[cfg_attr(not(feature = "sim"), expect(dead_code, reason = "only simulations look"))]
    pub(crate) fn watch(payload: Payload, report: impl FnOnce() + Send + 'static) -> Payload {
        Box::new(Unseen { payload: Some(payload), report: Some(Box::new(report)) })
    }

    #[cold]
    fn take(payload: Payload) -> Payload {
        match payload.downcast::<Unseen>() {
            Ok(mut unseen) => {
                unseen.report = None;
                unseen.payload.take().expect("only this function takes it, and it takes `self`")
            }
            Err(payload) => payload,
        }
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        if let Some(report) = self.report.take() {
            report();
        }
    }
}

impl<T> Drop for Output<T> {
    #[inline]
    fn drop(&mut self) {
        if self.0.is_some() {
            discard(self.0.take());
        }
    }
}

pin_project! {
    /// A task that unwinds nowhere: not when it is polled, and not when it or its output is dropped.
    pub(super) struct ContainedTask<C, T> {
        #[pin]
        future: C,
        output: PhantomData<fn() -> T>,
    }
}

impl<C, T> ContainedTask<C, T> {
    #[cfg_attr(
        not(any(feature = "smol", feature = "async-std", feature = "async-executor")),
        expect(dead_code, reason = "simulations have a wrapper of their own")
    )]
    #[inline]
    pub(super) fn new(future: C) -> ContainedTask<C, T> {
        ContainedTask { future, output: PhantomData }
    }
}

impl<C, T> Future for ContainedTask<C, T>
where
    C: PollCaught,
    C::Output: Ending<T>,
{
    type Output = Output<T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().future.poll_caught(cx).map(|result| Output::new(end_of(result)))
    }
}
