//! Ticks at a period.

use std::fmt;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use crate::backend;
use crate::seam::sleep::TokioClock;
use crate::seam::{Sleep, Timer};
use crate::time::TimerExt;

/// How an [`Interval`] handles missed ticks.
///
/// This follows tokio's type of the same name. As there, a tick that is at most 5 ms late does not
/// count as missed: the next tick comes one period after the time at which this one was due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissedTickBehavior {
    /// Catches up: missed ticks follow at once, until the interval is back on schedule.
    ///
    /// ```text
    /// due      |  1  |  2  |  3  |  4  |  5  |
    /// ticks    |  1  |  late!    |2|3|4|  5  |
    /// ```
    #[default]
    Burst,
    /// Delays the schedule: the next tick comes one period after the late tick.
    ///
    /// ```text
    /// due      |  1  |  2  |  3  |  4  |  5  |
    /// ticks    |  1  |  late!  | 2   | 3   | 4
    /// ```
    Delay,
    /// Skips missed ticks: the next tick is the first one on the schedule that lies ahead.
    ///
    /// ```text
    /// due      |  1  |  2  |  3  |  4  |  5  |
    /// ticks    |  1  |  late!  | 2 |  4  |  5  |
    /// ```
    Skip,
}

/// How late a tick may be without counting as missed; tokio uses the same value.
const LENIENCE: Duration = Duration::from_millis(5);

impl MissedTickBehavior {
    /// When the tick after a late one is due; `None` means never.
    fn next(self, due: Instant, now: Instant, period: Duration) -> Option<Instant> {
        match self {
            MissedTickBehavior::Burst => due.checked_add(period),
            MissedTickBehavior::Delay => now.checked_add(period),
            MissedTickBehavior::Skip => {
                let behind = remainder(now.saturating_duration_since(due), period);
                now.checked_add(period.saturating_sub(behind))
            }
        }
    }
}

/// The remainder of a division of durations, neither of which is zero.
fn remainder(duration: Duration, divisor: Duration) -> Duration {
    const NANOS: u128 = 1_000_000_000;
    let nanos = duration.as_nanos() % divisor.as_nanos();
    let (secs, nanos) = (u64::try_from(nanos / NANOS), u32::try_from(nanos % NANOS));
    match (secs, nanos) {
        (Ok(secs), Ok(nanos)) => Duration::new(secs, nanos),
        _ => unreachable!("a remainder is no longer than the duration"),
    }
}

/// Ticks at a period; see [`TimerExt::interval`].
///
/// Unlike a [`sleep`](Timer::sleep) in a loop, it accounts for the time that passes between two calls
/// of [`tick`](Interval::tick). Dropping it removes it from the timer.
pub struct Interval {
    sleep: Sleep,
    clock: Option<TokioClock>,
    /// When the next tick is due; `None` means never.
    due: Option<Instant>,
    period: Duration,
    behavior: MissedTickBehavior,
    arming: Arming,
}

/// Whether the sleep is set to the next tick.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Arming {
    /// The sleep is not set to the next tick, which may already be due: check the clock first.
    ///
    /// A timer may be late even for a deadline that has passed: tokio's rounds up.
    Fresh,
    /// The sleep is not set to the next tick.
    ///
    /// It is left unset between ticks: a paused clock that advances to the next deadline, as tokio's
    /// does, must not see the deadline of a tick that nothing awaits.
    Unset,
    /// The sleep waits for the next tick.
    Set,
}

impl Interval {
    #[track_caller]
    pub(crate) fn new<T: Timer + ?Sized>(timer: &T, start: Instant, period: Duration) -> Interval {
        assert!(!period.is_zero(), "the period of an interval must not be zero");
        Interval {
            sleep: timer.sleep_until(start),
            clock: backend::clock(timer),
            due: Some(start),
            period,
            behavior: MissedTickBehavior::default(),
            arming: Arming::Fresh,
        }
    }

    /// Waits for the next tick, and returns the instant at which it was due.
    ///
    /// # Panics
    ///
    /// Panics where polling a [`Sleep`] does.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future before it is ready loses no tick.
    pub async fn tick(&mut self) -> Instant {
        std::future::poll_fn(|cx| self.poll_tick(cx)).await
    }

    /// Polls for the next tick; see [`tick`](Interval::tick).
    ///
    /// Only the waker of the last call is woken.
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        let Some(due) = self.due else { return Poll::Pending };
        match self.arming {
            Arming::Fresh if self.now() >= due => {}
            Arming::Set => ready!(std::pin::Pin::new(&mut self.sleep).poll(cx)),
            Arming::Fresh | Arming::Unset => {
                self.sleep.reset(due);
                self.arming = Arming::Set;
                ready!(std::pin::Pin::new(&mut self.sleep).poll(cx));
            }
        }
        self.arming = Arming::Unset;
        let now = self.now();
        self.due = if now.saturating_duration_since(due) > LENIENCE {
            self.behavior.next(due, now, self.period)
        } else {
            due.checked_add(self.period)
        };
        Poll::Ready(due)
    }

    fn now(&self) -> Instant {
        self.clock.as_ref().map_or_else(|| self.sleep.now(), TokioClock::now)
    }

    /// Returns the time between two ticks.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.period
    }

    /// Returns how missed ticks are handled.
    #[must_use]
    pub fn missed_tick_behavior(&self) -> MissedTickBehavior {
        self.behavior
    }

    /// Sets how missed ticks are handled.
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.behavior = behavior;
    }

    /// Resets the interval: the next tick comes one period from now.
    ///
    /// Missed ticks are discarded. Await or poll a tick after the reset.
    pub fn reset(&mut self) {
        self.reset_after(self.period);
    }

    /// Resets the interval: the next tick comes at once.
    pub fn reset_immediately(&mut self) {
        self.reset_after(Duration::ZERO);
    }

    /// Resets the interval: the next tick comes after the duration, or never for [`Duration::MAX`].
    pub fn reset_after(&mut self, after: Duration) {
        self.due = self.now().checked_add(after);
        self.arming = Arming::Fresh;
    }

    /// Resets the interval: the next tick comes at the deadline.
    ///
    /// If the deadline has passed, the tick is late by that much.
    pub fn reset_at(&mut self, deadline: Instant) {
        self.due = Some(deadline);
        self.arming = Arming::Fresh;
    }
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interval")
            .field("due", &self.due)
            .field("period", &self.period)
            .field("missed_tick_behavior", &self.behavior)
            .finish_non_exhaustive()
    }
}
