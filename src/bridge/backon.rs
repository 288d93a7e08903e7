//! Retries that sleep on a [`Timer`], by the crate [`backon`](::backon).
//!
//! `backon` tries again after pauses, for which it needs something that sleeps. By default it is
//! tokio's `sleep`. With a [`TimerSleeper`] the pauses are those of whatever runtime was passed in, and
//! take virtual time where time is virtual: in a simulation, and on tokio's paused clock.
//!
//! Turn off `backon`'s default features; without them it does not compile where the sleeper was
//! forgotten:
//!
//! ```toml
//! backon = { version = "1", default-features = false, features = ["std"] }
//! ```
//!
//! # Jitter
//!
//! `with_jitter` draws from a generator with a random seed: two runs of a simulation would differ.
//! In code that is simulated give it a seed, `with_jitter_seed(seed)`, from the generator that the
//! code draws its other random numbers from.
//!
//! # Examples
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use async_runtime_compat::backon::TimerSleeper;
//! use async_runtime_compat::prelude::*;
//! use backon::{ExponentialBuilder, Retryable};
//!
//! # async fn request() -> std::io::Result<u32> { Ok(7) }
//! /// Tries up to five times: after 1, 2, 4 and 8 seconds.
//! async fn ask(timer: &Arc<dyn Timer>) -> std::io::Result<u32> {
//!     let pauses = ExponentialBuilder::default()
//!         .with_min_delay(Duration::from_secs(1))
//!         .with_max_times(4);
//!     request.retry(pauses).sleep(TimerSleeper::new(timer.clone())).await
//! }
//! # #[cfg(feature = "smol")]
//! # smol::block_on(async {
//! #     let timer: Arc<dyn Timer> = Arc::new(async_runtime_compat::smol::SmolSpawner);
//! #     assert_eq!(ask(&timer).await.unwrap(), 7);
//! # });
//! ```

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::backon::Sleeper;

use crate::seam::{Sleep, Timer};

/// A [`Timer`] as what `backon` sleeps on: for `.sleep(TimerSleeper::new(timer))`.
///
/// A pause begins when the attempt before it has failed, ends at its end or later, and is the
/// timer's own [`Sleep`]. Dropping the retry drops it, and leaves nothing behind with the timer.
///
/// It has no parameter for the timer, and is not a closure over one: with a `dyn Timer` in its type
/// the compiler does not see that the future of a retry is `Send`, and a task could not await it.
#[derive(Clone)]
pub struct TimerSleeper {
    timer: Arc<dyn Timer>,
}

impl TimerSleeper {
    /// Sleeps on the timer. An `Arc<dyn Runtime>` is one, too.
    #[must_use]
    pub fn new(timer: Arc<dyn Timer>) -> TimerSleeper {
        TimerSleeper { timer }
    }
}

impl Sleeper for TimerSleeper {
    type Sleep = Sleep;

    /// # Panics
    ///
    /// As [`Timer::sleep`].
    fn sleep(&self, duration: Duration) -> Sleep {
        self.timer.sleep(duration)
    }
}

impl fmt::Debug for TimerSleeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerSleeper").finish_non_exhaustive()
    }
}
