//! The actions of a running service.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::Service;
use super::context::ServiceContext;
use super::core::Core;
use super::life::Life;
use crate::services::contain::discard;
use crate::services::events::{Emitter, TryEmitError, channel};
use crate::services::run::{BoxError, Canceller, Run, RunHandle, Work, promise};
use crate::{CancelToken, GroupSpawner, Runtime, SpawnMeta, TaskGroup, Timer};

/// The context of a running action: it emits events, carries the action's token, and has a runtime.
///
/// Clones share the context, and dropping them does nothing.
pub struct ActionContext<E> {
    context: ServiceContext,
    events: Emitter<E>,
}

impl<E> ActionContext<E> {
    /// Emits an event, once there is room for it in the channel.
    ///
    /// Returns whether the event was emitted: `false` if the [`Events`](crate::services::Events) were
    /// dropped. An action may ignore this: it runs on without a reader.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it resolves drops the event, which is not emitted.
    pub async fn emit(&self, event: E) -> bool {
        self.events.emit(event).await
    }

    /// Emits an event if there is room for it now.
    ///
    /// # Errors
    ///
    /// [`TryEmitError`], with the event, if the channel is full or closed.
    pub fn try_emit(&self, event: E) -> Result<(), TryEmitError<E>> {
        self.events.try_emit(event)
    }

    /// The runtime of the action, with its timer.
    ///
    /// Tasks spawned on it, at any depth, and its blocking work belong to the action: they are gone
    /// when its result is available.
    #[must_use]
    pub fn runtime(&self) -> Arc<dyn Runtime> {
        self.context.runtime()
    }

    /// A spawner into the action's own group, like the [runtime](ActionContext::runtime).
    #[must_use]
    pub fn spawner(&self) -> GroupSpawner {
        self.context.spawner()
    }

    /// The timer of the runtime.
    #[must_use]
    pub fn timer(&self) -> Arc<dyn Timer> {
        self.context.timer()
    }

    /// The token that requests the end of the action. It is a child of the service's token.
    #[must_use]
    pub fn cancel_token(&self) -> CancelToken {
        self.context.cancel_token()
    }

    /// The name of the service.
    #[must_use]
    pub fn service(&self) -> &str {
        self.context.name()
    }
}

impl<E> Clone for ActionContext<E> {
    fn clone(&self) -> ActionContext<E> {
        ActionContext { context: self.context.clone(), events: self.events.clone() }
    }
}

impl<E> fmt::Debug for ActionContext<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActionContext")
            .field("service", &self.service())
            .field("is_cancelled", &self.cancel_token().is_cancelled())
            .finish_non_exhaustive()
    }
}

impl<S: Service> Core<S> {
    /// Begins an action of a run that takes them, spawned at the location.
    pub(super) fn begin_action(
        self: &Arc<Self>,
        life: &Life,
        location: &'static Location<'static>,
        action: S::Action,
    ) -> Run<S::Event, ()> {
        let group = TaskGroup::new(Arc::new(life.group.spawner()));
        let (emitter, events) = channel(self.settings.capacity);
        let (promise, promised) = promise();
        let canceller = Canceller::new(group.cancel_token());
        let handle = RunHandle::new(promised, canceller.clone());

        let context = ServiceContext::new(self.settings.name.clone(), &self.runtime, &group);
        let cx = ActionContext { context, events: emitter.clone() };
        let core = self.clone();
        let action =
            async move { core.service.dispatch(action, cx).await.map_err(Into::<BoxError>::into) };
        let core = self.clone();
        let finish = move |result: Result<(), _>| {
            emitter.close();
            promise.keep(result.map_err(|cause| core.action_failed(cause)));
            // It may be the last to hold the service, whose destructor is user code.
            discard(core);
        };
        let name = self.settings.task_name("dispatch");
        let meta = SpawnMeta::new().at(location).with_name(&name);
        let (runtime, grace) = (self.runtime.clone(), self.settings.grace);
        let work = Work { group, canceller, runtime, grace };
        work.spawn(Arc::new(life.group.spawner()), meta, action, finish);
        Run::new(events, handle)
    }
}
