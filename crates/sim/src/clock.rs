//! Virtual time, and the clocks of nodes, which may be wrong.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// Nanoseconds since the start of a simulation.
pub(crate) type Nanos = u64;

/// A reading of a clock, in nanoseconds. At the start it is [`HEADROOM`].
pub(crate) type Shown = u64;

/// How far a node's clock may be behind. The rest of 64 bits lasts for 484 years.
pub(crate) const HEADROOM: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

const START: Shown = HEADROOM.as_secs() * 1_000_000_000;

/// The time of day at the start of a simulation: the beginning of the year 2020.
const EPOCH: Duration = Duration::from_secs(1_577_836_800);

static ZERO: LazyLock<Instant> = LazyLock::new(|| {
    // The standard library has no constant instant, but there is a first one that it can express: that
    // which no longer duration can be taken from.
    let now = Instant::now();
    let before = |back: Duration| now.checked_sub(back);
    let (mut first, mut back) = (now, Duration::ZERO);
    let seconds = (0..u64::BITS).rev().map(|bit| Duration::from_secs(1 << bit));
    let nanos = (0..30).rev().map(|bit| Duration::from_nanos(1 << bit));
    for step in seconds.chain(nanos) {
        let Some(longer) = back.checked_add(step) else { continue };
        if let Some(earlier) = before(longer) {
            (first, back) = (earlier, longer);
        }
    }
    // Where seconds have a sign, this is the zero of the system's clock. Where it cannot be expressed,
    // the first one is zero.
    let middle = first.checked_add(Duration::from_secs(1 << 63));
    middle.filter(|middle| middle.checked_add(LONGEST).is_some()).unwrap_or(first)
});

/// The time from zero to the last instant that a simulation can reach.
const LONGEST: Duration = Duration::from_nanos(u64::MAX);

pub(crate) struct Clock {
    /// The instant at which a clock shows 0: the same in each process, so that a program which shows
    /// an instant does the same in each run.
    zero: Instant,
    now: AtomicU64,
}

impl Clock {
    pub(crate) fn new() -> Clock {
        Clock { zero: *ZERO, now: AtomicU64::new(0) }
    }

    #[inline]
    pub(crate) fn nanos(&self) -> Nanos {
        self.now.load(Ordering::Relaxed)
    }

    pub(crate) fn advance(&self, to: Nanos) {
        self.now.store(to, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn shown(&self) -> Shown {
        self.nanos().saturating_add(START)
    }

    /// When a clock that is right shows this.
    #[inline]
    pub(crate) fn due(shown: Shown) -> Nanos {
        shown.saturating_sub(START)
    }

    #[inline]
    pub(crate) fn instant(&self, shown: Shown) -> Instant {
        self.zero + Duration::from_nanos(shown)
    }

    /// `None` is never.
    pub(crate) fn at(&self, instant: Instant) -> Option<Shown> {
        let since = instant.saturating_duration_since(self.zero);
        Shown::try_from(since.as_nanos()).ok()
    }

    pub(crate) fn system_time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + EPOCH + Duration::from_nanos(self.nanos())
    }
}

/// How far a clock is off, or how far it jumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Offset {
    /// The clock shows a later time.
    Ahead(Duration),
    /// The clock shows an earlier time.
    Behind(Duration),
}

impl Offset {
    fn nanos(self) -> i128 {
        let nanos = |duration: Duration| i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX);
        match self {
            Offset::Ahead(duration) => nanos(duration),
            Offset::Behind(duration) => -nanos(duration),
        }
    }

    /// The same direction, by that much.
    pub(crate) fn shortened(self, nanos: Nanos) -> Offset {
        // An offset of more than five hundred years has no place in 64 bits.
        let by =
            |whole: Duration| if nanos == Nanos::MAX { whole } else { Duration::from_nanos(nanos) };
        match self {
            Offset::Ahead(whole) => Offset::Ahead(by(whole)),
            Offset::Behind(whole) => Offset::Behind(by(whole)),
        }
    }

    pub(crate) fn duration(self) -> Duration {
        let (Offset::Ahead(duration) | Offset::Behind(duration)) = self;
        duration
    }
}

/// A million parts.
const WHOLE: i128 = 1_000_000;

