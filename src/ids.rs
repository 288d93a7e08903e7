//! The ids of tasks.

use std::cell::Cell;
use std::fmt;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};

/// The id of a task, for logs, listings and maps.
///
/// An id is never used twice in a process, so it still tells tasks apart after they have ended. Ids made by
/// [`next`](TaskId::next) are numbers from 1 on, in no particular order among threads.
///
/// Tasks have ids only on request, since most executors have none to give: wrap the spawner in
/// [`Identified`](crate::decorate::Identified). A simulation gives ids to all its tasks. They are the numbers in its
/// reports: the same in each run of a seed, and unique within a run.
///
/// The [`Display`](fmt::Display) form is the number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(NonZeroU64);

impl TaskId {
    /// Makes an id that is new in this process.
    ///
    /// It is meant for spawners that identify their tasks; see [`SpawnMeta::identify`](crate::SpawnMeta::identify).
    #[must_use]
    pub fn next() -> TaskId {
        static LAST: AtomicU64 = AtomicU64::new(0);

        // Relaxed: a number is all that threads get from each other here, and a read-modify-write never gives one
        // twice.
        let before = LAST.fetch_add(1, Ordering::Relaxed);
        // At a spawn per nanosecond it takes 584 years to get back to zero.
        TaskId(NonZeroU64::MIN.saturating_add(before))
    }

    /// Makes the id of a number, for executors that number their tasks themselves.
    ///
    /// It is up to them that the numbers are unique: a simulation's are in its run.
    #[must_use]
    pub const fn from_raw(number: NonZeroU64) -> TaskId {
        TaskId(number)
    }

    /// Returns the number.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0.get()
    }

    /// Calls a function as a part of the task with this id: [`task::id`](crate::task::id) returns it inside.
    ///
    /// It is meant for spawners that identify their tasks. Call it around each poll, and around the drop of the
    /// future.
    #[inline]
    pub fn scope<R>(self, f: impl FnOnce() -> R) -> R {
        let _left = Scope { before: CURRENT.replace(Some(self)) };
        f()
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskId({self})")
    }
}

thread_local! {
    /// The id of the task that runs on this thread. Without a destructor, so that it can always be read.
    static CURRENT: Cell<Option<TaskId>> = const { Cell::new(None) };
}

/// The id of the innermost [`scope`](TaskId::scope) on this thread.
pub(crate) fn entered() -> Option<TaskId> {
    CURRENT.get()
}

/// Restores the id of the scope outside, also if the function panics.
struct Scope {
    before: Option<TaskId>,
}

impl Drop for Scope {
    #[inline]
    fn drop(&mut self) {
        CURRENT.set(self.before);
    }
}

/// The id of a task that is being spawned, once it has one. The first one counts.
#[derive(Default)]
pub(crate) struct IdSlot(AtomicU64);

impl IdSlot {
    // Relaxed, here and below: an id is a value of its own, and the handle, through which it is read, reaches other
    // threads only after the spawn.
    #[inline]
    pub(crate) fn get(&self) -> Option<TaskId> {
        NonZeroU64::new(self.0.load(Ordering::Relaxed)).map(TaskId)
    }

    pub(crate) fn set(&self, id: TaskId) {
        let _ = self.0.compare_exchange(0, id.as_u64(), Ordering::Relaxed, Ordering::Relaxed);
    }
}

impl fmt::Debug for IdSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
