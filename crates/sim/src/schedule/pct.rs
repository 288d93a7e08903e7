//! Probabilistic concurrency testing.

use std::collections::{BTreeMap, HashMap};

use super::{Choice, Ready, Slot};
use crate::rng::SimRng;

/// The number of steps to assume if it is unknown.
const STEPS: u64 = 256;

pub(crate) struct Pct {
    rng: SimRng,
    /// The steps that lower a priority, in reverse.
    changes: Vec<u64>,
    /// The last lowered priority. Each is below all that were drawn and all that were lowered
    /// before.
    lowest: u64,
    step: u64,
    /// The priorities of live tasks, by number. Numbers are not reused.
    priorities: HashMap<u32, u64>,
    ready: BTreeMap<(u64, u32), Slot>,
}

impl Pct {
    pub(super) fn new(mut rng: SimRng, depth: u32, steps: Option<u64>) -> Pct {
        let steps = steps.unwrap_or(STEPS).max(1);
        let mut changes: Vec<_> = (1..depth).map(|_| rng.below(steps)).collect();
        changes.sort_unstable_by(|a, b| b.cmp(a));
        Pct {
            rng,
            changes,
            lowest: u64::from(u32::MAX),
            step: 0,
            priorities: HashMap::new(),
            ready: BTreeMap::new(),
        }
    }

    pub(super) fn push(&mut self, task: Ready) {
        let rng = &mut self.rng;
        let drawn = || rng.next_u64() | 1 << 63;
        let priority = *self.priorities.entry(task.number).or_insert_with(drawn);
        self.ready.insert((priority, task.number), task.slot);
    }

    pub(super) fn pick(&mut self) -> Choice {
        let chosen = self.ready.len() > 1;
        if chosen {
            while self.changes.pop_if(|change| *change <= self.step).is_some() {
                self.lower_highest();
            }
        }
        self.step += 1;
        match self.ready.pop_last() {
            Some((_, slot)) => Choice::Task { slot, chosen },
            None => Choice::Nothing,
        }
    }

    fn lower_highest(&mut self) {
        if let Some(((_, number), slot)) = self.ready.pop_last() {
            self.lowest -= 1;
            self.priorities.insert(number, self.lowest);
            self.ready.insert((self.lowest, number), slot);
        }
    }

    pub(super) fn forget(&mut self, number: u32) {
        self.priorities.remove(&number);
    }

    pub(super) fn remove(&mut self, task: Ready) {
        if let Some(priority) = self.priorities.get(&task.number) {
            self.ready.remove(&(*priority, task.number));
        }
    }
}
