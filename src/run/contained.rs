//! Running code of the user's that may panic, and may be cancelled.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use super::Canceller;
use super::error::{BoxError, Cause};
use crate::backend::{self, Contained, Limit, PollCaught, discard};
use crate::error::Payload;
use crate::group::TaskGroup;
use crate::seam::Timer;

/// A grace period. It begins when it is first asked whether it is over.
///
/// One of zero needs no timer, one of [`Duration::MAX`] never ends, and one on a runtime without a
/// timer is over at once.
pub(crate) struct Grace<'a> {
    timer: &'a dyn Timer,
    period: Duration,
    /// A limit and not a sleep: a task that always uses up its budget on tokio is limited as well.
    limit: Option<Pin<Box<Limit>>>,
}

impl<'a> Grace<'a> {
    pub(crate) fn new(timer: &'a dyn Timer, period: Duration) -> Grace<'a> {
        Grace { timer, period, limit: None }
    }

    pub(crate) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.period.is_zero() {
            return Poll::Ready(());
        }
        let Grace { timer, period, limit } = self;
        let poll = catch_unwind(AssertUnwindSafe(|| {
            let limit = limit.get_or_insert_with(|| Box::pin(backend::limit(*timer, *period)));
            limit.as_mut().poll(cx)
        }));
        let poll = poll.unwrap_or_else(|payload| {
            discard(payload);
            Poll::Ready(())
        });
        if poll.is_ready() {
            self.period = Duration::ZERO;
        }
        poll
    }
}

/// How it ended.
pub(crate) enum Ended<T> {
    Returned(T),
    Panicked(Payload),
    /// It was cancelled, and had not ended at the end of the grace period.
    Stopped,
}

impl<T> Ended<Result<T, BoxError>> {
    /// Its result. What ends after it was cancelled counts as cancelled, whatever it gives.
    pub(crate) fn result(self, cancelled: bool) -> Result<T, Cause> {
        match self {
            Ended::Returned(Ok(output)) if cancelled => {
                discard(output);
                Err(Cause::Cancelled(None))
            }
            Ended::Returned(Ok(output)) => Ok(output),
            Ended::Returned(Err(error)) if cancelled => Err(Cause::Cancelled(Some(error))),
            Ended::Returned(Err(error)) => Err(Cause::Failed(error)),
            Ended::Panicked(payload) => Err(Cause::panic(payload)),
            Ended::Stopped => Err(Cause::Cancelled(None)),
        }
    }
}

/// Runs a future to its end, or until the grace period after a request is over.
///
/// When it resolves, the future has been dropped. Neither it nor its destructor panics out of this.
/// If the future completes in the poll in which the grace period ends, it has returned.
pub(crate) async fn run_contained<F: Future>(
    future: F,
    canceller: &Canceller,
    grace: &mut Grace<'_>,
) -> Ended<F::Output> {
    let mut future = pin!(Contained::new(future));
    let mut request = canceller.request.cancelled();
    let ended = poll_fn(|cx| {
        match future.as_mut().poll_caught(cx) {
            Poll::Ready(Ok(output)) => return Poll::Ready(Ended::Returned(output)),
            Poll::Ready(Err(payload)) => return Poll::Ready(Ended::Panicked(payload)),
            Poll::Pending => {}
        }
        if Pin::new(&mut request).poll(cx).is_pending() {
            return Poll::Pending;
        }
        grace.poll_over(cx).map(|()| Ended::Stopped)
    })
    .await;
    match (future.as_mut().clear(), ended) {
        (Ok(()), ended) => ended,
        // The panic that came first counts.
        (Err(payload), ended @ Ended::Panicked(_)) => {
            discard(payload);
            ended
        }
        (Err(payload), _) => Ended::Panicked(payload),
    }
}

/// Ends a group: cancels its token, waits for the rest of the grace period, aborts what is left,
/// and waits until that is dropped.
pub(crate) async fn wind_down(group: &TaskGroup, grace: &mut Grace<'_>) {
    group.close();
    group.cancel_token().cancel();
    let mut empty = group.wait();
    poll_fn(|cx| match Pin::new(&mut empty).poll(cx) {
        Poll::Ready(()) => Poll::Ready(()),
        Poll::Pending => grace.poll_over(cx),
    })
    .await;
    if !group.is_empty() {
        group.abort_all();
        group.wait().await;
    }
}
