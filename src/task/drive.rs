//! Running a job, and what has to happen when it ends, however that is.

use std::sync::{Arc, OnceLock};

use super::Task;
use super::context::TaskContext;
use super::state::{Outcome, TaskState};
use super::wrapper::Shared;
use crate::backend;
use crate::cancel::CancelToken;
use crate::contain::discard;
use crate::events::Emitter;
use crate::group::TaskGroup;
use crate::run::{Canceller, Cause, Grace, Promise, RunError, run_contained, wind_down};

/// The run that there is.
pub(super) struct Current {
    pub(super) canceller: Canceller,
    /// Cancelled when the run has ended.
    pub(super) ended: CancelToken,
    /// The state that it ended with.
    pub(super) how: OnceLock<TaskState>,
}

/// A job that was not polled yet. Its parts are dropped in this order.
pub(super) struct Start<K: Task> {
    pub(super) action: K::Action,
    pub(super) cx: TaskContext<K::Event>,
    pub(super) ending: Ending<K>,
}

/// Ends a run when it is dropped: by itself, or because its runtime drops it.
pub(super) struct Ending<K: Task> {
    pub(super) shared: Arc<Shared<K>>,
    pub(super) current: Arc<Current>,
    pub(super) group: TaskGroup,
    pub(super) emitter: Emitter<K::Event>,
    pub(super) promise: Option<Promise<Outcome<K::Output>>>,
    /// `None` as long as the job has none.
    pub(super) result: Option<Result<Outcome<K::Output>, RunError>>,
    /// How often what is around the job had been aborted when it was spawned.
    pub(super) aborts: u64,
}

/// Runs the job to its end, and then brings what it has spawned to an end.
pub(super) async fn drive<K: Task>(start: Start<K>) {
    let Start { action, cx, mut ending } = start;
    let (shared, current) = (ending.shared.clone(), ending.current.clone());
    let mut grace = Grace::new(&*shared.runtime, shared.options.grace);
    let job = async {
        if shared.task.is_completed(&action, &cx).await.map_err(Into::into)? {
            return Ok(Outcome::AlreadyCompleted);
        }
        let output = shared.task.run(action, cx).await.map_err(Into::into)?;
        Ok(Outcome::Completed(output))
    };
    let ended = run_contained(job, &current.canceller, &mut grace).await;
    let cancelled = current.canceller.is_cancelled();
    ending.result = Some(ended.result(cancelled).map_err(|cause| shared.error(cause)));
    wind_down(&ending.group, &mut grace).await;
}

impl<K: Task> Drop for Ending<K> {
    fn drop(&mut self) {
        let Some(promise) = self.promise.take() else { return };
        let Ending { shared, current, emitter, .. } = &*self;
        let (shared, current, emitter) = (shared.clone(), current.clone(), emitter.clone());
        let result = self.result.take().unwrap_or_else(|| {
            // Dropped by its runtime. Only groups abort it, so without them it was a shutdown.
            let aborted = backend::aborts_of(&*shared.runtime) != self.aborts;
            let cancelled = aborted || current.canceller.is_cancelled();
            Err(shared.error(if cancelled { Cause::Cancelled(None) } else { Cause::Shutdown }))
        });
        // Nothing, if the job was driven to its end.
        self.group.close();
        self.group.cancel_token().cancel();
        self.group.abort_all();
        self.group.when_empty(move || {
            emitter.close();
            shared.end(&current, promise, result);
            // It may be the last to hold the task, whose destructor is the user's.
            discard(shared);
        });
    }
}
