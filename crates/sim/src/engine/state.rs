//! The state of a run.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroU64;
use std::panic::Location;
use std::time::Duration;

use async_runtime_compat::TaskId;
use slab::Slab;

use super::Wrong;
use super::links::Cuts;
use super::nodes::Nodes;
use super::preempt::Preempt;
use crate::clock::Nanos;
use crate::failure::{FailureKind, TaskReport, Waking};
use crate::fault::Points;
use crate::node::Home;
use crate::panics::Panics;
use crate::record::{Known, Record, What};
use crate::rng::{Trace, derive};
use crate::schedule::{Ready, Schedule, Slot};
use crate::tape::Tape;
use crate::task::{Handle, Runnable};
use crate::timers::Timers;

/// The state of a run, under the engine's lock.
pub(super) struct State {
    pub(super) tasks: Slab<Task>,
    pub(super) schedule: Schedule,
    pub(super) timers: Timers,
    pub(super) nodes: Nodes,
    pub(super) cuts: Cuts,
    pub(super) points: Points,
    pub(super) preempt: Preempt,
    /// How much time the last step takes.
    pub(super) cost: Nanos,
    pub(super) tape: Tape,
    pub(super) trace: Trace,
    /// The task that takes the present step.
    pub(super) current: Option<Slot>,
    /// Its number. It is known even once the task has ended, and perhaps another one has its slot.
    pub(super) acting: Option<u32>,
    /// The node that was killed, while its tasks are dropped.
    pub(super) dropping: Option<Home>,
    pub(super) steps: u64,
    pub(super) spawned: u32,
    /// The numbers given out as the ids of tasks that have not been spawned yet.
    pub(super) reserved: BTreeSet<u32>,
    /// The ids of tasks that got theirs on another thread, by number. The ids of all others are their numbers.
    pub(super) foreign: HashMap<u32, TaskId>,
    /// How many generators were created, by label.
    pub(super) generators: HashMap<String, u64>,
    /// The steps of tasks that have ended, by path.
    pub(super) profile: Option<HashMap<u64, u64>>,
    pub(super) record: Option<Box<Record>>,
    /// The task that took the present step, if it ended in it and conditions are checked.
    pub(super) gone: Option<String>,
    pub(super) panics: Panics,
    pub(super) failure: Option<Wrong>,
    /// Another thread acted on the simulation since the last look.
    pub(super) poked: bool,
    /// The run is over, and tasks are dropped.
    pub(super) closed: bool,
    /// Tasks that were woken although their node was killed, or the run is over. They are to be dropped.
    pub(super) buried: Vec<Runnable>,
}

/// Tasks are made and dropped all the time, so this is kept small.
pub(super) struct Task {
    pub(super) number: u32,
    pub(super) children: u32,
    pub(super) home: Home,
    /// Its node was killed: it is dropped when it is woken, and never made ready.
    pub(super) doomed: bool,
    pub(super) path: u64,
    pub(super) name: Option<Box<Cow<'static, str>>>,
    pub(super) location: &'static Location<'static>,
    pub(super) steps: u64,
    /// `None` while it waits, and for the root.
    pub(super) runnable: Option<Runnable>,
    /// For dropping the task while it waits. `None` for the root, and for a doomed task.
    pub(super) handle: Option<Handle>,
    pub(super) ready: bool,
    pub(super) woken_by: Waking,
    pub(super) woken_at: Nanos,
}

/// The slot of a key of [`State::tasks`].
pub(super) fn slot_of(key: usize) -> Slot {
    Slot::try_from(key).expect("memory runs out before there are so many tasks")
}

/// The id of the task with that number; `None` for the root.
fn task_id(number: u32) -> Option<TaskId> {
    NonZeroU64::new(number.into()).map(TaskId::from_raw)
}

impl Task {
    pub(super) fn ready(&self, slot: Slot) -> Ready {
        Ready { slot, number: self.number, path: self.path, steps: self.steps }
    }
}

impl State {
    pub(super) fn fail(&mut self, kind: FailureKind, message: String) {
        self.failure.get_or_insert((kind, message));
    }

    /// Adds an event to the trace, and to the record if there is one.
    #[inline]
    pub(super) fn event(&mut self, word: u64, now: Nanos, what: impl FnOnce() -> What) {
        self.trace.add(word);
        if self.record.is_some() {
            self.keep(now, what());
        }
    }

    #[cold]
    pub(super) fn keep(&mut self, now: Nanos, what: What) {
        if let Some(record) = self.record.as_mut().filter(|_| !self.closed) {
            record.push(self.steps, now, what);
        }
    }