/// The clocks of a node.
pub(crate) struct NodeClock {
    /// When the rate or the offset was last set.
    since: Nanos,
    /// What the clock showed then.
    shown: i128,
    /// How far it advances while the simulation's clock advances a million.
    rate: i128,
    /// The highest reading before the last setting. It never shows less.
    floor: i128,
    /// Whether it was ever read.
    seen: bool,
    /// How far the wall clock is ahead of the other one, beyond the epoch.
    wall: i128,
}

impl NodeClock {
    pub(crate) fn new() -> NodeClock {
        let shown = i128::from(START);
        NodeClock { since: 0, shown, rate: WHOLE, floor: 0, seen: false, wall: 0 }
    }

    /// Rounded down. It may be below the floor.
    fn runs(&self, now: Nanos) -> i128 {
        self.shown + i128::from(now.saturating_sub(self.since)) * self.rate / WHOLE
    }

    pub(crate) fn shows(&mut self, now: Nanos) -> Shown {
        self.seen = true;
        Shown::try_from(self.runs(now).max(self.floor)).unwrap_or(Shown::MAX)
    }

    /// The first instant at which the clock shows this; `None` is never.
    pub(crate) fn due(&self, shown: Shown) -> Option<Nanos> {
        let shown = i128::from(shown);
        let left = shown - self.shown;
        if shown <= self.floor || left <= 0 {
            return Some(0);
        }
        // Rounded up: the clock must have reached it.
        Nanos::try_from(i128::from(self.since) + (left * WHOLE + self.rate - 1) / self.rate).ok()
    }

    pub(crate) fn system_time(&self, now: Nanos) -> SystemTime {
        let since_start = self.runs(now) - i128::from(START) + self.wall;
        let epoch = i128::try_from(EPOCH.as_nanos()).unwrap_or_default();
        let nanos = u64::try_from((epoch + since_start).max(0)).unwrap_or(u64::MAX);
        SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos)
    }

    pub(crate) fn set_rate(&mut self, now: Nanos, rate: i64) {
        self.shown = self.runs(now);
        self.since = now;
        self.rate = i128::from(rate);
    }

    pub(crate) fn set_skew(&mut self, now: Nanos, skew: Offset) {
        if self.seen {
            self.floor = self.floor.max(self.runs(now));
        }
        self.shown = i128::from(START) + i128::from(now) + skew.nanos();
        self.since = now;
        self.wall = 0;
    }

    pub(crate) fn jump(&mut self, by: Offset) {
        self.wall = self.wall.saturating_add(by.nanos());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_the_first_instant_at_which_the_clock_shows_it() {
        for rate in [1, 3, 999_983, 1_000_000, 1_000_001, 2_500_000, 4_294_967_295] {
            let mut clock = NodeClock::new();
            clock.set_rate(12_345, rate);
            for ahead in [1, 2, 999, 1_000_003, 86_400_000_000_007] {
                let shown = clock.shows(12_345) + ahead;
                let Some(due) = clock.due(shown) else {
                    // A day by a clock that hardly goes takes longer than there is time.
                    assert!(rate <= 3 && ahead > 1_000_003, "never at {rate} for {ahead}");
                    continue;
                };
                assert!(clock.shows(due) >= shown, "early at {rate} for {ahead}");
                assert!(clock.shows(due - 1) < shown, "late at {rate} for {ahead}");
            }
        }
    }

    #[test]
    fn the_time_since_the_start_does_not_run_backwards() {
        let mut clock = NodeClock::new();
        let mut last = clock.shows(0);
        let second = Duration::from_secs(1);
        for step in 1..100_u64 {
            match step % 4 {
                0 => clock.set_skew(step * 1_000, Offset::Behind(second)),
                1 => clock.set_skew(step * 1_000, Offset::Ahead(second)),
                2 => clock.set_rate(step * 1_000, 7),
                _ => clock.jump(Offset::Behind(second * 1_000)),
            }
            let shows = clock.shows(step * 1_000);
            assert!(shows >= last);
            assert!(clock.due(shows).unwrap() <= step * 1_000);
            last = shows;
        }
    }

    #[test]
    fn a_clock_that_nobody_has_looked_at_may_be_set_back() {
        let mut clock = NodeClock::new();
        clock.set_skew(0, Offset::Behind(Duration::from_nanos(5)));
        assert_eq!(clock.shows(0), START - 5);
    }
}
