//! The runs of a job: the present one, and those that are remembered.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, OnceLock};

use super::repeat::Repeat;
use super::state::TaskState;
use crate::CancelToken;
use crate::services::run::Canceller;

/// How many runs are remembered that have not completed their key.
const RECENT: usize = 32;

/// A run of a job and its state; see [`TaskWrapper::runs`](crate::services::TaskWrapper::runs).
///
/// With the feature `json` it can be serialized:
/// `{"run": 3, "repeat": {"once_per": "db"}, "state": {"state": "completed"}}`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RunRecord {
    /// The number of the run, counted from 1 by the wrapper; see
    /// [`RunHandle::number`](crate::services::RunHandle::number).
    ///
    /// `None` if the wrapper has not run it: its work was done before, as
    /// [`Task::is_completed`](crate::services::Task::is_completed) has said.
    pub number: Option<u64>,
    /// How often the work of its action is done, with the key of the action.
    pub repeat: Repeat,
    /// Its state.
    pub state: TaskState,
}

/// The present run.
pub(super) struct Current {
    pub(super) number: u64,
    pub(super) canceller: Canceller,
    /// Cancelled when the run has ended.
    pub(super) ended: CancelToken,
    /// The state in which it ended.
    pub(super) last: OnceLock<TaskState>,
}

/// What a wrapper knows of its runs.
///
/// Its size is bounded by the number of completed keys: runs that fail, and those that repeat always,
/// are forgotten after some others, because clients may start them without end.
#[derive(Default)]
pub(super) struct Records {
    /// The number of the latest run.
    number: u64,
    pub(super) running: Option<Arc<Current>>,
    /// The runs that have completed their key. A start for one of these keys runs nothing.
    completed: BTreeMap<Repeat, u64>,
    /// Other runs, in the order of their starts; at most one for each key.
    recent: VecDeque<RunRecord>,
    /// The work that was done before, as far as the job was asked. Not a reason to run nothing: it
    /// may have been undone.
    checked: BTreeSet<Repeat>,
}

impl Records {
    /// Whether a run has completed this, so that there is nothing to run.
    pub(super) fn has_completed(&self, repeat: &Repeat) -> bool {
        self.completed.contains_key(repeat)
    }

    /// Makes a new run the present one. Returns with it the record that it replaces, whose error is to
    /// be dropped without the lock.
    pub(super) fn begin(
        &mut self,
        repeat: &Repeat,
        canceller: Canceller,
    ) -> (Arc<Current>, Option<RunRecord>) {
        self.number += 1;
        self.checked.remove(repeat);
        let is_same = |record: &RunRecord| record.repeat == *repeat && *repeat != Repeat::Always;
        let replaced = match self.recent.iter().position(is_same) {
            Some(index) => self.recent.remove(index),
            None if self.recent.len() == RECENT => self.recent.pop_front(),
            None => None,
        };
        let (number, repeat) = (Some(self.number), repeat.clone());
        self.recent.push_back(RunRecord { number, repeat, state: TaskState::Running });
        let (ended, last) = (CancelToken::new(), OnceLock::new());
        let current = Arc::new(Current { number: self.number, canceller, ended, last });
        self.running = Some(current.clone());
        (current, replaced)
    }

    /// Notes the state in which the present run has ended.
    pub(super) fn end(&mut self, state: &TaskState) {
        self.running = None;
        // One runs at a time, and it is the latest.
        let Some(record) = self.recent.back_mut() else { return };
        record.state = state.clone();
        if state.is_completed() && record.repeat != Repeat::Always {
            let repeat = record.repeat.clone();
            self.recent.pop_back();
            self.completed.insert(repeat, self.number);
        }
    }

    /// Notes the answer of a check. Returns the state of the job that follows, if it is another one.
    pub(super) fn checked(&mut self, repeat: Repeat, is_completed: bool) -> Option<TaskState> {
        let had_any = !self.checked.is_empty();
        let is_run = self.recent.iter().any(|record| record.repeat == repeat);
        if !is_completed {
            self.checked.remove(&repeat);
        } else if !is_run && !self.has_completed(&repeat) {
            self.checked.insert(repeat);
        }
        // The state is that of the latest run, if there was one.
        if self.number > 0 || had_any != self.checked.is_empty() {
            return None;
        }
        Some(if had_any { TaskState::NotStarted } else { TaskState::Completed })
    }

    /// The remembered runs: work that was done before, and then the runs in the order of their starts.
    pub(super) fn list(&self) -> Vec<RunRecord> {
        let state = || TaskState::Completed;
        let checked = self.checked.iter().map(|repeat| (None, repeat));
        let completed = self.completed.iter().map(|(repeat, number)| (Some(*number), repeat));
        let mut runs: Vec<_> = checked
            .chain(completed)
            .map(|(number, repeat)| RunRecord { number, repeat: repeat.clone(), state: state() })
            .chain(self.recent.iter().cloned())
            .collect();
        runs.sort_by_key(|run| run.number);
        runs
    }
}
