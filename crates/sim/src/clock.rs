//! Virtual time: the simulation's, and what the clocks of nodes make of it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant, SystemTime};

use slab::Slab;

use super::engine::Engine;
use super::node::Home;

/// Nanoseconds since the start of a simulation.
pub(super) type Nanos = u64;

/// What a clock shows, in nanoseconds: at the start it is [`HEADROOM`].
pub(super) type Shown = u64;

/// By how much a node's clock may be behind. What is left of 64 bits lasts for 484 years.
pub(super) const HEADROOM: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

const START: Shown = HEADROOM.as_secs() * 1_000_000_000;

/// What a simulation takes for the time of day at its start: the beginning of the year 2020.
const EPOCH: Duration = Duration::from_secs(1_577_836_800);

pub(super) struct Clock {
    /// The instant at which a clock shows 0. Only differences from it are ever looked at.
    zero: Instant,
    now: AtomicU64,
}

impl Clock {
    pub(super) fn new() -> Clock {
        Clock { zero: Instant::now(), now: AtomicU64::new(0) }
    }

    #[inline]
    pub(super) fn nanos(&self) -> Nanos {
        self.now.load(Ordering::Relaxed)
    }

    pub(super) fn advance(&self, to: Nanos) {
        self.now.store(to, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn shown(&self) -> Shown {
        self.nanos().saturating_add(START)
    }

    /// When a clock that nobody has tampered with shows it.
    #[inline]
    pub(super) fn due(shown: Shown) -> Nanos {
        shown.saturating_sub(START)
    }

    #[inline]
    pub(super) fn instant(&self, shown: Shown) -> Instant {
        self.zero + Duration::from_nanos(shown)
    }

    /// `None` is never.
    pub(super) fn at(&self, instant: Instant) -> Option<Shown> {
        let since = instant.saturating_duration_since(self.zero);
        Shown::try_from(since.as_nanos()).ok()
    }

    pub(super) fn system_time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + EPOCH + Duration::from_nanos(self.nanos())
    }
}

/// How far a clock is off, or jumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Offset {
    /// It shows a later time.
    Ahead(Duration),
    /// It shows an earlier time.
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

    pub(super) fn duration(self) -> Duration {
        let (Offset::Ahead(duration) | Offset::Behind(duration)) = self;
        duration
    }
}

/// A million parts.
const WHOLE: i128 = 1_000_000;

/// The clocks of a node.
pub(super) struct NodeClock {
    /// When the rate or the offset was set.
    since: Nanos,
    /// What the clock showed then.
    shown: i128,
    /// How far it goes while the simulation's goes a million.
    rate: i128,
    /// What it has shown already, and so does not go below.
    floor: i128,
    /// Whether anybody has looked at it.
    seen: bool,
    /// How far the wall clock is ahead of the other one, beyond the epoch.
    wall: i128,
}

impl NodeClock {
    pub(super) fn new() -> NodeClock {
        let shown = i128::from(START);
        NodeClock { since: 0, shown, rate: WHOLE, floor: 0, seen: false, wall: 0 }
    }

    /// Rounded down. It may be below the floor.
    fn runs(&self, now: Nanos) -> i128 {
        self.shown + i128::from(now.saturating_sub(self.since)) * self.rate / WHOLE
    }

    pub(super) fn shows(&mut self, now: Nanos) -> Shown {
        self.seen = true;
        Shown::try_from(self.runs(now).max(self.floor)).unwrap_or(Shown::MAX)
    }

    /// The first instant at which the clock shows it; `None` is never.
    pub(super) fn due(&self, shown: Shown) -> Option<Nanos> {
        let shown = i128::from(shown);
        let left = shown - self.shown;
        if shown <= self.floor || left <= 0 {
            return Some(0);
        }
        // Rounded up: the clock must have come to it.
        Nanos::try_from(i128::from(self.since) + (left * WHOLE + self.rate - 1) / self.rate).ok()
    }

