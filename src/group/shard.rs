//! A part of a group's list, and a task's place in it.

use std::mem;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;

use super::core::Core;
use super::slots::{Key, Slots};
use crate::backend::{Origin, TaskEnd, discard};
use crate::origin::{Name, Place};

/// A part of a group's tasks: those that are spawned on a few of the threads, which then do not
/// wait for the others.
pub(crate) struct Shard {
    index: usize,
    /// For the ends that somebody waits for. Weak, because tasks must not keep a group.
    core: Weak<Core>,
    /// How often the tasks were aborted; set under the lock. A task that has seen another number
    /// when it was spawned is to stop.
    aborts: AtomicU32,
    state: Mutex<State>,
}

pub(super) struct State {
    pub(super) entries: Slots<Entry>,
    /// Nothing is taken any more.
    pub(super) closed: bool,
    /// Somebody waits until the group is empty.
    pub(super) watched: bool,
    pub(super) ended: Ended,
    spawned: u64,
}

/// How many tasks have ended, and how.
#[derive(Clone, Copy, Default)]
pub(super) struct Ended {
    pub(super) completed: usize,
    pub(super) panicked: usize,
    pub(super) dropped: usize,
}

/// What is known of a task. Small, because each spawn writes one.
pub(super) struct Entry {
    pub(super) name: Name,
    pub(super) place: Place,
    /// When it was spawned: in nanoseconds since the group was made, or, without a clock, the how
    /// manieth of this shard it is.
    pub(super) stamp: u64,
    /// How to get the task polled, so that it finds out that it is to stop. Only while it waits.
    waker: Option<Waker>,
}

impl State {
    /// Notes the end of a task.
    #[inline]
    #[must_use = "not to be dropped under the lock"]
    pub(super) fn end(&mut self, key: Key, how: TaskEnd) -> Option<Entry> {
        match how {
            TaskEnd::Completed => self.ended.completed += 1,
            TaskEnd::Panicked => self.ended.panicked += 1,
            TaskEnd::Dropped => self.ended.dropped += 1,
        }
        self.entries.remove(key)
    }
}

impl Shard {
    pub(super) fn new(index: usize, core: Weak<Core>) -> Arc<Shard> {
        Arc::new(Shard {
            index,
            core,
            aborts: AtomicU32::new(0),
            state: Mutex::new(State {
                entries: Slots::new(),
                closed: false,
                watched: false,
                ended: Ended::default(),
                spawned: 0,
            }),
        })
    }

    #[inline]
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing of the user's runs under the lock, so there is no panic that could poison it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    pub(super) fn insert(
        self: &Arc<Self>,
        origin: Origin<'_>,
        stamp: Option<u64>,
    ) -> Option<Member> {
        let name = origin.name.map(|name| Box::new(name.clone()));
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        state.spawned += 1;
        let stamp = stamp.unwrap_or(state.spawned);
        let key = state.entries.insert(Entry { name, place: origin.place, stamp, waker: None });
        let aborts = self.aborts.load(Ordering::Relaxed);
        drop(state);
        Some(Member { shard: self.clone(), key, aborts })
    }

    /// How often the tasks were aborted.
    pub(super) fn aborts(&self) -> u64 {
        self.aborts.load(Ordering::Acquire).into()
    }

    /// Tells all tasks that they are to stop. Gives whom to wake.
    #[must_use]
    pub(super) fn abort_all(&self) -> Vec<Waker> {
        let mut state = self.lock();
        // There is only one at a time.
        let aborts = self.aborts.load(Ordering::Relaxed).wrapping_add(1);
        self.aborts.store(aborts, Ordering::Release);
        state.entries.iter_mut().filter_map(|entry| entry.waker.take()).collect()
    }
}

/// A task's place in a group. Whoever has it calls [`end`](Member::end), once.
pub(crate) struct Member {
    shard: Arc<Shard>,
    key: Key,
    /// How often the tasks had been aborted when this one was spawned.
    aborts: u32,
}

impl Member {
    /// Whether the task is to stop.
    #[inline]
    pub(crate) fn is_stopped(&self) -> bool {
        self.shard.aborts.load(Ordering::Acquire) != self.aborts
    }

    /// Leaves how to wake the task. False if it is to stop, and so must not wait.
    #[inline]
    pub(crate) fn wait(&self, waker: &Waker) -> bool {
        let mut state = self.shard.lock();
        // Under the lock: an abort is before this, and seen, or after it, and wakes.
        if self.is_stopped() {
            return false;
        }
        let entry = state.entries.get_mut(self.key);
        if entry.is_some_and(|it| it.waker.as_ref().is_some_and(|it| it.will_wake(waker))) {
            return true;
        }
        drop(state);
        self.leave(waker)
    }

    fn leave(&self, waker: &Waker) -> bool {
        // Cloned and dropped without the lock: both may run code of the user's.
        let mut waker = Some(waker.clone());
        let mut state = self.shard.lock();
        let stopped = self.is_stopped();
        if !stopped {
            if let Some(entry) = state.entries.get_mut(self.key) {
                mem::swap(&mut entry.waker, &mut waker);
            }
        }
        drop(state);
        discard(waker);
        !stopped
    }

    /// The task has ended, and its future is dropped.
    #[inline]
    pub(crate) fn end(&self, how: TaskEnd) {
        let mut state = self.shard.lock();
        if state.watched {
            drop(state);
            return self.end_watched(how);
        }
        let entry = state.end(self.key, how);
        drop(state);
        if let Some(Entry { waker: waker @ Some(_), .. }) = entry {
            discard(waker);
        }
    }

    #[cold]
    fn end_watched(&self, how: TaskEnd) {
        let Some(core) = self.shard.core.upgrade() else {
            // Those who wait hold the group, so nobody does.
            let entry = self.shard.lock().end(self.key, how);
            return discard(entry);
        };
        core.end(self.shard.index, self.key, how);
        // It may be the last of the group, and the group the last of a timer of the user's.
        discard(core);
    }
}
