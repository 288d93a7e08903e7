//! Following a plan as far as possible, with as few switches as possible beyond it.

use std::collections::BTreeMap;

use super::{Choice, Ready, Slot};

/// Turns: a task, and how many steps it takes.
pub(crate) type Plan = Vec<(u32, u32)>;

/// How hard a schedule is to read. The first field counts most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cost {
    /// How many steps were taken by another task than the step before.
    pub(crate) switches: u64,
    /// How many of these although the task before could have continued.
    pub(crate) preemptions: u64,
    pub(crate) steps: u64,
    /// How many choices a tape needs: after them, the oldest task always goes first.
    pub(crate) choices: usize,
}

pub(crate) struct Guided {
    /// In reverse.
    plan: Plan,
    /// Whether the plan covers only the steps with a choice, or all.
    choices_only: bool,
    suspensions: Vec<u32>,
    /// The turns taken, at all steps.
    taken: Plan,
    /// The task that took the last step.
    last: Option<u32>,
    /// By number.
    ready: BTreeMap<u32, Slot>,
    choices: usize,
    cost: Cost,
}

impl Guided {
    pub(super) fn new(mut plan: Plan, choices_only: bool, suspensions: &[u32]) -> Guided {
        plan.reverse();
        Guided {
            plan,
            choices_only,
            suspensions: suspensions.to_vec(),
            taken: Plan::new(),
            last: None,
            ready: BTreeMap::new(),
            choices: 0,
            cost: Cost::default(),
        }
    }

    pub(super) fn take_suspensions(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.suspensions)
    }

    pub(super) fn into_taken(self) -> Plan {
        self.taken
    }

    pub(super) fn cost(&self) -> Cost {
        self.cost
    }

    pub(super) fn push(&mut self, task: Ready) {
        self.ready.insert(task.number, task.slot);
    }

    pub(super) fn pick(&mut self) -> Choice {
        let Some(first) = self.ready.keys().next().copied() else { return Choice::Nothing };
        let chosen = self.ready.len() > 1;
        let last = self.last.filter(|last| self.ready.contains_key(last));
        let number = if chosen {
            self.planned().or(last).unwrap_or(first)
        } else {
            self.forced(first);
            first
        };
        match self.taken.last_mut() {
            Some((task, times)) if *task == number => *times = times.saturating_add(1),
            _ => self.taken.push((number, 1)),
        }
        if chosen {
            self.choices += 1;
            if number != first {
                self.cost.choices = self.choices;
            }
        }
        self.cost.steps += 1;
        self.cost.switches += u64::from(self.last.is_some_and(|last| last != number));
        self.cost.preemptions += u64::from(last.is_some_and(|last| last != number));
        self.last = Some(number);
        match self.ready.remove(&number) {
            Some(slot) => Choice::Task { slot, chosen },
            None => Choice::Nothing,
        }
    }

    /// A turn of a task that is not ready is lost.
    fn planned(&mut self) -> Option<u32> {
        while let Some((task, times)) = self.plan.last_mut() {
            if *times > 0 && self.ready.contains_key(task) {
                *times -= 1;
                return Some(*task);
            }
            self.plan.pop();
        }
        None
    }

    /// A step without a choice. Other tasks' turns are not lost.
    fn forced(&mut self, number: u32) {
        self.plan.pop_if(|(_, times)| *times == 0);
        if let Some((task, times)) = self.plan.last_mut().filter(|_| !self.choices_only) {
            *times -= u32::from(*task == number);
        }
    }

    pub(super) fn remove(&mut self, task: Ready) {
        self.ready.remove(&task.number);
    }
}
