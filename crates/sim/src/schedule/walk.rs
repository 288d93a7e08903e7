//! Random walks.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Choice, Ready, Slot};
use crate::rng::SimRng;

/// All ready tasks are equally likely.
pub(crate) struct Random {
    rng: SimRng,
    ready: Vec<Slot>,
}

impl Random {
    pub(super) fn new(rng: SimRng) -> Random {
        Random { rng, ready: Vec::new() }
    }

    #[inline]
    pub(super) fn push(&mut self, task: Ready) {
        self.ready.push(task.slot);
    }

    #[inline]
    pub(super) fn pick(&mut self) -> Choice {
        let index = match self.ready.len() {
            0 => return Choice::Nothing,
            1 => 0,
            many => self.rng.below(many as u64),
        };
        let chosen = self.ready.len() > 1;
        #[expect(clippy::cast_possible_truncation, reason = "it is below a length")]
        let slot = self.ready.swap_remove(index as usize);
        Choice::Task { slot, chosen }
    }

    pub(super) fn remove(&mut self, task: Ready) {
        self.ready.retain(|slot| *slot != task.slot);
    }
}

/// Each ready task has a probability in proportion to its remaining steps.
pub(crate) struct Urw {
    rng: SimRng,
    steps: Arc<HashMap<u64, u64>>,
    /// The weights of the ready tasks by slot, 0 for all others, as a Fenwick tree: `sums[i]` is
    /// the sum of the weights from `i & (i + 1)` to `i`.
    sums: Vec<u64>,
    weights: Vec<u64>,
    total: u64,
    ready: usize,
}

impl Urw {
    pub(super) fn new(rng: SimRng, steps: Arc<HashMap<u64, u64>>) -> Urw {
        Urw { rng, steps, sums: Vec::new(), weights: Vec::new(), total: 0, ready: 0 }
    }

    pub(super) fn push(&mut self, task: Ready) {
        let all = self.steps.get(&task.path).copied().unwrap_or_default();
        self.ready += 1;
        // A task that takes more steps than in the profile counts as if it were at its last one.
        self.set(task.slot as usize, all.saturating_sub(task.steps).max(1));
    }

    pub(super) fn pick(&mut self) -> Choice {
        if self.ready == 0 {
            return Choice::Nothing;
        }
        let chosen = self.ready > 1;
        let mut left = if chosen { self.rng.below(self.total) } else { 0 };
        // Descends to the last index whose prefix sum is at most what was drawn.
        let mut index = 0;
        let mut width = self.sums.len().next_power_of_two();
        while width > 0 {
            let next = index + width;
            if next <= self.sums.len() && self.sums[next - 1] <= left {
                left -= self.sums[next - 1];
                index = next;
            }
            width /= 2;
        }
        self.ready -= 1;
        self.set(index, 0);
        #[expect(clippy::cast_possible_truncation, reason = "it is a slot's")]
        Choice::Task { slot: index as Slot, chosen }
    }

    pub(super) fn remove(&mut self, task: Ready) {
        if self.weights.get(task.slot as usize).is_some_and(|weight| *weight > 0) {
            self.ready -= 1;
            self.set(task.slot as usize, 0);
        }
    }

    fn set(&mut self, slot: usize, weight: u64) {
        if slot >= self.weights.len() {
            self.weights.resize((slot + 1).next_power_of_two(), 0);
            self.rebuild();
        }
        let old = std::mem::replace(&mut self.weights[slot], weight);
        self.total = self.total - old + weight;
        let mut index = slot;
        while index < self.sums.len() {
            self.sums[index] = self.sums[index] - old + weight;
            index |= index + 1;
        }
    }

    fn rebuild(&mut self) {
        self.sums.clone_from(&self.weights);
        for index in 0..self.sums.len() {
            let parent = index | (index + 1);
            if parent < self.sums.len() {
                self.sums[parent] += self.sums[index];
            }
        }
    }
}
