//! A group's list of its tasks.

mod list;
mod report;
mod shard;

use std::borrow::Cow;
use std::panic::Location;
use std::sync::{Arc, PoisonError};
use std::task::{Poll, Waker};
use std::time::Instant;

use self::shard::{Ends, Shard, State};
use crate::cancel::CancelToken;
use crate::contain::{discard, wake};
use crate::ids::TaskId;
use crate::meta::{Label, SpawnMeta};
use crate::shards::{shards, this_thread};
use crate::sync::{Mutex, MutexGuard};
use crate::waiters::Waiters;

pub use self::report::{ShutdownReport, TaskInfo};
pub(crate) use self::shard::Member;

/// A group's clock.
pub(crate) type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// The tasks of a group. It owns neither the tasks nor a spawner.
pub(crate) struct Members {
    shards: Box<[Arc<Shard>]>,
    /// The wakers of the tasks that wait until the group is empty. Locked after the shards.
    waiting: Mutex<Waiters>,
    token: CancelToken,
    /// The clock, and the instant at which the group was created.
    clock: Option<(Clock, Instant)>,
}

/// The numbers of a group at one moment.
pub(crate) struct Past {
    ended: Ends,
}

/// The age of the group, in nanoseconds.
fn stamp((clock, start): &(Clock, Instant)) -> u64 {
    let since = clock().saturating_duration_since(*start);
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

impl Members {
    pub(crate) fn new(token: CancelToken, clock: Option<Clock>) -> Arc<Members> {
        let clock = clock.map(|clock| (clock.clone(), clock()));
        Arc::new_cyclic(|core| Members {
            shards: (0..shards()).map(|index| Shard::new(index, core.clone())).collect(),
            waiting: Mutex::default(),
            token,
            clock,
        })
    }

    /// Adds a task; `None` if the group is closed.
    #[inline]
    pub(crate) fn insert(&self, meta: SpawnMeta<'_>) -> Option<Member> {
        match meta.id() {
            None => self.insert_at(meta.name, meta.location),
            id => self.insert_identified(id, meta),
        }
    }

    // These arguments fit into registers; the whole metadata would not.
    #[inline(never)]
    fn insert_at(
        &self,
        name: Option<&Cow<'static, str>>,
        location: &'static Location<'static>,
    ) -> Option<Member> {
        let shard = self.shard();
        if name.is_some() || self.clock.is_some() {
            let label = Label::new(name.cloned(), None);
            return shard.insert_described(label, location, self.clock.as_ref().map(stamp));
        }
        shard.insert(location, false, |_| {})
    }

    #[cold]
    fn insert_identified(&self, id: Option<TaskId>, meta: SpawnMeta<'_>) -> Option<Member> {
        let label = Label::new(meta.to_name(), id);
        self.shard().insert_described(label, meta.location, self.clock.as_ref().map(stamp))
    }

    /// The shard of the tasks that this thread spawns.
    #[inline]
    fn shard(&self) -> &Arc<Shard> {
        &self.shards[this_thread() & (self.shards.len() - 1)]
    }

    #[inline]
    pub(crate) fn token(&self) -> &CancelToken {
        &self.token
    }

    /// Locks all shards, for a consistent view.
    fn lock_all(&self) -> Vec<MutexGuard<'_, State>> {
        self.shards.iter().map(|shard| shard.lock()).collect()
    }

    fn lock_waiting(&self) -> MutexGuard<'_, Waiters> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn len(&self) -> usize {
        count(&self.lock_all())
    }

    pub(crate) fn is_closed(&self) -> bool {
        // Close all shards under their locks, at one moment.
        self.shards[0].lock().closed
    }

    pub(crate) fn tasks(&self) -> Vec<TaskInfo> {
        let now = self.clock.as_ref().map(stamp);
        let mut tasks = Vec::new();
        for state in self.lock_all() {
            let start = tasks.len();
            tasks.extend(state.list.iter().map(|entry| (entry.stamp, TaskInfo::new(entry, now))));
            tasks[start..].sort_by_key(|(stamp, _)| *stamp);
        }
        if now.is_some() {
            tasks.sort_by_key(|(stamp, _)| *stamp);
        }
        tasks.into_iter().map(|(_, task)| task).collect()
    }

    /// Closes the group to new tasks.
    pub(crate) fn close(&self) -> Past {
        let mut states = self.lock_all();
        for state in &mut states {
            state.closed = true;
        }
        Past { ended: sum(&states) }
    }

    /// Opens the group to new tasks.
    pub(crate) fn reopen(&self) {
        for state in &mut self.lock_all() {
            state.closed = false;
        }
    }

    /// The numbers of the group at this moment.
    pub(crate) fn present(&self) -> Past {
        Past { ended: sum(&self.lock_all()) }
    }

    /// How the tasks ended since then.
    pub(crate) fn since(&self, past: &Past) -> ShutdownReport {
        let (now, then) = (sum(&self.lock_all()), past.ended);
        ShutdownReport {
            finished: now.completed - then.completed,
            aborted: now.dropped - then.dropped,
            panicked: now.panicked - then.panicked,
        }
    }

    pub(crate) fn abort_all(&self) {
        let wakers: Vec<_> =
            self.shards.iter().flat_map(|shard| shard.lock().list.stop()).collect();
        // Wake after all are marked and unlocked: a waker may poll its task.
        for waker in wakers {
            wake(Some(waker));
        }
    }

    /// Called when a task ends while the group is being awaited. Returns the function's value, which must not be
    /// dropped under the lock.
    fn end<T>(&self, shard: usize, end: impl FnOnce(&mut State) -> T) {
        // Lock all shards at once: otherwise a task spawned by the last task of another shard could land
        // unseen in a shard that was already checked.
        let mut states = self.lock_all();
        let garbage = end(&mut states[shard]);
        let mut woken = Vec::new();
        if watched(&states) == Some(0) {
            woken = self.lock_waiting().release_all();
            unwatch(&mut states);
        }
        drop(states);
        discard(garbage);
        for waker in woken {
            wake(Some(waker));
        }
    }

    /// Waits until the group is empty. The key is the slot in the list of waiters.
    pub(crate) fn poll_empty(&self, key: &mut Option<u64>, waker: &Waker) -> Poll<()> {
        // Clone and drop wakers without the lock: both may run user code.
        let mut waker = Some(waker.clone());
        let waits = match *key {
            Some(_) => self.lock_waiting().wait(key, &mut waker),
            None => self.begin_to_wait(key, &mut waker),
        };
        discard(waker);
        if waits { Poll::Pending } else { Poll::Ready(()) }
    }

    fn begin_to_wait(&self, key: &mut Option<u64>, waker: &mut Option<Waker>) -> bool {
        let mut states = self.lock_all();
        if watched(&states).is_none() {
            for state in &mut states {
                state.list.watch();
            }
        }
        if watched(&states) == Some(0) {
            unwatch(&mut states);
            return false;
        }
        self.lock_waiting().wait(key, waker)
    }

    pub(crate) fn forget_waiting(&self, key: u64) {
        let mut states = self.lock_all();
        let mut waiting = self.lock_waiting();
        let waker = waiting.forget(key);
        if !waiting.is_waiting() {
            // No waiter is left, so the ends of tasks need not be counted.
            unwatch(&mut states);
        }
        drop((states, waiting));
        discard(waker);
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        self.shards.iter().for_each(|shard| shard.clear());
    }
}

fn count(states: &[MutexGuard<'_, State>]) -> usize {
    states.iter().map(|state| state.list.len()).sum()
}

/// The number of tasks, which is only known while the group is being awaited.
fn watched(states: &[MutexGuard<'_, State>]) -> Option<usize> {
    states.iter().map(|state| state.list.watched()).sum()
}

fn unwatch(states: &mut [MutexGuard<'_, State>]) {
    for state in states {
        state.list.unwatch();
    }
}

fn sum(states: &[MutexGuard<'_, State>]) -> Ends {
    let mut sum = Ends::default();
    for Ends { completed, panicked, dropped } in states.iter().map(|state| state.ended()) {
        sum.completed += completed;
        sum.panicked += panicked;
        sum.dropped += dropped;
    }
    sum
}

#[cfg(all(test, model))]
mod models;
#[cfg(all(test, not(model)))]
mod tests;
