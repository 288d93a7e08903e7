//! How long something that is to end may take.

use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::services::contain::{catch, discard};
use crate::{Timer, TimerExt};

/// A grace period. It begins with the first wait that it limits.
///
/// A period of zero needs no timer, one of [`Duration::MAX`] never ends, and one on a runtime without
/// a timer is over at once.
pub(crate) struct Grace<'a> {
    timer: &'a dyn Timer,
    period: Duration,
    /// The end of the period; `None` before it has begun, and if it never ends.
    deadline: Option<Instant>,
}

impl<'a> Grace<'a> {
    pub(crate) fn new(timer: &'a dyn Timer, period: Duration) -> Grace<'a> {
        Grace { timer, period, deadline: None }
    }

    /// Waits for the future until the period is over. If it already is, the future is not polled.
    ///
    /// The future must not panic; a panic of the timer ends the period.
    pub(crate) async fn limit<F: Future + Unpin>(&mut self, future: F) -> Option<F::Output> {
        // A timeout and not a sleep: it also limits a task that always uses up its budget on tokio.
        let limited = catch(|| {
            let remaining = self.remaining();
            (!remaining.is_zero()).then(|| Box::pin(self.timer.timeout(remaining, future)))
        });
        let output = match limited {
            Ok(None) => None,
            Ok(Some(mut limited)) => {
                poll_fn(|cx| {
                    catch(|| limited.as_mut().poll(cx).map(Result::ok)).unwrap_or_else(|payload| {
                        discard(payload);
                        Poll::Ready(None)
                    })
                })
                .await
            }
            Err(payload) => {
                discard(payload);
                None
            }
        };
        if output.is_none() {
            self.period = Duration::ZERO;
        }
        output
    }

    fn remaining(&mut self) -> Duration {
        if self.period.is_zero() {
            return Duration::ZERO;
        }
        let now = self.timer.now();
        if let Some(deadline) = self.deadline {
            return deadline.saturating_duration_since(now);
        }
        self.deadline = now.checked_add(self.period);
        self.period
    }
}
