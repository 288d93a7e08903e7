//! What a group knows of its tasks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Instant;

use super::report::{ShutdownReport, TaskInfo};
use super::shard::{Ended, Member, Shard, State};
use super::slots::Key;
use crate::backend::{Origin, TaskEnd, discard, wake};
use crate::cancel::CancelToken;
use crate::shards::{shards, this_thread};
use crate::time::Timer;
use crate::waiters::Waiters;

/// The list of a group's tasks. It owns none of them, and no spawner.
pub(crate) struct Core {
    shards: Box<[Arc<Shard>]>,
    /// Who waits until the group is empty. Locked after the shards.
    waiting: Mutex<Waiters>,
    token: CancelToken,
    /// With the time at which the group was made.
    clock: Option<(Arc<dyn Timer>, Instant)>,
}

/// What a group was at one moment.
pub(crate) struct Past {
    ended: Ended,
}

/// How long the group had been there, in nanoseconds.
fn stamp((clock, start): &(Arc<dyn Timer>, Instant)) -> u64 {
    let since = clock.now().saturating_duration_since(*start);
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

impl Core {
    pub(crate) fn new(token: CancelToken, clock: Option<Arc<dyn Timer>>) -> Arc<Core> {
        let clock = clock.map(|clock| (clock.clone(), clock.now()));
        Arc::new_cyclic(|core| Core {
            shards: (0..shards()).map(|index| Shard::new(index, core.clone())).collect(),
            waiting: Mutex::default(),
            token,
            clock,
        })
    }

    /// Takes a task in; `None` if the group is closed.
    #[inline]
    pub(crate) fn insert(&self, origin: Origin<'_>) -> Option<Member> {
        let shard = &self.shards[this_thread() & (self.shards.len() - 1)];
        shard.insert(origin, self.clock.as_ref().map(stamp))
    }

    #[inline]
    pub(crate) fn token(&self) -> &CancelToken {
        &self.token
    }

    /// All of the list, as it is at one moment.
    fn lock_all(&self) -> Vec<MutexGuard<'_, State>> {
        self.shards.iter().map(|shard| shard.lock()).collect()
    }

    fn lock_waiting(&self) -> MutexGuard<'_, Waiters> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn len(&self) -> usize {
        count(&self.lock_all())
    }

    pub(super) fn is_closed(&self) -> bool {
        // All are closed at once.
        self.shards[0].lock().closed
    }

    pub(super) fn tasks(&self) -> Vec<TaskInfo> {
        let now = self.clock.as_ref().map(stamp);
        let mut tasks = Vec::new();
        for state in self.lock_all() {
            let start = tasks.len();
            tasks
                .extend(state.entries.iter().map(|entry| (entry.stamp, TaskInfo::new(entry, now))));
            tasks[start..].sort_by_key(|(stamp, _)| *stamp);
        }
        if now.is_some() {
            tasks.sort_by_key(|(stamp, _)| *stamp);
        }
        tasks.into_iter().map(|(_, task)| task).collect()
    }

    /// Takes no more tasks.
    pub(crate) fn close(&self) -> Past {
        let mut states = self.lock_all();
        for state in &mut states {
            state.closed = true;
        }
        Past { ended: sum(&states) }
    }

    /// What the group is at this moment.
    pub(super) fn present(&self) -> Past {
        Past { ended: sum(&self.lock_all()) }
    }

    /// What has become of the tasks that have ended since.
    pub(super) fn since(&self, past: &Past) -> ShutdownReport {
        let (now, then) = (sum(&self.lock_all()), past.ended);
        ShutdownReport {
            finished: now.completed - then.completed,
            aborted: now.dropped - then.dropped,
            panicked: now.panicked - then.panicked,
        }
    }

    /// How often the tasks were aborted.
    pub(crate) fn aborts(&self) -> u64 {
        self.shards.iter().map(|shard| shard.aborts()).sum()
    }

    pub(super) fn abort_all(&self) {
        let wakers: Vec<_> = self.shards.iter().flat_map(|shard| shard.abort_all()).collect();
        // When all are to stop, and without a lock: a waker may poll its task.
        for waker in wakers {
            wake(Some(waker));
        }
    }

    /// A task has ended, while somebody waits for the group.
    pub(super) fn end(&self, shard: usize, key: Key, how: TaskEnd) {
        // All at once: otherwise a task that is spawned by the last one of a shard that was
        // looked at before would not be seen.
        let mut states = self.lock_all();
        let entry = states[shard].end(key, how);
        let mut woken = Vec::new();
        if count(&states) == 0 {
            woken = self.lock_waiting().release_all();
            for state in &mut states {
                state.watched = false;
            }
        }
        drop(states);
        discard(entry);
        for waker in woken {
            wake(Some(waker));
        }
    }

    /// Waits until the group is empty. The key is the place among those who wait.
    pub(super) fn poll_empty(&self, key: &mut Option<u64>, waker: &Waker) -> Poll<()> {
        // Cloned and dropped without the lock: both may run code of the user's.
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
        if count(&states) == 0 {
            return false;
        }
        for state in &mut states {
            state.watched = true;
        }
        self.lock_waiting().wait(key, waker)
    }

    pub(super) fn forget_waiting(&self, key: u64) {
        let mut states = self.lock_all();
        let mut waiting = self.lock_waiting();
        let waker = waiting.forget(key);
        if waiting.is_empty() {
            // Nobody is left to look for the end of each task.
            for state in &mut states {
                state.watched = false;
            }
        }
        drop((states, waiting));
        discard(waker);
    }
}

fn count(states: &[MutexGuard<'_, State>]) -> usize {
    states.iter().map(|state| state.entries.len()).sum()
}

fn sum(states: &[MutexGuard<'_, State>]) -> Ended {
    let mut sum = Ended::default();
    for Ended { completed, panicked, dropped } in states.iter().map(|state| state.ended) {
        sum.completed += completed;
        sum.panicked += panicked;
        sum.dropped += dropped;
    }
    sum
}
