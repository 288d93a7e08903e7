//! Virtual time.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use super::engine::Engine;
use crate::time::RawSleep;

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
        self.start + Duration::from_nanos(self.nanos())
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
    /// By deadline, and for each deadline by who came first.
    waiting: BTreeMap<Key, Waker>,
    registered: u64,
}

pub(super) type Key = (Nanos, u64);

impl Timers {
    pub(super) fn next(&self) -> Option<Nanos> {
        self.waiting.first_key_value().map(|((deadline, _), _)| *deadline)
    }

    /// Takes those whose time has come, up to that of the first.
    pub(super) fn take_due(&mut self, now: Nanos) -> Vec<Waker> {
        let mut due = Vec::new();
        while let Some(first) = self.waiting.first_entry() {
            if first.key().0 > now {
                break;
            }
            due.push(first.remove());
        }
        due
    }

    /// What it gives is to be dropped, once the lock is released.
    #[must_use]
    pub(super) fn register(
        &mut self,
        key: &mut Option<Key>,
        at: Nanos,
        waker: Waker,
    ) -> Option<Waker> {
        let key = *key.get_or_insert_with(|| {
            self.registered += 1;
            (at, self.registered)
        });
        self.waiting.insert(key, waker)
    }

    /// What it gives is to be dropped, once the lock is released.
    #[must_use]
    pub(super) fn remove(&mut self, key: Key) -> Option<Waker> {
        self.waiting.remove(&key)
    }

    pub(super) fn clear(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.waiting).into_values().collect()
    }
}

/// What a sleep on virtual time is made of.
pub(super) struct SimSleep {
    engine: Arc<Engine>,
    /// `None` is never.
    deadline: Option<Nanos>,
    /// Under what it waits.
    key: Option<Key>,
}

impl SimSleep {
    pub(super) fn new(engine: Arc<Engine>) -> SimSleep {
        SimSleep { engine, deadline: None, key: None }
    }

    fn deregister(&mut self) {
        if let Some(key) = self.key.take() {
            self.engine.forget_sleep(key);
        }
    }
}

impl RawSleep for SimSleep {
    fn now(&self) -> Instant {
        self.engine.clock().now()
    }

    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.deregister();
        self.deadline = self.engine.clock().at(deadline);
    }

    fn poll_elapsed(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else { return Poll::Pending };
        if self.engine.clock().nanos() >= deadline {
            self.deregister();
            return Poll::Ready(());
        }
        let this = &mut *self;
        this.engine.sleep(&mut this.key, deadline, cx.waker());
        Poll::Pending
    }
}

impl Drop for SimSleep {
    fn drop(&mut self) {
        self.deregister();
    }
}
