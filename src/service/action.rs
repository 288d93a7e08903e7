//! What a service is asked to do while it runs.

use std::fmt;
use std::sync::Arc;

use super::Service;
use super::context::ServiceContext;
use super::life::Life;
use super::lifecycle::Core;
use crate::cancel::CancelToken;
use crate::events::{Emitter, TryEmitError, channel};
use crate::group::{GroupSpawner, TaskGroup};
use crate::origin::Place;
use crate::run::{
    BoxError, Canceller, Cause, Grace, Promise, Run, RunError, RunHandle, promise, run_contained,
    wind_down,
};
use crate::seam::Runtime;
use crate::seam::Timer;

/// What an action is given: a runtime, a token, and where its events go.
///
/// Clones are the same one, and dropping them does nothing.
pub struct ActionContext<E> {
    context: ServiceContext,
    events: Emitter<E>,
}

impl<E> ActionContext<E> {
    /// Tells whoever reads the events of this one, and waits until there is room for it.
    ///
    /// It gives false if nobody will read it, because the [`Events`](crate::Events) were dropped.
    /// That is no reason to stop.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it resolved, the event is dropped, and not emitted.
    pub async fn emit(&self, event: E) -> bool {
        self.events.emit(event).await
    }

    /// Tells whoever reads the events of this one, if there is room for it.
    ///
    /// # Errors
    ///
    /// [`TryEmitError`], with the event, if there is no room or nobody will read it.
    pub fn try_emit(&self, event: E) -> Result<(), TryEmitError<E>> {
        self.events.try_emit(event)
    }

    /// The runtime to spawn on, and to tell the time by.
    ///
    /// What is spawned on it, at whatever depth, and work that blocks belong to the action: they
    /// are gone when its result is there.
    #[must_use]
    pub fn runtime(&self) -> Arc<dyn Runtime> {
        self.context.runtime()
    }

    /// A spawner into the action's own group, as the [runtime](ActionContext::runtime) is.
    #[must_use]
    pub fn spawner(&self) -> GroupSpawner {
        self.context.spawner()
    }

    /// The timer of the runtime.
    #[must_use]
    pub fn timer(&self) -> Arc<dyn Timer> {
        self.context.timer()
    }

    /// What tells the action to stop. It is a child of that of the service.
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
    /// Begins an action of a run that takes them.
    pub(super) fn begin_action(
        self: &Arc<Self>,
        life: &Life,
        place: Place,
        action: S::Action,
    ) -> Run<S::Event, ()> {
        let group = TaskGroup::new(Arc::new(life.group.spawner()));
        let (emitter, events) = channel(self.settings.capacity);
        let (promise, promised) = promise();
        let canceller = Canceller::new(group.cancel_token());
        let handle = RunHandle::new(promised, canceller.clone());
        let due = Due {
            core: self.clone(),
            group,
            events: emitter,
            promise: Some(promise),
            result: None,
        };
        let task = due.act(action, canceller);
        self.settings.spawn_at(place, &life.group, "dispatch", task).detach();
        Run::new(events, handle)
    }
}

/// An action whose result is due.
struct Due<S: Service> {
    core: Arc<Core<S>>,
    /// What it spawns.
    group: TaskGroup,
    events: Emitter<S::Event>,
    promise: Option<Promise<()>>,
    /// `None` as long as the action has none.
    result: Option<Result<(), RunError>>,
}

impl<S: Service> Due<S> {
    async fn act(mut self, action: S::Action, canceller: Canceller) {
        let core = self.core.clone();
        let mut grace = Grace::new(&*core.runtime, core.settings.grace);
        let context = ServiceContext::new(core.settings.name.clone(), &core.runtime, &self.group);
        let cx = ActionContext { context, events: self.events.clone() };
        let action =
            async { core.service.dispatch(action, cx).await.map_err(Into::<BoxError>::into) };
        let ended = run_contained(action, &canceller, &mut grace).await;
        let result = ended.result(canceller.is_cancelled());
        self.result = Some(result.map_err(|cause| core.action_failed(cause)));
        wind_down(&self.group, &mut grace).await;
    }
}

impl<S: Service> Drop for Due<S> {
    fn drop(&mut self) {
        let Some(promise) = self.promise.take() else { return };
        let result = self.result.take().unwrap_or_else(|| {
            // Dropped: with the service, whose token is cancelled then, or by its runtime.
            let cancelled = self.group.cancel_token().is_cancelled();
            let cause = if cancelled { Cause::Cancelled(None) } else { Cause::Shutdown };
            Err(self.core.action_failed(cause))
        });
        let events = self.events.clone();
        // Nothing, if the action was driven to its end.
        self.group.close();
        self.group.cancel_token().cancel();
        self.group.abort_all();
        self.group.when_empty(move || {
            events.close();
            promise.keep(result);
        });
    }
}