    pub(super) fn system_time(&self, now: Nanos) -> SystemTime {
        let since_start = self.runs(now) - i128::from(START) + self.wall;
        let epoch = i128::try_from(EPOCH.as_nanos()).unwrap_or_default();
        let nanos = u64::try_from((epoch + since_start).max(0)).unwrap_or(u64::MAX);
        SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos)
    }

    pub(super) fn set_rate(&mut self, now: Nanos, rate: i64) {
        self.shown = self.runs(now);
        self.since = now;
        self.rate = i128::from(rate);
    }

    pub(super) fn set_skew(&mut self, now: Nanos, skew: Offset) {
        if self.seen {
            self.floor = self.floor.max(self.runs(now));
        }
        self.shown = i128::from(START) + i128::from(now) + skew.nanos();
        self.since = now;
        self.wall = 0;
    }

    pub(super) fn jump(&mut self, by: Offset) {
        self.wall = self.wall.saturating_add(by.nanos());
    }
}

/// Who waits for what time.
#[derive(Default)]
pub(super) struct Timers {
    /// Each registration, the earliest first, and of those for one time the first that was made.
    /// One that was removed stays until its time comes or too many have been.
    order: BinaryHeap<Reverse<Entry>>,
    waiting: Slab<Registration>,
    made: u32,
}

struct Registration {
    key: Key,
    at: Nanos,
    /// By whose clock.
    node: u32,
    waker: Waker,
}

/// A time, and whose it is, in one word: there is much comparing and moving in a heap.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry(u128);

impl Entry {
    fn new(at: Nanos, key: Key) -> Entry {
        Entry(u128::from(at) << 64 | u128::from(key.number) << 32 | u128::from(key.place))
    }

    #[expect(clippy::cast_possible_truncation, reason = "it is three words in one")]
    fn parts(self) -> (Nanos, Key) {
        let key = Key { number: (self.0 >> 32) as u32, place: self.0 as u32 };
        ((self.0 >> 64) as Nanos, key)
    }
}

/// A registration: which it is, and where. Places are used again; numbers are, too, but not before
/// there have been 2<sup>32</sup> others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    number: u32,
    place: u32,
}

impl Timers {
    /// The time of the first.
    pub(super) fn next(&mut self) -> Option<Nanos> {
        while let Some(Reverse(entry)) = self.order.peek() {
            let (at, key) = entry.parts();
            if is_waiting(&self.waiting, key) {
                return Some(at);
            }
            self.order.pop();
        }
        None
    }

    /// Takes those whose time has come.
    pub(super) fn take_due(&mut self, now: Nanos, due: &mut Vec<Waker>) {
        while let Some(Reverse(entry)) = self.order.peek() {
            let (at, key) = entry.parts();
            if at > now {
                break;
            }
            self.order.pop();
            due.extend(take(&mut self.waiting, key));
        }
    }

    /// What it gives is to be dropped, once the lock is released.
    #[must_use]
    pub(super) fn register(
        &mut self,
        registered: &mut Option<Key>,
        at: Nanos,
        node: u32,
        waker: Waker,
    ) -> Option<Waker> {
        if let Some(key) = registered.filter(|key| is_waiting(&self.waiting, *key)) {
            let registration = &mut self.waiting[key.place as usize];
            return Some(mem::replace(&mut registration.waker, waker));
        }
        self.made = self.made.wrapping_add(1);
        let place = self.waiting.vacant_key();
        let place = u32::try_from(place).expect("there is no memory for so many sleeps");
        let key = Key { number: self.made, place };
        self.waiting.insert(Registration { key, at, node, waker });
        self.order.push(Reverse(Entry::new(at, key)));
        *registered = Some(key);
        None
    }

