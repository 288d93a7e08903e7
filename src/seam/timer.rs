//! The trait of clocks and timers.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::native::Native;
use super::sleep::Sleep;

/// Something that knows the time and can wait for it to pass.
///
/// Take an `Arc<dyn Timer>` in a constructor, and call [`sleep`](Timer::sleep) and the methods of
/// [`TimerExt`] on it. Each built-in spawner is the timer of its runtime as well.
///
/// Implement this trait to put a timer of your own behind the same contract; a [`Sleep`] of it is
/// made of a [`RawSleep`], whose documentation has a complete example.
///
/// # What an implementation promises
///
/// There is one clock: `now` reads it, and sleeps end by it. It does not run backwards. A sleep
/// never ends early, and needs no particular executor: it may be awaited anywhere. A duration that
/// leads past the last [`Instant`] there is, such as [`Duration::MAX`], means never. Clause C12 of
/// the suite in `async_runtime_compat::conformance` (feature `conformance`) checks all of this.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Timer`",
    label = "cannot tell the time",
    note = "the built-in spawners are timers, too; they stand behind cargo features of `async-runtime-compat`: `tokio`, `smol`, `async-std`, `async-executor`",
    note = "for a timer of your own, implement `Timer`, with a `RawSleep` to make its sleeps of"
)]
pub trait Timer: Send + Sync {
    /// The present instant, on the clock that this timer's sleeps end by.
    ///
    /// On a clock that can be paused, such as tokio's in tests, it stands still with it.
    fn now(&self) -> Instant;

    /// The time of day that goes with [`now`](Timer::now).
    ///
    /// On the real clock it is that of the operating system, which may be set back. On a clock
    /// that is paused or advanced by hand it is shifted as `now` is.
    fn system_time(&self) -> SystemTime;

    /// Waits until the duration has passed.
    ///
    /// The time runs from this call, not from the first poll. The sleep ends at the end of the
    /// duration or later, never before; how much later is up to the timer and the executor.
    /// tokio's timer rounds up to the millisecond.
    ///
    /// [`Duration::MAX`], and whatever else leads past the last [`Instant`], is never.
    ///
    /// Dropping the sleep ends it, and leaves nothing behind with the timer.
    ///
    /// # Panics
    ///
    /// On a tokio runtime that was built without its time driver; see
    /// `TokioSpawner::require_timer`.
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
    fn sleep(&self, duration: Duration) -> Sleep;

    /// Which built-in backend this is, so that the typed methods can use its timer as it is.
    ///
    /// Not for implementing: the default is right for every timer outside of this crate.
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
