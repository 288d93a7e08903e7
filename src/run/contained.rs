//! Running code of the user's that may panic, and may be cancelled.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use super::Canceller;
use crate::backend::{Contained, discard};
use crate::error::Payload;
use crate::time::Timer;

/// How it ended.
pub(crate) enum Ended<T> {
    Returned(T),
    Panicked(Payload),
    /// It was cancelled, and had not ended at the end of the grace period.
    Stopped,
}

/// Runs a future to its end, or until the grace period after a request is over.
///
/// When it resolves, the future has been dropped. Neither it nor its destructor panics out of this.
/// A grace period of zero needs no timer, and one of [`Duration::MAX`] never ends. If the future
/// completes in the poll in which the grace period ends, it has returned.
pub(crate) async fn run_contained<F: Future>(
    future: F,
    canceller: &Canceller,
    timer: &dyn Timer,
    grace: Duration,
) -> Ended<F::Output> {
    let mut future = pin!(Contained::new(future));
    let mut request = canceller.request.cancelled();
    let mut sleep = None;
    let mut poll = |future: Pin<&mut Contained<F>>, cx: &mut Context<'_>| {
        if let Poll::Ready(result) = future.poll_caught(cx) {
            return Poll::Ready(match result {
                Ok(output) => Ended::Returned(output),
                Err(payload) => Ended::Panicked(payload),
            });
        }
        if Pin::new(&mut request).poll(cx).is_pending() {
            return Poll::Pending;
        }
        if grace.is_zero() {
            return Poll::Ready(Ended::Stopped);
        }
        let sleep = sleep.get_or_insert_with(|| timer.sleep(grace));
        Pin::new(sleep).poll(cx).map(|()| Ended::Stopped)
    };
    let ended = poll_fn(|cx| poll(future.as_mut(), cx)).await;
    match (future.as_mut().clear(), ended) {
        (Ok(()), ended) => ended,
        // A panic that came first counts.
        (Err(payload), ended @ Ended::Panicked(_)) => {
            discard(payload);
            ended
        }
        (Err(payload), _) => Ended::Panicked(payload),
    }
}
