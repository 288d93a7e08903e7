//! What the clones of a wrapper share with the task that runs the job.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::record::{Current, Records, RunRecord};
use super::repeat::Repeat;
use super::state::{Outcome, TaskState};
use super::{Task, TaskContext};
use crate::services::contain::{discard, lock};
use crate::services::run::{BoxError, Canceller, Cause, Promise, RunError};
use crate::{Runtime, WatchSender};

pub(super) struct Shared<K> {
    pub(super) task: K,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) options: Options,
    /// Set under the lock of `records`, so that it is `Running` as long as there is a run.
    state: WatchSender<TaskState>,
    records: Mutex<Records>,
}

pub(super) struct Options {
    pub(super) name: String,
    pub(super) capacity: usize,
    pub(super) grace: Duration,
}

/// What a start may do.
pub(super) enum Begin {
    /// Run the job.
    Run(Arc<Current>),
    /// Nothing: a run is under way.
    IsRunning,
    /// Nothing: the work of the action is done.
    IsCompleted,
}

impl<K: Task> Shared<K> {
    pub(super) fn new(task: K, runtime: Arc<dyn Runtime>, options: Options) -> Arc<Shared<K>> {
        let (state, records) = (WatchSender::new(TaskState::NotStarted), Mutex::default());
        Arc::new(Shared { task, runtime, options, state, records })
    }

    fn lock(&self) -> MutexGuard<'_, Records> {
        lock(&self.records)
    }

    pub(super) fn state(&self) -> &WatchSender<TaskState> {
        &self.state
    }

    /// The present run, if there is one.
    pub(super) fn current(&self) -> Option<Arc<Current>> {
        self.lock().running.clone()
    }

    /// The remembered runs.
    pub(super) fn runs(&self) -> Vec<RunRecord> {
        self.lock().list()
    }

    /// Whether a run of this wrapper has completed this.
    pub(super) fn has_completed(&self, repeat: &Repeat) -> bool {
        self.lock().has_completed(repeat)
    }

    /// Makes a new run the present one, unless there is nothing to run.
    pub(super) fn begin(&self, repeat: &Repeat, canceller: &Canceller) -> Begin {
        let mut records = self.lock();
        if records.has_completed(repeat) {
            return Begin::IsCompleted;
        }
        if records.running.is_some() {
            return Begin::IsRunning;
        }
        let (current, replaced) = records.begin(repeat, canceller.clone());
        let change = self.state.replace(TaskState::Running);
        // Announced after unlocking: a waker may look at the wrapper, and so may the destructor of an
        // error.
        drop(records);
        change.announce();
        discard(replaced);
        Begin::Run(current)
    }

    /// Asks the job whether there is anything to do, and does it.
    pub(super) async fn run(
        &self,
        action: K::Action,
        cx: TaskContext<K::Event>,
    ) -> Result<Outcome<K::Output>, BoxError> {
        if self.task.is_completed(&action, &cx).await.map_err(Into::into)? {
            return Ok(Outcome::AlreadyCompleted);
        }
        let output = self.task.run(action, cx).await.map_err(Into::into)?;
        Ok(Outcome::Completed(output))
    }

    /// The run has ended, and nothing of it is left.
    pub(super) fn end<T>(&self, current: &Current, promise: Promise<T>, result: Result<T, Cause>) {
        let subject = || format!("task '{}'", self.options.name);
        let result = result.map_err(|cause| RunError::new(subject(), cause));
        let state = match &result {
            Ok(_) => TaskState::Completed,
            Err(error) => TaskState::Failed(error.clone()),
        };
        let mut records = self.lock();
        records.end(&state);
        let change = self.state.replace(state.clone());
        drop(records);
        // It is empty: each run ends once.
        let _ = current.last.set(state);
        promise.keep(result);
        change.announce();
        current.ended.cancel();
    }

    /// Notes the answer of a check.
    pub(super) fn checked(&self, repeat: Repeat, is_completed: bool) {
        let mut records = self.lock();
        let state = records.checked(repeat, is_completed);
        let change = state.map(|state| self.state.replace(state));
        // Announced after unlocking: a waker may look at the wrapper.
        drop(records);
        drop(change);
    }
}