    /// A label, qualified by the node.
    pub(super) fn label<'a>(&self, home: Home, label: &'a str) -> Cow<'a, str> {
        match self.nodes.name(home.node) {
            Some(node) => Cow::Owned(format!("{node}\0{label}")),
            None => Cow::Borrowed(label),
        }
    }

    /// The next number of a task.
    fn next_number(&mut self) -> u32 {
        let number = self.spawned;
        self.spawned += 1;
        number
    }

    /// Gives out a number as the id of a task that is about to be spawned.
    pub(super) fn reserve(&mut self) -> Option<TaskId> {
        let number = self.next_number();
        self.reserved.insert(number);
        task_id(number)
    }

    /// The number of a task that is spawned, perhaps with an id.
    pub(super) fn number(&mut self, id: Option<TaskId>) -> u32 {
        let Some(id) = id else { return self.next_number() };
        let reserved =
            u32::try_from(id.as_u64()).ok().filter(|number| self.reserved.remove(number));
        reserved.unwrap_or_else(|| {
            let number = self.next_number();
            self.foreign.insert(number, id);
            number
        })
    }

    /// The id of a task; `None` for the root.
    pub(super) fn id(&self, number: u32) -> Option<TaskId> {
        self.foreign.get(&number).copied().or_else(|| task_id(number))
    }

    pub(super) fn insert(
        &mut self,
        home: Home,
        number: u32,
        name: Option<Cow<'static, str>>,
        location: &'static Location<'static>,
        now: Nanos,
    ) -> Slot {
        let (parent, path) = match self.current.and_then(|slot| self.tasks.get_mut(slot as usize)) {
            Some(parent) => {
                parent.children += 1;
                (Waking::Spawn(parent.number), derive(parent.path, "", u64::from(parent.children)))
            }
            None => (Waking::Outside, u64::from(number)),
        };
        let node = self.record.as_ref().and_then(|_| self.nodes.name(home.node).cloned());
        let spawned = || What::Spawned(number, Known { name: name.clone(), node, location });
        self.event(u64::from(number) << 8, now, spawned);
        let entry = self.tasks.vacant_entry();
        let slot = slot_of(entry.key());
        entry.insert(Task {
            number,
            children: 0,
            home,
            doomed: false,
            path,
            name: name.map(Box::new),
            location,
            steps: 0,
            runnable: None,
            handle: None,
            ready: false,
            woken_by: parent,
            woken_at: now,
        });
        slot
    }

    #[inline]
    pub(super) fn wake(&mut self, slot: Slot, runnable: Option<Runnable>, by: Waking, now: Nanos) {
        let Some(task) = self.tasks.get_mut(slot as usize) else { return };
        // The root may be woken several times.
        if !task.ready {
            (task.woken_by, task.woken_at) = (by, now);
            let number = task.number;
            self.trace.mix(u64::from(number) << 8 | 4);
            if self.record.is_some() {
                self.keep(now, What::Woke(number));
            }
            self.make_ready(slot, runnable);
        }
    }

    /// A task that was inserted is ready for the first time.
    #[inline]
    pub(super) fn start(&mut self, slot: Slot, handle: Handle, runnable: Runnable) {
        if let Some(task) = self.tasks.get_mut(slot as usize) {
            task.handle = Some(handle);
        }
        self.make_ready(slot, Some(runnable));
    }

    #[inline]
    pub(super) fn make_ready(&mut self, slot: Slot, runnable: Option<Runnable>) {
        let Some(task) = self.tasks.get_mut(slot as usize) else { return };
        task.runnable = runnable;
        if task.home.is_node() && self.nodes.hold(task.home.node, slot) {
            return;
        }
        task.ready = true;
        let ready = task.ready(slot);
        self.schedule.push(ready);
    }

    pub(super) fn describe(&self, slot: Slot) -> String {
        let Some(task) = self.tasks.get(slot as usize) else { return "a task".to_owned() };
        let name = task.name.as_ref().map(|name| format!(" '{name}'")).unwrap_or_default();
        let node = self.nodes.name(task.home.node);
        let node = node.map(|node| format!(" on node '{node}'")).unwrap_or_default();
        format!("task {}{name}{node}, spawned at {},", task.number, task.location)
    }

    pub(super) fn reports(&self) -> Vec<TaskReport> {
        let mut reports: Vec<_> = self
            .tasks
            .iter()
            .map(|(_, task)| TaskReport {
                number: task.number,
                id: self.id(task.number),
                name: task.name.as_deref().cloned(),
                node: self.nodes.name(task.home.node).map(ToString::to_string),
                paused: self.nodes.is_held(task.home.node),
                location: task.location,
                steps: task.steps,
                ready: task.runnable.is_some() || task.ready,
                woken_by: task.woken_by,
                woken_at: Duration::from_nanos(task.woken_at),
            })
            .collect();
        reports.sort_by_key(TaskReport::number);
        reports
    }
}
