//! Time as a capability: the clock, sleeps, timeouts and intervals.

mod interval;
mod timeout;

use std::future::IntoFuture;
use std::time::{Duration, Instant};

use crate::backend;
use crate::seam::{Sleep, Timer};

pub use interval::{Interval, MissedTickBehavior};
pub use timeout::Timeout;

/// Extension methods for every [`Timer`], including trait objects.
pub trait TimerExt: Timer {
    /// Waits until the deadline.
    ///
    /// If the deadline has passed, the sleep ends as soon as the timer processes it.
    ///
    /// Dropping the sleep cancels it and removes it from the timer.
    ///
    /// # Panics
    ///
    /// The same as [`sleep`](Timer::sleep), but with the location of this call on every built-in timer.
    #[inline]
    #[track_caller]
    fn sleep_until(&self, deadline: Instant) -> Sleep {
        backend::sleep_until(self, deadline)
    }

    /// Requires a future to complete within the duration, which counts from this call.
    ///
    /// The future is polled before the clock is checked: a future that is ready yields its output even
    /// if the duration is zero. Awaiting the [`Timeout`] drops the future in either case, and so does
    /// dropping the [`Timeout`].
    ///
    /// On the built-in backends this allocates nothing. On tokio, as with tokio's own `timeout`, a
    /// future that always exhausts its task's cooperative budget still times out, and a future that is
    /// ready at its first poll registers no timer.
    ///
    /// [`Duration::MAX`] means no timeout.
    ///
    /// # Errors
    ///
    /// Awaiting it returns [`Elapsed`](crate::Elapsed) if the duration elapses first.
    ///
    /// # Panics
    ///
    /// The same as [`sleep`](Timer::sleep), except that on tokio it panics when the future first has to
    /// wait, and never for [`Duration::MAX`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use async_runtime_compat::Elapsed;
    /// use async_runtime_compat::prelude::*;
    ///
    /// async fn answer(timer: &dyn Timer, ask: impl Future<Output = u32>) -> Result<u32, Elapsed> {
    ///     timer.timeout(Duration::from_secs(5), ask).await
    /// }
    /// ```
    #[inline]
    fn timeout<F: IntoFuture>(&self, duration: Duration, future: F) -> Timeout<F::IntoFuture> {
        Timeout::new(future.into_future(), backend::limit(self, duration))
    }

    /// Like [`timeout`](TimerExt::timeout), with a deadline in place of a duration.
    ///
    /// # Errors
    ///
    /// Awaiting it returns [`Elapsed`](crate::Elapsed) if the deadline passes first.
    ///
    /// # Panics
    ///
    /// The same as [`timeout`](TimerExt::timeout).
    #[inline]
    fn timeout_at<F: IntoFuture>(&self, deadline: Instant, future: F) -> Timeout<F::IntoFuture> {
        Timeout::new(future.into_future(), backend::limit_at(self, deadline))
    }

    /// Creates an interval that ticks at once, and then after each period.
    ///
    /// [`set_missed_tick_behavior`](Interval::set_missed_tick_behavior) chooses how it handles missed
    /// ticks. With a period of [`Duration::MAX`] only the first tick comes.
    ///
    /// The interval does not borrow the timer.
    ///
    /// # Panics
    ///
    /// Panics if the period is zero, and in the cases that [`sleep`](Timer::sleep) does.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use async_runtime_compat::prelude::*;
    ///
    /// async fn keep_alive(timer: &dyn Timer, ping: impl Fn()) {
    ///     let mut interval = timer.interval(Duration::from_secs(30));
    ///     interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ///     loop {
    ///         interval.tick().await;
    ///         ping();
    ///     }
    /// }
    /// ```
    #[track_caller]
    fn interval(&self, period: Duration) -> Interval {
        Interval::new(self, self.now(), period)
    }

    /// Like [`interval`](TimerExt::interval), with the first tick at `start`.
    ///
    /// # Panics
    ///
    /// The same as [`interval`](TimerExt::interval).
    #[track_caller]
    fn interval_at(&self, start: Instant, period: Duration) -> Interval {
        Interval::new(self, start, period)
    }
}

impl<T: Timer + ?Sized> TimerExt for T {}
