//! The listing and the report of a group.

use std::fmt;
use std::panic::Location;
use std::time::Duration;

use super::list::Entry;
use crate::ids::TaskId;
use crate::meta::{Label, write_task};

/// A task in a group; a snapshot from [`TaskGroup::tasks`](crate::TaskGroup::tasks).
///
/// The [`Display`](fmt::Display) form is `task 'conn-7' spawned at src/server.rs:12:9`, with the id before the name if
/// the task has one, and followed by `, 1.5s old` if the group has a clock.
#[derive(Clone)]
pub struct TaskInfo {
    label: Label,
    location: &'static Location<'static>,
    age: Option<Duration>,
}

impl TaskInfo {
    pub(super) fn new(entry: &Entry, now: Option<u64>) -> TaskInfo {
        let age = now.map(|now| Duration::from_nanos(now.saturating_sub(entry.stamp)));
        TaskInfo { label: entry.label.clone(), location: entry.location, age }
    }

    /// Returns the name that the task was [spawned with](crate::SpawnerExt::spawn_named), if any.
    #[must_use]
    pub fn task_name(&self) -> Option<&str> {
        self.label.name()
    }

    /// Returns the task's id, if a decorator gives one: the spawner of the group is
    /// [`Identified`](crate::decorate::Identified), or is inside of one.
    #[must_use]
    pub fn id(&self) -> Option<TaskId> {
        self.label.id()
    }

    /// Returns the location of the `spawn` call.
    ///
    /// For a future that was spawned in a box, with [`Spawner::spawn`](crate::Spawner::spawn) on a trait
    /// object, this is a location in this crate, since the caller's location is not passed through a vtable.
    #[must_use]
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.location
    }

    /// Returns the time since the task was spawned, on the group's clock, or `None` if the group
    /// [has no clock](crate::TaskGroup::new).
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.age
    }
}

impl fmt::Display for TaskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_task(f, self.id(), self.task_name(), self.location)?;
        match self.age {
            Some(age) => write!(f, ", {age:?} old"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for TaskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskInfo({self})")
    }
}

/// How the tasks of a group ended since its shutdown began; returned by
/// [`TaskGroup::shutdown`](crate::TaskGroup::shutdown) and [`TaskGroup::drain`](crate::TaskGroup::drain).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Tasks that completed.
    pub finished: usize,
    /// Tasks that were dropped before they completed: by this shutdown, by another abort, or by the runtime.
    pub aborted: usize,
    /// Tasks that panicked.
    pub panicked: usize,
}

impl ShutdownReport {
    /// Returns whether all tasks completed.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.aborted == 0 && self.panicked == 0
    }
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ShutdownReport { finished, aborted, panicked } = self;
        write!(f, "{finished} finished, {aborted} aborted, {panicked} panicked")
    }
}
