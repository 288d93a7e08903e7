//! Sleeps and timeouts on each backend.

use std::time::{Duration, Instant};

use super::Limit;
#[cfg(feature = "_async-task")]
use crate::seam::sleep::IoSleep;
use crate::seam::sleep::TokioClock;
#[cfg(feature = "tokio")]
use crate::seam::sleep::{TokioSleep, tokio as sleep};
use crate::seam::{Kind, Sleep, Timer};

/// Sleeps until the deadline, on the backend's own timer where it is known.
#[track_caller]
pub(crate) fn sleep_until<T: Timer + ?Sized>(timer: &T, deadline: Instant) -> Sleep {
    match timer.native_timer().0 {
        Kind::Opaque(_) | Kind::Layered(_) => {
            let mut sleep = timer.sleep(deadline.saturating_duration_since(timer.now()));
            // Time has passed since `now`.
            sleep.reset(deadline);
            sleep
        }
        #[cfg(feature = "tokio")]
        Kind::Tokio(handle) => TokioSleep::make(handle, |_| sleep::at(deadline)).into(),
        #[cfg(feature = "_async-task")]
        _ => IoSleep::at(Some(deadline)).into(),
    }
}

/// A sleep that is not moved, for a timeout: on tokio, tokio's own without a box.
#[inline]
pub(crate) fn limit<T: Timer + ?Sized>(timer: &T, duration: Duration) -> Limit {
    match timer.native_timer().0 {
        #[cfg(feature = "tokio")]
        Kind::Tokio(handle) => Limit::make(handle, |now| sleep::after(now, duration)),
        #[cfg_attr(not(feature = "tokio"), expect(clippy::useless_conversion))]
        _ => timer.sleep(duration).into(),
    }
}

/// Like [`limit`], until an instant.
#[inline]
pub(crate) fn limit_at<T: Timer + ?Sized>(timer: &T, deadline: Instant) -> Limit {
    match timer.native_timer().0 {
        #[cfg(feature = "tokio")]
        Kind::Tokio(handle) => Limit::make(handle, |_| sleep::at(deadline)),
        #[cfg_attr(not(feature = "tokio"), expect(clippy::useless_conversion))]
        _ => sleep_until(timer, deadline).into(),
    }
}

/// The clock of a timer whose sleeps do not know the time.
pub(crate) fn clock<T: Timer + ?Sized>(timer: &T) -> Option<TokioClock> {
    match timer.native_timer().0 {
        #[cfg(feature = "tokio")]
        Kind::Tokio(handle) => Some(TokioClock::new(handle)),
        _ => None,
    }
}
