//! Detached tasks in a box.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::contain::{Contained, PollCaught, discard};
use crate::seam;

pin_project! {
    /// A future that never unwinds: a panic ends it, after the panic hook has reported it. Its output
    /// is dropped.
    pub(crate) struct Quiet<F> {
        #[pin]
        future: Contained<F>,
    }
}

impl<F> Quiet<F> {
    pub(crate) fn new(future: F) -> Quiet<F> {
        Quiet { future: Contained::new(future) }
    }
}

impl<F: Future> Future for Quiet<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let end = ready!(self.project().future.poll_caught(cx));
        if !seam::keeps_end() {
            discard(end);
            return Poll::Pending;
        }
        match end {
            Ok(output) => discard(output),
            Err(payload) => discard(seam::panicked(payload)),
        }
        Poll::Ready(())
    }
}
