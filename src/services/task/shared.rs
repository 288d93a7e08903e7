//! What the clones of a wrapper share with the task that runs the job.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use super::state::{Outcome, TaskState};
use super::{Task, TaskContext};
use crate::services::contain::lock;
use crate::services::run::{BoxError, Canceller, Cause, Promise, RunError};
use crate::{CancelToken, Runtime, WatchSender};

pub(super) struct Shared<K> {
    pub(super) task: K,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) options: Options,
    /// Set under the lock of `running`, so that it is `Running` as long as there is a run.
    state: WatchSender<TaskState>,
    running: Mutex<Option<Arc<Current>>>,
}

pub(super) struct Options {
    pub(super) name: String,
    pub(super) capacity: usize,
    pub(super) grace: Duration,
}

/// The present run.
pub(super) struct Current {
    pub(super) canceller: Canceller,
    /// Cancelled when the run has ended.
    pub(super) ended: CancelToken,
    /// The state in which it ended.
    pub(super) last: OnceLock<TaskState>,
}

impl Current {
    pub(super) fn new(canceller: Canceller) -> Arc<Current> {
        Arc::new(Current { canceller, ended: CancelToken::new(), last: OnceLock::new() })
    }
}

/// What a start may do.
pub(super) enum Begin {
    /// Run the job.
    Run,
    /// Nothing: a run is under way.
    IsRunning,
    /// Nothing: the job has completed.
    IsCompleted,
}

impl<K: Task> Shared<K> {
    pub(super) fn new(task: K, runtime: Arc<dyn Runtime>, options: Options) -> Arc<Shared<K>> {
        let (state, running) = (WatchSender::new(TaskState::NotStarted), Mutex::new(None));
        Arc::new(Shared { task, runtime, options, state, running })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Current>>> {
        lock(&self.running)
    }

    pub(super) fn state(&self) -> &WatchSender<TaskState> {
        &self.state
    }

    /// The present run, if there is one.
    pub(super) fn current(&self) -> Option<Arc<Current>> {
        self.lock().clone()
    }

    /// Makes this the present run, unless there is nothing to run.
    pub(super) fn begin(&self, current: &Arc<Current>) -> Begin {
        let mut running = self.lock();
        if running.is_some() {
            return Begin::IsRunning;
        }
        if self.state.state().is_completed() {
            return Begin::IsCompleted;
        }
        *running = Some(current.clone());
        let change = self.state.replace(TaskState::Running);
        // Announced after unlocking: a waker may look at the wrapper.
        drop(running);
        change.announce();
        Begin::Run
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
        let mut running = self.lock();
        let replaced = running.take();
        let change = self.state.replace(state.clone());
        drop(running);
        drop(replaced);
        // It is empty: each run ends once.
        let _ = current.last.set(state);
        promise.keep(result);
        change.announce();
        current.ended.cancel();
    }
}
