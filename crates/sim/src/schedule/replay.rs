//! Replaying a recorded schedule.

use std::collections::BTreeMap;

use super::{Choice, Ready, Slot};
use crate::tape::Tape;

pub(crate) struct Replay {
    /// The remaining choices, in reverse.
    choices: Vec<u32>,
    suspensions: Vec<u32>,
    /// By number.
    ready: BTreeMap<u32, Slot>,
}

impl Replay {
    pub(super) fn new(tape: &Tape) -> Replay {
        let choices = tape.choices().iter().rev().copied().collect();
        Replay { choices, suspensions: tape.suspensions().to_vec(), ready: BTreeMap::new() }
    }

    pub(super) fn take_suspensions(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.suspensions)
    }

    pub(super) fn push(&mut self, task: Ready) {
        self.ready.insert(task.number, task.slot);
    }

    pub(super) fn pick(&mut self) -> Choice {
        if self.ready.len() < 2 {
            return match self.ready.pop_first() {
                Some((_, slot)) => Choice::Task { slot, chosen: false },
                None => Choice::Nothing,
            };
        }
        // After the end of a tape the oldest task goes first.
        let wanted = self.choices.pop();
        let number = wanted.or_else(|| self.ready.keys().next().copied());
        match number.and_then(|number| self.ready.remove(&number)) {
            Some(slot) => Choice::Task { slot, chosen: true },
            None => Choice::Diverged(self.misfit(wanted.unwrap_or_default())),
        }
    }

    fn misfit(&self, wanted: u32) -> String {
        let ready: Vec<_> = self.ready.keys().take(8).map(u32::to_string).collect();
        let more = if self.ready.len() > ready.len() { ", …" } else { "" };
        format!("task {wanted} should go next, but the ready tasks are {}{more}", ready.join(", "))
    }

    pub(super) fn remove(&mut self, task: Ready) {
        self.ready.remove(&task.number);
    }

    pub(super) fn left_over(&self) -> usize {
        self.choices.len()
    }
}
