//! The wrapper that runs a service.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::Service;
use super::builder::ServiceWrapperBuilder;
use super::context::ServiceContext;
use super::core::{Core, IsStopping};
use super::error::{
    DispatchError, HealthCause, HealthError, NotReached, ServiceStartError, StartCause, StopError,
};
use super::life::{Deadline, Goal, Life, LifeEnd};
use super::state::{ServicePhase, ServiceState};
use crate::services::run::{Cause, Run};
use crate::{Runtime, TaskInfo, TimerExt, Watch};

/// Runs a [`Service`] on a runtime: starts, stops and restarts it, and dispatches its actions.
///
/// Clones share the service. A task of its own takes the service from one [state](ServiceState) to the
/// next, so none of the futures returned here needs to be awaited to its end.
///
/// # The tasks of a service
///
/// Tasks that the service spawns through its [context](ServiceContext::runtime), its actions, and
/// their tasks belong to one run of the service. When [`stop`](ServiceWrapper::stop) returns, and when
/// the state says that the service is stopped or has failed, all of their futures have been dropped.
/// A spawner of one run refuses tasks once that run has ended, even while the next run is under way.
///
/// Actions that were [accepted while it did not run](super::Accepts::Always) belong to no run: only the future of
/// `stop` waits for them. A question, [`is_set_up`](ServiceWrapper::is_set_up), has tasks of its own.
///
/// # Dropping it
///
/// When the last clone is dropped, the service is aborted, as by a `stop` with a grace period of
/// zero, without waiting for it. A [`Watch`] keeps nothing alive. A service that owns a clone of its
/// own wrapper keeps itself alive.
///
/// # Shutdown of the runtime
///
/// If the runtime drops the service's tasks or refuses them, the service is
/// [`Failed`](ServiceState::Failed) with [`is_shutdown`](crate::services::RunError::is_shutdown), and
/// all pending calls return.
///
/// # Examples
///
/// See [`Service`].
pub struct ServiceWrapper<S: Service> {
    owner: Arc<Owner<S>>,
}

/// Shared by the clones of a wrapper, and dropped with the last.
struct Owner<S: Service> {
    core: Arc<Core<S>>,
}

impl<S: Service> Drop for Owner<S> {
    fn drop(&mut self) {
        if let Some(life) = self.core.request_stop(Deadline::Now) {
            life.abort();
        }
        self.core.abort_actions();
    }
}

impl<S: Service> ServiceWrapper<S> {
    /// Wraps a service, to run on the runtime. It is [`Stopped`](ServiceState::Stopped).
    #[must_use]
    #[track_caller]
    pub fn new(runtime: Arc<dyn Runtime>, service: S) -> ServiceWrapper<S> {
        ServiceWrapper::builder(runtime, service).build()
    }

    /// Wraps a service with options.
    #[track_caller]
    pub fn builder(runtime: Arc<dyn Runtime>, service: S) -> ServiceWrapperBuilder<S> {
        ServiceWrapperBuilder::new(runtime, service)
    }

    pub(super) fn core(&self) -> &Arc<Core<S>> {
        &self.owner.core
    }

