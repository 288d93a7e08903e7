//! A future with a time limit.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::backend::Limit;
use crate::error::Elapsed;

pin_project! {
    /// A future with a time limit; see [`TimerExt::timeout`](crate::TimerExt::timeout).
    ///
    /// Dropping it drops the future. Awaiting it drops the future before the result is there;
    /// whoever polls it by reference keeps the future until the `Timeout` is dropped.
    ///
    /// # Errors
    ///
    /// [`Elapsed`] if the time ran out before the future completed. A `Timeout` that is polled
    /// again after that polls the future again, and may still give its output.
    ///
    /// # Panics
    ///
    /// If the future does; after it completed, a further poll does whatever the future does then.
    ///
    /// # Cancel safety
    ///
    /// As cancel safe as the future: dropping the `Timeout` drops it where it stands.
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
