//! A future with a timeout.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::backend::Limit;
use crate::error::Elapsed;

pin_project! {
    /// A future with a timeout; see [`TimerExt::timeout`](crate::TimerExt::timeout).
    ///
    /// Dropping it drops the future. Awaiting it drops the future before the result is returned; when
    /// it is polled by reference, the future is kept until the `Timeout` is dropped.
    ///
    /// # Errors
    ///
    /// [`Elapsed`] if the timeout elapses before the future completes. Polling the `Timeout` again
    /// after that polls the future again, which may still yield its output.
    ///
    /// # Panics
    ///
    /// Panics if the future does. Polling it after it completed polls the future after it completed.
    ///
    /// # Cancel safety
    ///
    /// As cancel safe as the future: dropping the `Timeout` drops the future.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Timeout<F> {
        #[pin]
        future: F,
        #[pin]
        limit: Limit,
    }
}

impl<F> Timeout<F> {
    #[inline]
    pub(crate) fn new(future: F, limit: Limit) -> Timeout<F> {
        Timeout { future, limit }
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        this.limit.poll(cx).map(|()| Err(Elapsed::new()))
    }
}

impl<F> fmt::Debug for Timeout<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout").finish_non_exhaustive()
    }
}
