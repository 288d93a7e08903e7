//! A shard of a group's list, and a task's slot in it.

use std::mem;
use std::panic::Location;
use std::sync::{Arc, PoisonError, Weak};
use std::task::Waker;

use super::Members;
use super::list::{Chunk, Entry, List};
use crate::contain::discard;
use crate::layer::TaskEnd;
use crate::meta::Label;
use crate::sync::{Mutex, MutexGuard};

/// A shard of a group's tasks: those spawned on a few of the threads, to reduce contention.
pub(crate) struct Shard {
    index: usize,
    /// For ends that are being awaited. Weak, because tasks must not keep a group alive.
    core: Weak<Members>,
    state: Mutex<State>,
}

pub(super) struct State {
    pub(super) list: List,
    /// Closed to new tasks.
    pub(super) closed: bool,
    panicked: usize,
    dropped: usize,
}

/// The numbers of tasks that have ended, by kind.
#[derive(Clone, Copy, Default)]
pub(super) struct Ends {
    pub(super) completed: usize,
    pub(super) panicked: usize,
    pub(super) dropped: usize,
}

/// The parts of an entry that must not be dropped under the lock.
type Left = (Label, Option<Waker>);

impl State {
    /// Records the end of a task that does not leave the list by itself.
    #[must_use = "not to be dropped under the lock"]
    pub(super) fn end(&mut self, member: &Member, how: TaskEnd) -> Left {
        match how {
            TaskEnd::Completed => {}
            TaskEnd::Panicked => self.panicked += 1,
            TaskEnd::Aborted | TaskEnd::Shutdown => self.dropped += 1,
        }
        let entry = self.list.entry(&member.chunk, member.slot);
        let left = entry.map(|Entry { label, waker, .. }| (mem::take(label), waker.take()));
        // The list is told in any case.
        let _ = member.chunk.end(member.slot);
        left.unwrap_or_default()
    }

    /// How the tasks that have ended did so.
    pub(super) fn ended(&self) -> Ends {
        let ended = self.list.spawned() - self.list.len();
        let State { panicked, dropped, .. } = *self;
        Ends { completed: ended - panicked - dropped, panicked, dropped }
    }
}

impl Shard {
    pub(super) fn new(index: usize, core: Weak<Members>) -> Arc<Shard> {
        Arc::new(Shard {
            index,
            core,
            state: Mutex::new(State { list: List::new(), closed: false, panicked: 0, dropped: 0 }),
        })
    }

    #[inline]
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // No user code runs under the lock, so no panic can poison it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a task, stamped with its index and without a label, unless the function changes that. A label counts as
    /// something that the entry `owns`.
    #[inline]
    pub(super) fn insert(
        self: &Arc<Self>,
        location: &'static Location<'static>,
        owns: bool,
        describe: impl FnOnce(&mut Entry),
    ) -> Option<Member> {
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        let (chunk, slot, entry) = state.list.insert(self, location);
        describe(entry);
        Some(Member { chunk, slot, owns })
    }

    /// The same for a task with a name or an id, or a stamp of its own.
    #[cold]
    pub(super) fn insert_described(
        self: &Arc<Self>,
        label: Label,
        location: &'static Location<'static>,
        stamp: Option<u64>,
    ) -> Option<Member> {
        self.insert(location, !label.is_empty(), |entry| {
            entry.label = label;
            entry.stamp = stamp.unwrap_or(entry.stamp);
        })
    }

    /// The group was dropped. The tasks own their chunks, and the chunks own their shard.
    pub(super) fn clear(&self) {
        let list = mem::replace(&mut self.lock().list, List::new());
        discard(list);
    }
}

/// A task's slot in a group. Its owner calls [`end`](Member::end).
pub(crate) struct Member {
    chunk: Arc<Chunk>,
    slot: u8,
    /// The entry has a label, or may have a waker.
    owns: bool,
}

impl Member {
    #[inline]
    fn shard(&self) -> &Shard {
        &self.chunk.shard
    }

    /// Whether the task must stop.
    #[inline]
    pub(crate) fn is_stopped(&self) -> bool {
        self.chunk.is_stopped(self.slot)
    }

    /// Registers the task's waker. Returns false if the task must stop, and so must not wait.
    pub(crate) fn wait(&mut self, waker: &Waker) -> bool {
        if self.owns {
            let mut state = self.shard().lock();
            // Under the lock: an abort comes before this and is seen here, or after it and wakes the task.
            if self.is_stopped() {
                return false;
            }
            let entry = state.list.entry(&self.chunk, self.slot);
            if entry.is_some_and(|it| it.waker.as_ref().is_some_and(|it| it.will_wake(waker))) {
                return true;
            }
        }
        self.owns = true;
        // Clone and drop wakers without the lock: both may run user code.
        let mut waker = Some(waker.clone());
        let mut state = self.shard().lock();
        let stopped = self.is_stopped();
        if !stopped {
            if let Some(entry) = state.list.entry(&self.chunk, self.slot) {
                mem::swap(&mut entry.waker, &mut waker);
            }
        }
        drop(state);
        discard(waker);
        !stopped
    }

    /// Called when the task has ended and its future was dropped.
    #[inline]
    pub(crate) fn end(self, how: TaskEnd) {
        let alone = how == TaskEnd::Completed && !self.owns;
        if !alone || self.chunk.end(self.slot) {
            self.tell(how, alone);
        }
    }

    /// Tells the list of the end, or, if the task has `left` it, that it did.
    #[cold]
    fn tell(&self, how: TaskEnd, left: bool) {
        let mut state = self.shard().lock();
        if state.list.watched().is_some() {
            drop(state);
            return self.tell_all(how, left);
        }
        let garbage = self.end_in(&mut state, how, left);
        drop(state);
        discard(garbage);
    }

    #[cold]
    fn tell_all(&self, how: TaskEnd, left: bool) {
        let Some(core) = self.shard().core.upgrade() else {
            // Waiters hold the group, so there are none.
            let garbage = self.end_in(&mut self.shard().lock(), how, left);
            return discard(garbage);
        };
        core.end(self.shard().index, |state| self.end_in(state, how, left));
        // This may be the last reference to the group, and the group the last to a user's timer.
        discard(core);
    }

    #[must_use = "not to be dropped under the lock"]
    fn end_in(&self, state: &mut State, how: TaskEnd, left: bool) -> Left {
        let garbage = if left { Left::default() } else { state.end(self, how) };
        state.list.settle(&self.chunk);
        garbage
    }
}
