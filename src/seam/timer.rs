//! The trait of clocks and timers.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::native::Native;
use super::sleep::Sleep;

/// A clock, and the sleeps that run on it.
///
/// Take an `Arc<dyn Timer>` in a constructor, and call [`sleep`](Timer::sleep) and the methods of
/// [`TimerExt`](crate::TimerExt) on it. Each built-in spawner is also the timer of its runtime.
///
/// Implement this trait to put a timer of your own behind the same contract. Its sleeps are built
/// from a [`RawSleep`](crate::RawSleep), whose documentation has a complete example.
///
/// # Contract
///
/// A timer has one clock: `now` reads it, and its sleeps run on it. The clock never runs backwards. A
/// sleep never ends early, and may be awaited on any executor. A duration that reaches past the last
/// representable [`Instant`], such as [`Duration::MAX`], means never. Clause C12 of the suite in the
/// crate `async-runtime-compat-conformance` checks all of this.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Timer`",
    label = "cannot tell the time",
    note = "the built-in spawners are timers, too; enable one with a feature of `async-runtime-compat`: `tokio`, `smol`, `async-std`, `async-executor`",
    note = "for a timer of your own, implement `Timer`, and `RawSleep` for its sleeps"
)]
pub trait Timer: Send + Sync {
    /// Returns the current instant on the clock that this timer's sleeps run on.
    ///
    /// It stands still while that clock is paused, as tokio's can be in tests.
    fn now(&self) -> Instant;

    /// Returns the time of day that corresponds to [`now`](Timer::now).
    ///
    /// With the real clock this is the operating system's time, which may be set back. With a clock
    /// that is paused or advanced by hand, it is shifted by the same amount as `now`.
    fn system_time(&self) -> SystemTime;

    /// Waits until the duration has passed.
    ///
    /// The duration counts from this call, not from the first poll. The sleep never ends early; how
    /// late it ends depends on the timer and the executor. tokio's timer rounds up to the
    /// millisecond.
    ///
    /// With [`Duration::MAX`], or any other duration that reaches past the last representable
    /// [`Instant`], the sleep never ends.
    ///
    /// Dropping the sleep cancels it and removes it from the timer.
    ///
    /// # Panics
    ///
    /// Panics on a tokio runtime that was built without its time driver; see
    /// `TokioSpawner::require_timer`. The panic has the location of this call, or, if the timer is a trait
    /// object, one in this crate, since the caller's location is not passed through a vtable.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use async_runtime_compat::prelude::*;
    ///
    /// async fn retry_later(timer: &dyn Timer, attempt: u32) {
    ///     timer.sleep(Duration::from_millis(100) * 2_u32.pow(attempt)).await;
    /// }
    /// ```
    #[track_caller]
    fn sleep(&self, duration: Duration) -> Sleep;

    /// Tells the typed methods which built-in backend this is, so that they can use its timer directly.
    ///
    /// Do not implement it: the default is right for every timer outside this crate.
    #[doc(hidden)]
    fn native_timer(&self) -> Native<'_> {
        Native::opaque()
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: Timer + ?Sized> Timer for $pointer {
            #[inline]
            fn now(&self) -> Instant {
                (**self).now()
            }

            #[inline]
            fn system_time(&self) -> SystemTime {
                (**self).system_time()
            }

            #[inline]
            fn sleep(&self, duration: Duration) -> Sleep {
                (**self).sleep(duration)
            }

            #[inline]
            fn native_timer(&self) -> Native<'_> {
                (**self).native_timer()
            }
        }
    )*};
}

forward!(&T, &mut T, Box<T>, Arc<T>);
