//! All schedules, one after the other.

use std::collections::BTreeMap;

use super::{Choice, Ready, Slot};

/// The state of a search between two runs.
#[derive(Clone)]
pub(crate) struct Search {
    max_preemptions: u32,
    /// The first choices of the next schedule; the rest are made by default.
    path: Vec<Fork>,
    done: bool,
}

/// A step with a choice.
#[derive(Clone)]
struct Fork {
    /// The tasks that were ready, by number, in the order in which they are tried.
    options: Vec<u32>,
    taken: usize,
}

impl Search {
    pub(crate) fn new(max_preemptions: u32) -> Search {
        Search { max_preemptions, path: Vec::new(), done: false }
    }

    /// Whether every schedule has been run.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// Advances to the next schedule.
    fn advance(&mut self) {
        while let Some(last) = self.path.last_mut() {
            last.taken += 1;
            if last.taken < last.options.len() {
                return;
            }
            self.path.pop();
        }
        self.done = true;
    }
}

pub(crate) struct Dfs {
    search: Search,
    /// How many forks this run has reached.
    forks: usize,
    preemptions: u32,
    /// The task that took the last step.
    last: Option<u32>,
    /// By number.
    ready: BTreeMap<u32, Slot>,
}

impl Dfs {
    pub(super) fn new(search: Search) -> Dfs {
        Dfs { search, forks: 0, preemptions: 0, last: None, ready: BTreeMap::new() }
    }

    pub(super) fn into_search(self) -> Search {
        let mut search = self.search;
        // A run that ended before the fork at which it should differ has nothing beyond it.
        search.path.truncate(self.forks);
        search.advance();
        search
    }

    pub(super) fn push(&mut self, task: Ready) {
        self.ready.insert(task.number, task.slot);
    }

    pub(super) fn pick(&mut self) -> Choice {
        let Some(first) = self.ready.keys().next().copied() else { return Choice::Nothing };
        let chosen = self.ready.len() > 1;
        let last = self.last.filter(|last| self.ready.contains_key(last));
        let number = match last {
            _ if !chosen => first,
            // It continues: no more preemptions are allowed.
            Some(last) if self.preemptions >= self.search.max_preemptions => last,
            _ => match self.fork(last) {
                Ok(number) => number,
                Err(why) => return Choice::Diverged(why),
            },
        };
        if last.is_some_and(|last| last != number) {
            self.preemptions += 1;
        }
        self.last = Some(number);
        match self.ready.remove(&number) {
            Some(slot) => Choice::Task { slot, chosen },
            None => Choice::Nothing,
        }
    }

    fn fork(&mut self, last: Option<u32>) -> Result<u32, String> {
        // Continuing is tried first: it is no preemption.
        let others = self.ready.keys().copied().filter(|number| Some(*number) != last);
        let options: Vec<_> = last.into_iter().chain(others).collect();
        if self.forks == self.search.path.len() {
            self.search.path.push(Fork { options, taken: 0 });
        } else if self.search.path[self.forks].options != options {
            return Err(format!(
                "the same choices made different tasks ready: {:?} before, {options:?} now",
                self.search.path[self.forks].options
            ));
        }
        let fork = &self.search.path[self.forks];
        self.forks += 1;
        Ok(fork.options[fork.taken])
    }

    pub(super) fn remove(&mut self, task: Ready) {
        self.ready.remove(&task.number);
    }
}
