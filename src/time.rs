//! Time as a capability: the clock, sleeping, time limits and intervals.

mod interval;
mod timeout;

use std::future::IntoFuture;
use std::time::{Duration, Instant};

use crate::backend;
use crate::seam::{Sleep, Timer};

pub use interval::{Interval, MissedTickBehavior};
pub use timeout::Timeout;

/// The methods on top of [`Timer`], for every timer, trait objects included.
pub trait TimerExt: Timer {
    /// Waits until the deadline.
    ///
    /// A deadline that has passed gives a sleep that ends as soon as the timer gets to it.
    ///
    /// Dropping the sleep ends it, and leaves nothing behind with the timer.
    ///
    /// # Panics
    ///
    /// As [`sleep`](Timer::sleep).
    #[inline]
    fn sleep_until(&self, deadline: Instant) -> Sleep {
        backend::sleep_until(self, deadline)
    }

    /// Gives a future a time limit, which runs from this call.
    ///
    /// The future is polled before the clock is looked at: one that is ready gives its output,
    /// even if the limit is zero. Awaiting the [`Timeout`] drops the future, whichever way it
    /// ends; dropping the [`Timeout`] does, too.
    ///
    /// Nothing is allocated on the built-in backends. On tokio, as with tokio's own `timeout`, a
    /// future that always uses up its task's cooperative budget is limited as well. A future that
    /// is ready when it is polled first takes no sleep of tokio's.
    ///
    /// A limit of [`Duration::MAX`] is none.
    ///
    /// # Errors
    ///
    /// Awaiting it gives [`Elapsed`](crate::Elapsed) if the time ran out first.
    ///
    /// # Panics
    ///
    /// As [`sleep`](Timer::sleep), but on tokio when the future has to wait for the first time, and
    /// not if the limit is none.
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

    /// Like [`timeout`](TimerExt::timeout), with a limit that is an instant.
    ///
    /// # Errors
    ///
    /// Awaiting it gives [`Elapsed`](crate::Elapsed) if the deadline came first.
    ///
    /// # Panics
    ///
    /// As [`timeout`](TimerExt::timeout).
    #[inline]
    fn timeout_at<F: IntoFuture>(&self, deadline: Instant, future: F) -> Timeout<F::IntoFuture> {
        Timeout::new(future.into_future(), backend::limit_at(self, deadline))
    }

    /// Ticks at once, and then after each period.
    ///
    /// What becomes of ticks that are missed is set with
    /// [`set_missed_tick_behavior`](Interval::set_missed_tick_behavior). A period of
    /// [`Duration::MAX`] gives the first tick, and no other.
    ///
    /// The interval does not borrow the timer.
    ///
    /// # Panics
    ///
    /// If the period is zero; and as [`sleep`](Timer::sleep).
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
    /// As [`interval`](TimerExt::interval).
    #[track_caller]
    fn interval_at(&self, start: Instant, period: Duration) -> Interval {
        Interval::new(self, start, period)
    }
}

impl<T: Timer + ?Sized> TimerExt for T {}
