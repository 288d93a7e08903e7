//! The events of a run.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::Arc;

use crate::clock::Nanos;
use crate::fault::Fault;

/// The events of a run, in order.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// By number. A number that was given out as an id has no task if the task was refused.
    pub(crate) tasks: BTreeMap<u32, Known>,
    pub(crate) events: Vec<Event>,
    /// The task whose step it is; `None` while timers fire.
    acting: Option<u32>,
}

/// A task that was spawned, dead or alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) name: Option<Cow<'static, str>>,
    /// The name of the node that it belongs to, if any.
    pub(crate) node: Option<Arc<str>>,
    pub(crate) location: &'static Location<'static>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// The number of the present step.
    pub(crate) step: u64,
    pub(crate) at: Nanos,
    pub(crate) task: Option<u32>,
    pub(crate) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A task takes a step.
    Step(u32),
    /// Nothing was ready, and the time advanced.
    Time,
    Spawned(u32, Known),
    Woke(u32),
    /// A sleep until that time was polled.
    Slept(Nanos),
    Ended(u32),
    Panicked(String),
    Noted(String),
    /// A fault was injected.
    Fault(Fault),
    /// A fault in the node was ended by that action.
    Mended(String, Arc<str>),
    /// The task was suspended although it could have continued.
    #[cfg_attr(not(feature = "preempt"), expect(dead_code, reason = "for the feature"))]
    Suspended,
}

impl Default for Record {
    fn default() -> Record {
        // The future that is passed to the simulation is task 0, and is created before the first step.
        Record { tasks: BTreeMap::new(), events: Vec::new(), acting: Some(0) }
    }
}

impl Record {
    pub(crate) fn push(&mut self, step: u64, at: Nanos, what: What) {
        match &what {
            What::Step(number) => self.acting = Some(*number),
            What::Time => self.acting = None,
            What::Spawned(number, task) => _ = self.tasks.insert(*number, task.clone()),
            _ => {}
        }
        self.events.push(Event { step, at, task: self.acting, what });
    }

    /// `3 worker@node`, with the parts that there are.
    pub(crate) fn label(&self, number: u32) -> String {
        let known = self.known(number);
        let node = known.and_then(|task| task.node.as_ref());
        match (known.and_then(|task| task.name.as_ref()), node) {
            (Some(name), Some(node)) => format!("{number} {name}@{node}"),
            (Some(name), None) => format!("{number} {name}"),
            (None, Some(node)) => format!("{number} @{node}"),
            (None, None) if number == 0 => "0 main".to_owned(),
            (None, None) => number.to_string(),
        }
    }

    /// `task 3 'worker' on node 'a', spawned at src/server.rs:12:9`
    pub(crate) fn describe(&self, number: u32) -> String {
        let Some(Known { name, node, location }) = self.known(number) else {
            return format!("task {number}");
        };
        let name = name.as_ref().map(|name| format!(" '{name}'")).unwrap_or_default();
        let node = node.as_ref().map(|node| format!(" on node '{node}'")).unwrap_or_default();
        format!("task {number}{name}{node}, spawned at {location}")
    }

    fn known(&self, number: u32) -> Option<&Known> {
        self.tasks.get(&number)
    }
}