    /// What it gives is to be dropped, once the lock is released.
    #[must_use]
    pub(super) fn remove(&mut self, key: Key) -> Option<Waker> {
        let waker = take(&mut self.waiting, key)?;
        // Each of those that go has been paid for by its removal.
        if self.order.len() > 2 * self.waiting.len() + 64 {
            let waiting = &self.waiting;
            self.order.retain(|Reverse(entry)| is_waiting(waiting, entry.parts().1));
        }
        Some(waker)
    }

    /// When it is due; `None` if it does not wait any more.
    pub(super) fn due(&self, key: Key) -> Option<Nanos> {
        self.waiting.get(key.place as usize).filter(|it| it.key == key).map(|it| it.at)
    }

    /// Takes those that wait by the clock of a node, in the order in which they would be due. This
    /// looks at all there are.
    #[must_use]
    pub(super) fn take_node(&mut self, node: u32) -> Vec<Waker> {
        let its = self.waiting.iter().filter(|(_, it)| it.node == node);
        let mut due: Vec<_> = its.map(|(_, it)| Entry::new(it.at, it.key)).collect();
        due.sort_unstable();
        due.into_iter().filter_map(|entry| self.remove(entry.parts().1)).collect()
    }

    pub(super) fn clear(&mut self) -> Vec<Waker> {
        self.order.clear();
        mem::take(&mut self.waiting).into_iter().map(|(_, it)| it.waker).collect()
    }
}

fn is_waiting(waiting: &Slab<Registration>, key: Key) -> bool {
    waiting.get(key.place as usize).is_some_and(|it| it.key == key)
}

fn take(waiting: &mut Slab<Registration>, key: Key) -> Option<Waker> {
    is_waiting(waiting, key).then(|| waiting.remove(key.place as usize).waker)
}

/// How many nodes there may be.
pub(super) const MAX_NODES: usize = 1 << 16;

/// A sleep on virtual time.
pub(crate) struct SimSleep {
    engine: Arc<Engine>,
    /// Whose clock it goes by.
    home: Home,
    /// What the clock is to show; `None` is never.
    deadline: Option<Shown>,
    elapsed: bool,
    /// Under what it waits. Void once the time has come.
    key: Option<Key>,
}

impl SimSleep {
    #[inline]
    pub(super) fn after(engine: Arc<Engine>, home: Home, duration: Duration) -> SimSleep {
        let duration = Nanos::try_from(duration.as_nanos()).ok();
        let deadline = duration.and_then(|duration| engine.shown(home).checked_add(duration));
        SimSleep { engine, home, deadline, elapsed: false, key: None }
    }

    pub(super) fn until(engine: Arc<Engine>, home: Home, deadline: Instant) -> SimSleep {
        let deadline = engine.clock().at(deadline);
        SimSleep { engine, home, deadline, elapsed: false, key: None }
    }

    fn deregister(&mut self) {
        if let Some(key) = self.key.take() {
            self.engine.forget_sleep(key);
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.engine.now(self.home)
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline.map(|deadline| self.engine.clock().instant(deadline))
    }

    pub(crate) fn is_elapsed(&self) -> bool {
        self.elapsed
    }

    pub(crate) fn reset(&mut self, deadline: Instant) {
        self.deregister();
        self.elapsed = false;
        self.deadline = self.engine.clock().at(deadline);
    }

    #[inline]
    pub(crate) fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.elapsed {
            return Poll::Ready(());
        }
        let Some(deadline) = self.deadline else { return Poll::Pending };
        if self.home.is_node() {
            ready!(self.engine.node_sleep(self.home, &mut self.key, deadline, cx.waker()));
        } else if self.engine.clock().nanos() < Clock::due(deadline) {
            self.engine.sleep(&mut self.key, Clock::due(deadline), cx.waker());
            return Poll::Pending;
        }
        // The clock takes those whose time has come as it comes.
        self.key = None;
        self.elapsed = true;
        Poll::Ready(())
    }
}

impl Drop for SimSleep {
    #[inline]
    fn drop(&mut self) {
        self.deregister();
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
