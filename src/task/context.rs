//! What a job is given.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::cancel::CancelToken;
use crate::events::{Emitter, TryEmitError};
use crate::group::{GroupSpawner, Scope, TaskGroup};
use crate::seam::Runtime;
use crate::seam::Timer;

/// What a running job has: where its events go, what tells it to end, and a runtime.
///
/// Clones are the same context, for what the job spawns. A context that outlives its job is of no
/// use: nothing is emitted or spawned by it any more.
pub struct TaskContext<E> {
    inner: Arc<Inner<E>>,
}

struct Inner<E> {
    name: String,
    emitter: Emitter<E>,
    token: CancelToken,
    spawner: GroupSpawner,
    runtime: Arc<dyn Runtime>,
}

impl<E> TaskContext<E> {
    pub(super) fn new(
        name: String,
        emitter: Emitter<E>,
        group: &TaskGroup,
        runtime: Arc<dyn Runtime>,
    ) -> TaskContext<E> {
        let (token, spawner) = (group.cancel_token(), group.spawner());
        let runtime: Arc<dyn Runtime> = Arc::new(Scope::new(runtime, group));
        TaskContext { inner: Arc::new(Inner { name, emitter, token, spawner, runtime }) }
    }

    /// Emits an event, when there is room for it.
    ///
    /// It waits for whoever reads the events. Those who wait get room in the order in which they
    /// began to. It gives whether the event is on its way: `false` if the stream of events was
    /// dropped, and then it does not wait and the event is dropped. A job need not look: one that
    /// nobody listens to goes on.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the event, which was not emitted, and leaves its turn to the next
    /// one. A future that has begun to wait, and is kept without being polled, keeps its turn.
    pub fn emit(&self, event: E) -> impl Future<Output = bool> + Send
    where
        E: Send,
    {
        self.inner.emitter.emit(event)
    }

    /// Emits an event, if there is room for it now.
    ///
    /// # Errors
    ///
    /// [`TryEmitError`] if there is no room, or nobody who listens. It has the event.
    pub fn try_emit(&self, event: E) -> Result<(), TryEmitError<E>> {
        self.inner.emitter.try_emit(event)
    }

    /// What tells the job that it should come to an end.
    ///
    /// It is cancelled by [`TaskWrapper::cancel`](crate::TaskWrapper::cancel) and
    /// [`RunHandle::cancel`](crate::RunHandle::cancel), with the group that the job was started in,
    /// if there is one, and when the job has ended. A job that ends after it was cancelled has not
    /// completed, whatever it gives; so a job may also cancel itself.
    #[must_use]
    pub fn cancel_token(&self) -> CancelToken {
        self.inner.token.clone()
    }

    /// A spawner into the job's own group: what it spawns ends with the job.
    ///
    /// Before the state says that the job has ended, its tasks are told to by the
    /// [token](TaskContext::cancel_token), aborted when the grace period is over, and waited for.
    #[must_use]
    pub fn spawner(&self) -> GroupSpawner {
        self.inner.spawner.clone()
    }

    /// The timer of the runtime that the job runs on.
    #[must_use]
    pub fn timer(&self) -> Arc<dyn Timer> {
        self.inner.runtime.clone()
    }

    /// The runtime that the job runs on, to hand on to what the job is made of.
    ///
    /// What it spawns is in the job's own group, as with the [`spawner`](TaskContext::spawner), and
    /// so is its blocking work, which cannot be aborted once it has begun, and is waited for.
    #[must_use]
    pub fn runtime(&self) -> Arc<dyn Runtime> {
        self.inner.runtime.clone()
    }

    /// The name of the job.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }
}

impl<E> Clone for TaskContext<E> {
    fn clone(&self) -> TaskContext<E> {
        TaskContext { inner: self.inner.clone() }
    }
}

impl<E> fmt::Debug for TaskContext<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskContext").field("name", &self.name()).finish_non_exhaustive()
    }
}
