//! Ticks at a period.

use std::fmt;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use crate::backend;
use crate::seam::sleep::TokioClock;
use crate::seam::{Sleep, Timer};
use crate::time::TimerExt;

/// What an [`Interval`] does about ticks that it was late for.
///
/// The meaning is that of tokio's type of the same name. As there, a tick that is no more than
/// 5 ms late is not missed: the next one comes a period after it was due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissedTickBehavior {
    /// Catches up: ticks follow one another at once until the schedule is met again.
    ///
    /// ```text
    /// due      |  1  |  2  |  3  |  4  |  5  |
    /// ticks    |  1  |  late!    |2|3|4|  5  |
    /// ```
    #[default]
    Burst,
    /// Starts over: the next tick comes a period after the late one.
    ///
    /// ```text
    /// due      |  1  |  2  |  3  |  4  |  5  |
    /// ticks    |  1  |  late!  | 2   | 3   | 4
    /// ```
    Delay,
    /// Leaves out: the next tick is the first one of the schedule that lies ahead.
    ///
    /// ```text
    /// due      |  1  |  2  |  3  |  4  |  5  |
    /// ticks    |  1  |  late!  | 2 |  4  |  5  |
    /// ```
    Skip,
}

/// How late a tick may be without being missed. tokio's own value.
const LENIENCE: Duration = Duration::from_millis(5);

impl MissedTickBehavior {
    /// When the tick after a late one is due; `None` is never.
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

/// The remainder of a division of durations, none of which is zero.
fn remainder(duration: Duration, divisor: Duration) -> Duration {
    const NANOS: u128 = 1_000_000_000;
    let nanos = duration.as_nanos() % divisor.as_nanos();
    let (secs, nanos) = (u64::try_from(nanos / NANOS), u32::try_from(nanos % NANOS));
    match (secs, nanos) {
        (Ok(secs), Ok(nanos)) => Duration::new(secs, nanos),
        _ => unreachable!("it is no longer than the duration"),
    }
}

/// Ticks at a period; see [`TimerExt::interval`].
///
/// Unlike a [`sleep`](Timer::sleep) in a loop, it counts the time between two calls of
/// [`tick`](Interval::tick) in. Dropping it leaves nothing behind with the timer.
pub struct Interval {
    sleep: Sleep,
    clock: Option<TokioClock>,
    /// When the next tick is due; `None` is never.
    due: Option<Instant>,
    period: Duration,
    behavior: MissedTickBehavior,
    arming: Arming,
}

/// How far the sleep is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Arming {
    /// It is not set to the next tick, which may be due already: look at the clock first.
    ///
    /// A timer may take its time even for what is due. tokio's does: it rounds up.
    Fresh,
    /// It is not set to the next tick.
    ///
    /// It is left so between ticks: a clock that is paused and advances to the next deadline, as
    /// tokio's does, must not see that of a tick that nobody waits for.
    Unset,
    /// It waits for the next tick.
    Set,
}

impl Interval {
    #[track_caller]
    pub(crate) fn new<T: Timer + ?Sized>(timer: &T, start: Instant, period: Duration) -> Interval {
        assert!(!period.is_zero(), "an interval needs a period: zero would tick without end");
        Interval {
            sleep: timer.sleep_until(start),
            clock: backend::clock(timer),
            due: Some(start),
            period,
            behavior: MissedTickBehavior::default(),
            arming: Arming::Fresh,
        }
    }

    /// Waits for the next tick, and gives the instant at which it was due.
    ///
    /// # Panics
    ///
    /// As polling a [`Sleep`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is ready loses no tick.
    pub async fn tick(&mut self) -> Instant {
        std::future::poll_fn(|cx| self.poll_tick(cx)).await
    }

    /// Polls for the next tick; see [`tick`](Interval::tick).
    ///
    /// The waker of the last call is the one that is woken.
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

    /// The time between two ticks.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.period
    }

    /// What is done about missed ticks.
    #[must_use]
    pub fn missed_tick_behavior(&self) -> MissedTickBehavior {
        self.behavior
    }

    /// Sets what is done about missed ticks.
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.behavior = behavior;
    }

    /// Lets the next tick come a period from now.
    ///
    /// Ticks that were missed are forgotten. Poll for a tick after it.
    pub fn reset(&mut self) {
        self.reset_after(self.period);
    }

    /// Lets the next tick come at once.
    pub fn reset_immediately(&mut self) {
        self.reset_after(Duration::ZERO);
    }

    /// Lets the next tick come after the duration; [`Duration::MAX`] is never.
    pub fn reset_after(&mut self, after: Duration) {
        self.due = self.now().checked_add(after);
        self.arming = Arming::Fresh;
    }

    /// Lets the next tick come at the deadline.
    ///
    /// If it has passed, the tick counts as late, as far as it is.
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
