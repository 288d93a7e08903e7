//! A part of a group's list, and a task's place in it.

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::time::Instant;

use super::core::Core;
use super::slots::Slots;
use crate::backend::{Origin, Refused, TaskEnd, discard};
use crate::origin::Place;

/// A part of a group's tasks: those that are spawned on a few of the threads, which then do not
/// wait for the others.
pub(crate) struct Shard {
    index: usize,
    /// For the ends that somebody waits for. Weak, because tasks must not keep a group.
    core: Weak<Core>,
    /// How often the tasks were aborted; set under the lock. A task that has seen another number
    /// when it was spawned is to stop.
    aborts: AtomicUsize,
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

/// What is known of a task.
pub(super) struct Entry {
    pub(super) name: Option<Cow<'static, str>>,
    pub(super) place: Place,
    pub(super) since: Option<Instant>,
    /// The how manieth of this shard it is.
    pub(super) number: u64,
    /// How to get the task polled, so that it finds out that it is to stop. Only while it waits.
    waker: Option<Waker>,
}

impl State {
    /// Notes the end of a task.
    #[must_use = "not to be dropped under the lock"]
    pub(super) fn end(&mut self, key: usize, how: TaskEnd) -> Option<Entry> {
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
            aborts: AtomicUsize::new(0),
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
        since: Option<Instant>,
    ) -> Result<Member, Refused> {
        let name = origin.name.cloned();
        let mut state = self.lock();
        if state.closed {
            return Err(Refused);
        }
        state.spawned += 1;
        let number = state.spawned;
        let entry = Entry { name, place: origin.place, since, number, waker: None };
        let key = state.entries.insert(entry);
        let aborts = self.aborts.load(Ordering::Relaxed);
        drop(state);
        Ok(Member { shard: self.clone(), key, aborts, waker: NONE, ended: false })
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

/// Which waker it is, as [`Waker::will_wake`] tells them apart.
type WakerId = (usize, usize);

/// That of no waker: a table of functions has an address.
const NONE: WakerId = (0, 0);

fn id(waker: &Waker) -> WakerId {
    (waker.data().addr(), std::ptr::from_ref(waker.vtable()).addr())
}

/// A task's place in a group, given up when the task ends.
pub(crate) struct Member {
    shard: Arc<Shard>,
    key: usize,
    /// How often the tasks had been aborted when this one was spawned.
    aborts: usize,
    /// The waker that was left with the group. It is there until the task is aborted or ends, so
    /// that no other one can have got its address meanwhile.
    waker: WakerId,
    ended: bool,
}

impl Member {
    /// Whether the task is to stop.
    #[inline]
    pub(crate) fn is_stopped(&self) -> bool {
        self.shard.aborts.load(Ordering::Acquire) != self.aborts
    }

    /// Leaves how to wake the task. False if it is to stop, and so must not wait.
    #[inline]
    pub(crate) fn wait(&mut self, waker: &Waker) -> bool {
        if self.waker == id(waker) {
            // The group has it, or it has called it, and then the task is polled once more.
            return !self.is_stopped();
        }
        self.leave(waker)
    }

    fn leave(&mut self, waker: &Waker) -> bool {
        // Cloned and dropped without the lock: both may run code of the user's.
        let mut waker = Some(waker.clone());
        let id = waker.as_ref().map_or(NONE, id);
        let mut state = self.shard.lock();
        if self.is_stopped() {
            drop(state);
            discard(waker);
            return false;
        }
        if let Some(entry) = state.entries.get_mut(self.key) {
            std::mem::swap(&mut entry.waker, &mut waker);
        }
        drop(state);
        self.waker = id;
        discard(waker);
        true
    }

    /// The task has ended, and its future is dropped.
    #[inline]
    pub(crate) fn end(&mut self, how: TaskEnd) {
        self.ended = true;
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
        match self.shard.core.upgrade() {
            Some(core) => {
                core.end(self.shard.index, self.key, how);
                // It may be the last of the group, and the group the last of a timer of the user's.
                discard(core);
            }
            // Those who wait hold the group, so nobody does.
            None => {
                let entry = self.shard.lock().end(self.key, how);
                discard(entry);
            }
        }
    }
}

impl Drop for Member {
    #[inline]
    fn drop(&mut self) {
        // It was taken, but another group, around this one, has refused the task.
        if !self.ended {
            self.end(TaskEnd::Dropped);
        }
    }
}