    /// The name of the service.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.core().settings.name
    }

    /// The service itself.
    #[must_use]
    pub fn service(&self) -> &S {
        &self.core().service
    }

    /// The present state.
    #[must_use]
    pub fn state(&self) -> ServiceState {
        self.core().state().state()
    }

    /// Watches the state.
    #[must_use]
    pub fn watch(&self) -> Watch<ServiceState> {
        self.core().state().watch()
    }

    /// The tasks of the service's present run, with their ages, the oldest first: its own, named
    /// `NAME/run`, its actions, named `NAME/dispatch`, and the tasks that these have spawned. Actions
    /// that were accepted before the run follow.
    #[must_use]
    pub fn tasks(&self) -> Vec<TaskInfo> {
        self.core().present().flat_map(|life| life.group.tasks()).collect()
    }

    /// Starts the service, and waits until it runs.
    ///
    /// Sets the service up if needed, and then starts it; see [`Service`] for the methods and their
    /// order. A start that is under way is joined: all callers get the same result. Starting a
    /// running service does nothing. A [set-up](Self::set_up) that is under way is waited for; if it
    /// fails, so does the start.
    ///
    /// # Errors
    ///
    /// [`is_failed`](ServiceStartError::is_failed) if one of its methods returned an error or
    /// panicked, or the runtime was shut down. The state is [`Failed`](ServiceState::Failed), and all
    /// tasks are gone.
    ///
    /// [`is_stopped`](ServiceStartError::is_stopped) if it was stopped meanwhile.
    ///
    /// [`is_stopping`](ServiceStartError::is_stopping) if it was already stopping, so that it was not
    /// started. A restart that is under way is joined instead.
    ///
    /// [`is_set_up_required`](ServiceStartError::is_set_up_required) if it has to be set up first, and
    /// a start [does not](ServiceWrapperBuilder::set_up_on_start) do that.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future after its first poll does not stop the start.
    pub async fn start(&self) -> Result<(), ServiceStartError> {
        match self.core().start(Goal::Run) {
            Ok(Some(life)) => self.join_start(&life).await,
            Ok(None) => Ok(()),
            Err(IsStopping) => Err(self.start_error(StartCause::Stopping)),
        }
    }

    fn start_error(&self, cause: StartCause) -> ServiceStartError {
        ServiceStartError::new(self.core().settings.name.clone(), cause)
    }

    async fn join_start(&self, life: &Life) -> Result<(), ServiceStartError> {
        let cause = match life.started().await {
            None => return Ok(()),
            Some(LifeEnd { failure: Some(failure), .. }) => StartCause::Failed(failure),
            Some(LifeEnd { is_refused: true, .. }) => StartCause::SetUpRequired,
            Some(LifeEnd { in_start, .. }) => StartCause::Stopped(in_start),
        };
        Err(self.start_error(cause))
    }

    /// Stops the service, and waits until all of its tasks are gone.
    ///
    /// The first poll cancels the token of the service; from then on it accepts no actions, until it
    /// has stopped. The service and its tasks have the grace period to end, and may spawn further tasks in it. At its
    /// end they are aborted, and waited for. A grace period of zero aborts at once, and
    /// [`Duration::MAX`] never does. A task that blocks its thread cannot be aborted, and is waited
    /// for.
    ///
    /// Concurrent stops share the end: the earliest deadline counts, and all callers get the same
    /// result. A start, a [restart](Self::restart) or a [set-up](Self::set_up) that is under way is
    /// stopped, too, and so are actions that were
    /// [accepted while the service did not run](crate::services::Accepts::Always). Otherwise, stopping
    /// a service that is stopped or has failed does nothing.
    ///
    /// A service must not await its own stop: it would wait for itself. To stop itself, it returns or
    /// cancels its token.
    ///
    /// # Errors
    ///
    /// [`is_timeout`](StopError::is_timeout) if tasks had to be aborted, and
    /// [`is_failed`](StopError::is_failed) if the service failed before it stopped; the state is then
    /// [`Failed`](ServiceState::Failed). In both cases all of its tasks are gone.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future after its first poll does not withdraw the stop or its deadline.
    pub async fn stop(&self, grace: Duration) -> Result<(), StopError> {
        let core = self.core();
        let deadline = Deadline::after(grace, &*core.runtime);
        let (life, actions) = (core.request_stop(deadline), core.end_actions(deadline));
        let (mut aborted, mut failure) = (0, None);
        if let Some(life) = life {
            let end = life.ended().await;
            (aborted, failure) = (end.aborted, end.failure);
        }
        if let Some(actions) = actions {
            aborted += actions.ended().await.aborted;
        }
        if aborted == 0 && failure.is_none() {
            return Ok(());
        }
        Err(StopError::new(core.settings.name.clone(), aborted, failure))
    }

    /// Stops the service like [`stop`](Self::stop), starts it again, and waits until it runs.
    ///
    /// It is started again even if stopping failed. The state goes from
    /// [`Stopping`](ServiceState::Stopping) to [`Starting`](ServiceState::Starting). A service that
    /// is stopped or has failed is started. A restart that is under way is joined; the earliest
    /// deadline counts. Actions that were accepted while the service did not run continue.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start): [`is_stopped`](ServiceStartError::is_stopped) if it was stopped
    /// before it ran again.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future after its first poll does not stop the restart.
    pub async fn restart(&self, grace: Duration) -> Result<(), ServiceStartError> {
        let core = self.core();
        let life = core.restart(Deadline::after(grace, &*core.runtime));
        self.join_start(&life).await
    }

    /// Waits until the service is in a phase, and returns its state; that may be the present one.
    ///
    /// This only observes the service. A short-lived phase may be missed, and a service that has ended may be
    /// `Stopped`, `SetupRequired` or `Failed`: for any of them, use [`watch`](ServiceWrapper::watch) and
    /// [`ServiceState::is_ended`]. A timeout of [`Duration::MAX`] never elapses.
    ///
    /// # Errors
    ///
    /// [`NotReached`] when the timeout elapses, with the state at that moment.
    ///
    /// # Panics
    ///
    /// As [`Timer::sleep`](crate::Timer::sleep); also if the timer's tokio runtime is shut down
    /// meanwhile.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: calling it again continues the wait.
    pub async fn wait_for(
        &self,
        phase: ServicePhase,
        timeout: Duration,
    ) -> Result<ServiceState, NotReached> {
        let mut watch = self.watch();
        let reached = watch.wait_for(|state| state.phase() == phase);
        // The present state counts, even if the wait timed out.
        let state = match self.core().runtime.timeout(timeout, reached).await {
            Ok(Some(state)) => state,
            _ => self.state(),
        };
        if state.phase() == phase {
            return Ok(state);
        }
        let name = self.core().settings.name.clone();
        Err(NotReached::new(name, phase, timeout, state))
    }

    /// Runs the health check of the service; see [`Service::check_health`].
    ///
    /// A panic in the check is returned as an error, and the service continues. A timeout of
    /// [`Duration::MAX`] never elapses.
    ///
    /// # Errors
    ///
    /// [`HealthError`] if the service is not running, is unhealthy, or the timeout elapses.
    ///
    /// # Panics
    ///
    /// As [`Timer::sleep`](crate::Timer::sleep).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the check, and so does the timeout.
    pub async fn check_health(&self, timeout: Duration) -> Result<(), HealthError> {
        let core = self.core();
        let cause = match core.running() {
            Err(state) => HealthCause::NotRunning(state),
            Ok(life) => {
                let check = check_health(core.clone(), core.context(&life));
                let check = core.settings.spawn(&life.group, "check_health", check);
                drop(life);
                match core.runtime.timeout(timeout, check.abort_on_drop()).await {
                    Ok(Ok(Ok(()))) => return Ok(()),
                    Ok(Ok(Err(error))) => HealthCause::Failed(core.failed("check_health", error)),
                    Ok(Err(error)) => HealthCause::Failed(core.error(Cause::from(error))),
                    Err(_) => HealthCause::Timeout(timeout),
                }
            }
        };
        Err(HealthError::new(core.settings.name.clone(), cause))
    }

    /// Dispatches an action to the service, and returns its events and its future result.
    ///
    /// The action is a task of its own in the service's run; see [`Service::dispatch`]. Its result is
    /// available once it has ended and all of its tasks are gone. A panic is returned as an error,
    /// and the service continues. Dropping the [`Run`] stops nothing.
    ///
    /// When the service stops, the action's token is cancelled. The action is aborted at the end of
    /// the grace period, like the service, and its result is then
    /// [`is_cancelled`](crate::services::RunError::is_cancelled).
    ///
    /// # Errors
    ///
    /// [`DispatchError`], with the action, if the service is not running, and does not
    /// [accept](Service::accepts) actions otherwise.
    #[track_caller]
    pub fn dispatch(
        &self,
        action: S::Action,
    ) -> Result<Run<S::Event, ()>, DispatchError<S::Action>> {
        let core = self.core();
        match core.accepting() {
            Ok(life) => Ok(core.begin_action(&life, Location::caller(), action)),
            Err(state) => Err(DispatchError::new(core.settings.name.clone(), state, action)),
        }
    }
}

impl<S: Service> ServiceWrapperBuilder<S> {
    /// Builds the wrapper. The service is not started.
    #[must_use]
    pub fn build(self) -> ServiceWrapper<S> {
        ServiceWrapper { owner: Arc::new(Owner { core: self.into_core() }) }
    }
}

async fn check_health<S: Service>(core: Arc<Core<S>>, cx: ServiceContext) -> Result<(), S::Error> {
    core.service.check_health(&cx).await
}

impl<S: Service> Clone for ServiceWrapper<S> {
    fn clone(&self) -> ServiceWrapper<S> {
        ServiceWrapper { owner: self.owner.clone() }
    }
}

impl<S: Service> fmt::Debug for ServiceWrapper<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceWrapper")
            .field("name", &self.name())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
