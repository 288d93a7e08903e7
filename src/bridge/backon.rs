//! Retries that sleep on a [`Timer`], with the crate [`backon`](::backon).
//!
//! `backon` sleeps between attempts, by default with tokio's `sleep`. With a [`TimerSleeper`] it sleeps
//! on the timer that was passed in, which takes virtual time in a simulation and on tokio's paused
//! clock: a night of retries takes no time, and is the same in each run. The example `backon` in the
//! repository shows both.
//!
//! Disable `backon`'s default features, so that code that forgets the sleeper does not compile:
//!
//! ```toml
//! backon = { version = "1", default-features = false, features = ["std"] }
//! ```
//!
//! # Jitter
//!
//! `with_jitter` draws from a randomly seeded generator, so two runs of a simulation would differ. In
//! simulated code pass a seed, `with_jitter_seed(seed)`, from the generator that the code draws its
//! other random numbers from.
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

/// A [`Timer`] as `backon`'s sleeper, for `.sleep(TimerSleeper::new(timer))`.
///
/// A pause begins when the previous attempt has failed, and is the timer's own [`Sleep`]. Dropping the
/// retry drops the sleep and removes it from the timer.
///
/// This type is not generic over the timer, and not a closure over one: with a `dyn Timer` in its type
/// the compiler could not prove that the future of a retry is `Send`, and a task could not await it.
#[derive(Clone)]
pub struct TimerSleeper {
    timer: Arc<dyn Timer>,
}

impl TimerSleeper {
    /// Creates a sleeper on the timer. An `Arc<dyn Runtime>` can be passed as well.
    #[must_use]
    pub fn new(timer: Arc<dyn Timer>) -> TimerSleeper {
        TimerSleeper { timer }
    }
}

impl Sleeper for TimerSleeper {
    type Sleep = Sleep;

    /// # Panics
    ///
    /// The same as [`Timer::sleep`].
    fn sleep(&self, duration: Duration) -> Sleep {
        self.timer.sleep(duration)
    }
}

impl fmt::Debug for TimerSleeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerSleeper").finish_non_exhaustive()
    }
}
