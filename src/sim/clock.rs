//! Virtual time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use slab::Slab;

use super::engine::Engine;

/// Nanoseconds since the start of a simulation. It lasts for 584 years.
pub(super) type Nanos = u64;

/// What a simulation takes for the time of day at its start: the beginning of the year 2020.
const EPOCH: Duration = Duration::from_secs(1_577_836_800);

pub(super) struct Clock {
    /// What virtual instants are counted from. Only differences from it are ever looked at.
    start: Instant,
    now: AtomicU64,
}

impl Clock {
    pub(super) fn new() -> Clock {
        Clock { start: Instant::now(), now: AtomicU64::new(0) }
    }

    #[inline]
    pub(super) fn nanos(&self) -> Nanos {
        self.now.load(Ordering::Relaxed)
    }

    pub(super) fn advance(&self, to: Nanos) {
        self.now.store(to, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn now(&self) -> Instant {
        self.instant(self.nanos())
    }

    #[inline]
    pub(super) fn instant(&self, nanos: Nanos) -> Instant {
        self.start + Duration::from_nanos(nanos)
    }

    pub(super) fn system_time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + EPOCH + Duration::from_nanos(self.nanos())
    }

    /// `None` is never.
    pub(super) fn at(&self, deadline: Instant) -> Option<Nanos> {
        let since = deadline.saturating_duration_since(self.start);
        Nanos::try_from(since.as_nanos()).ok()
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
        self.waiting.insert(Registration { key, waker });
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

/// A sleep on virtual time.
pub(crate) struct SimSleep {
    engine: Arc<Engine>,
    /// `None` is never.
    deadline: Option<Nanos>,
    elapsed: bool,
    /// Under what it waits. Void once the time has come.
    key: Option<Key>,
}

impl SimSleep {
    #[inline]
    pub(super) fn after(engine: Arc<Engine>, duration: Duration) -> SimSleep {
        let duration = Nanos::try_from(duration.as_nanos()).ok();
        let deadline = duration.and_then(|duration| engine.clock().nanos().checked_add(duration));
        SimSleep { engine, deadline, elapsed: false, key: None }
    }

    pub(super) fn until(engine: Arc<Engine>, deadline: Instant) -> SimSleep {
        let deadline = engine.clock().at(deadline);
        SimSleep { engine, deadline, elapsed: false, key: None }
    }

    fn deregister(&mut self) {
        if let Some(key) = self.key.take() {
            self.engine.forget_sleep(key);
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.engine.clock().now()
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
        let Some(deadline) = self.deadline else { return Poll::Pending };
        if self.elapsed || self.engine.clock().nanos() >= deadline {
            // The clock takes those whose time has come as it comes.
            self.key = None;
            self.elapsed = true;
            return Poll::Ready(());
        }
        self.engine.sleep(&mut self.key, deadline, cx.waker());
        Poll::Pending
    }
}

impl Drop for SimSleep {
    #[inline]
    fn drop(&mut self) {
        self.deregister();
    }
}
