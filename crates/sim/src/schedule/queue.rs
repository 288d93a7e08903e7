//! First come, first served.

use std::collections::VecDeque;

use super::{Choice, Ready, Slot};

#[derive(Default)]
pub(crate) struct RoundRobin {
    ready: VecDeque<Slot>,
}

impl RoundRobin {
    pub(super) fn push(&mut self, task: Ready) {
        self.ready.push_back(task.slot);
    }

    pub(super) fn pick(&mut self) -> Choice {
        let chosen = self.ready.len() > 1;
        match self.ready.pop_front() {
            Some(slot) => Choice::Task { slot, chosen },
            None => Choice::Nothing,
        }
    }

    pub(super) fn remove(&mut self, task: Ready) {
        self.ready.retain(|slot| *slot != task.slot);
    }
}
