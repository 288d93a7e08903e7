//! The context of a running job.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::services::events::{Emitter, TryEmitError};
use crate::{CancelToken, GroupSpawner, Runtime, TaskGroup, Timer};

/// The context of a running job: it emits events, carries the job's token, and has a runtime.
///
/// Clones share the context, for the tasks that the job spawns. A context that outlives its job emits
/// and spawns nothing any more.
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
        let runtime = group.runtime(runtime);
        TaskContext { inner: Arc::new(Inner { name, emitter, token, spawner, runtime }) }
    }

    /// Emits an event, once there is room for it in the channel.
    ///
    /// Waiting emitters get room in the order in which they began to wait. Returns whether the event
    /// was emitted: `false` if the [`Events`](crate::services::Events) were dropped, in which case it
    /// does not wait and drops the event. A job may ignore this: it runs on without a reader.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the event, which is not emitted, and passes its turn to the next
    /// emitter. A future that has begun to wait keeps its turn even if it is not polled.
    pub fn emit(&self, event: E) -> impl Future<Output = bool> + Send
    where
        E: Send,
    {
        self.inner.emitter.emit(event)
    }

    /// Emits an event if there is room for it now.
    ///
    /// # Errors
    ///
    /// [`TryEmitError`], with the event, if the channel is full or closed.
    pub fn try_emit(&self, event: E) -> Result<(), TryEmitError<E>> {
        self.inner.emitter.try_emit(event)
    }

    /// The token that requests the end of the job.
    ///
    /// It is cancelled by [`TaskWrapper::cancel`](crate::services::TaskWrapper::cancel) and
    /// [`RunHandle::cancel`](crate::services::RunHandle::cancel), with the group that the job was
    /// started in, if there is one, and when the job has ended. A job that ends after that counts as
    /// cancelled, even if it returns `Ok`; so a job may also cancel itself.
    #[must_use]
    pub fn cancel_token(&self) -> CancelToken {
        self.inner.token.clone()
    }

    /// A spawner into the job's own group: its tasks end with the job.
    ///
    /// When the job ends, the [token](TaskContext::cancel_token) of its tasks is cancelled, and those
    /// that are left at the end of the grace period are aborted. The state says that the job has
    /// ended once all of them are dropped.
    #[must_use]
    pub fn spawner(&self) -> GroupSpawner {
        self.inner.spawner.clone()
    }

    /// The timer of the runtime that the job runs on.
    #[must_use]
    pub fn timer(&self) -> Arc<dyn Timer> {
        self.inner.runtime.clone()
    }

    /// The runtime that the job runs on, to be passed to the parts of the job.
    ///
    /// Its tasks are in the job's own group, as with the [`spawner`](TaskContext::spawner). So is its
    /// blocking work, which cannot be aborted once it has begun, and is waited for.
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
