//! What a service is started, stopped and asked by.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::Service;
use super::context::ServiceContext;
use super::error::{
    DispatchError, HealthCause, HealthError, NotReached, ServiceStartError, StartCause, StopError,
};
use super::life::{Deadline, Ended, Life};
use super::lifecycle::Core;
use super::settings::ServiceWrapperBuilder;
use super::state::{ServicePhase, ServiceState};
use crate::group::TaskInfo;
use crate::run::{Cause, Run};
use crate::seam::Runtime;
use crate::time::TimerExt;
use crate::watch::Watch;

/// Runs a [`Service`] on a runtime: starts it, stops it, restarts it, and passes actions on to it.
///
/// Clones are the same service. The service goes from one [state](ServiceState) to the next in a
/// task of its own, so that none of the futures given here has to be awaited to its end.
///
/// # What is left of it
///
/// What the service spawns through its [context](ServiceContext::runtime), its actions and what
/// these spawn belong to one run of the service. When [`stop`](ServiceWrapper::stop) returns, and
/// when the state says that it is stopped or has failed, all of that is gone: its futures have been
/// dropped. A spawner of one run takes nothing once that run has ended, also not while the next
/// one is there.
///
/// # Dropping it
///
/// When the last clone is dropped, the service is aborted, as by a `stop` without a grace period
/// that nobody waits for. A [`Watch`] keeps nothing alive. A service that owns a clone of its own
/// wrapper keeps itself alive.
///
/// # Shutdown of the runtime
///
/// If the runtime drops the service's tasks, or takes none any more, the service is
/// [`Failed`](ServiceState::Failed), and the failure says
/// [`is_shutdown`](crate::RunError::is_shutdown). Whoever waits is told.
///
/// # Examples
///
/// See [`Service`].
pub struct ServiceWrapper<S: Service> {
    owner: Arc<Owner<S>>,
}

/// What the clones of a wrapper share.
struct Owner<S: Service> {
    core: Arc<Core<S>>,
}

impl<S: Service> Drop for Owner<S> {
    fn drop(&mut self) {
        if let Some(life) = self.core.request_stop(Deadline::Now) {
            life.abort();
        }
    }
}

impl<S: Service> ServiceWrapper<S> {
    /// A service on the runtime. It is [`Stopped`](ServiceState::Stopped).
    #[must_use]
    #[track_caller]
    pub fn new(runtime: Arc<dyn Runtime>, service: S) -> ServiceWrapper<S> {
        ServiceWrapper::builder(runtime, service).build()
    }

    /// A service with more than the defaults.
    #[track_caller]
    pub fn builder(runtime: Arc<dyn Runtime>, service: S) -> ServiceWrapperBuilder<S> {
        ServiceWrapperBuilder::new(runtime, service)
    }

    pub(super) fn of(core: Arc<Core<S>>) -> ServiceWrapper<S> {
        ServiceWrapper { owner: Arc::new(Owner { core }) }
    }

    fn core(&self) -> &Arc<Core<S>> {
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

    /// The state as it is now.
    #[must_use]
    pub fn state(&self) -> ServiceState {
        self.core().state().get()
    }

    /// Watches the state.
    #[must_use]
    pub fn watch(&self) -> Watch<ServiceState> {
        self.core().state().watch()
    }

    /// The tasks of the service's present run, with their ages: its own, which is called
    /// `NAME/run`, its actions, called `NAME/dispatch`, and what they have spawned. The oldest are
    /// first.
    #[must_use]
    pub fn tasks(&self) -> Vec<TaskInfo> {
        self.core().now().map_or_else(Vec::new, |life| life.group.tasks())
    }

    /// Starts the service, and waits until it runs.
    ///
    /// It sets the service up where that is needed, and then starts it; the methods and their order
    /// are those of [`Service`]. A service that is starting is joined: all who start it get the
    /// same result. Starting one that runs does nothing.
    ///
    /// # Errors
    ///
    /// [`is_failed`](ServiceStartError::is_failed) if it did not start: one of its methods gave an error or
    /// panicked, or the runtime is shut down. The state is [`Failed`](ServiceState::Failed), and
    /// what was spawned is gone.
    ///
    /// [`is_stopped`](ServiceStartError::is_stopped) if it was stopped meanwhile.
    ///
    /// [`is_stopping`](ServiceStartError::is_stopping) if it was about to stop already, and nothing was
    /// begun. If it is about to restart, that is joined instead.
    ///
    /// # Cancel safety
    ///
    /// Once it was polled, the service goes on to start if this is dropped.
    pub async fn start(&self) -> Result<(), ServiceStartError> {
        match self.core().begin()? {
            Some(life) => self.join_start(&life).await,
            None => Ok(()),
        }
    }

    async fn join_start(&self, life: &Life) -> Result<(), ServiceStartError> {
        let cause = match life.started().await {
            None => return Ok(()),
            Some(Ended { failure: Some(failure), .. }) => StartCause::Failed(failure),
            Some(Ended { in_start, .. }) => StartCause::Stopped(in_start),
        };
        Err(ServiceStartError::new(self.core().settings.name.clone(), cause))
    }

    /// Stops the service, and waits until nothing of it is left.
    ///
    /// When it is first polled, the token of the service is cancelled, and no action is taken any
    /// more. The service and its tasks then have the grace period to end, and may go on to spawn in
    /// it. At its end they are aborted, and waited for. A grace period of zero aborts at once, and
    /// one of [`Duration::MAX`] never. A task that blocks its thread cannot be aborted, and is
    /// waited for.
    ///
    /// Several may stop it at the same time: the grace period that is over first counts, and all get
    /// the same result. A service that is starting is stopped, too, and a [restart](Self::restart)
    /// that is under way ends with that. Stopping one that is stopped, or has failed, does nothing.
    ///
    /// A service must not await its own stop: it would wait for itself. To stop, it returns, or
    /// cancels its token.
    ///
    /// # Errors
    ///
    /// [`is_timeout`](StopError::is_timeout) if something had to be aborted, and
    /// [`is_failed`](StopError::is_failed) if the service failed before it had stopped; then the
    /// state is [`Failed`](ServiceState::Failed). In both cases nothing of it is left.
    ///
    /// # Cancel safety
    ///
    /// Once it was polled, the service goes on to stop, by the same deadline, if this is dropped.
    pub async fn stop(&self, grace: Duration) -> Result<(), StopError> {
        let core = self.core();
        let deadline = Deadline::after(grace, &*core.runtime);
        let Some(life) = core.request_stop(deadline) else { return Ok(()) };
        let Ended { aborted, failure, .. } = life.ended().await;
        if aborted == 0 && failure.is_none() {
            return Ok(());
        }
        Err(StopError::new(core.settings.name.clone(), aborted, failure))
    }

    /// Stops the service as [`stop`](Self::stop) does, starts it again, and waits until it runs.
    ///
    /// It is started again whatever came of the stop. The state goes from
    /// [`Stopping`](ServiceState::Stopping) to [`Starting`](ServiceState::Starting). One that is
    /// stopped, or has failed, is started. Restarting one that is about to restart joins that, and
    /// its grace period counts if it is over first.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start): [`is_stopped`](ServiceStartError::is_stopped) if somebody stopped it
    /// before it ran again.
    ///
    /// # Cancel safety
    ///
    /// Once it was polled, the service goes on to restart if this is dropped.
    pub async fn restart(&self, grace: Duration) -> Result<(), ServiceStartError> {
        let core = self.core();
        let life = core.request_restart(Deadline::after(grace, &*core.runtime));
        self.join_start(&life).await
    }

    /// Waits for the service to be in a state, and gives that; it may be the present one.
    ///
    /// It does nothing to the service: somebody else has to start or stop it. A state that lasts for
    /// a moment only may be missed. A timeout of [`Duration::MAX`] is none.
    ///
    /// # Errors
    ///
    /// [`NotReached`] at the end of the timeout, with the state that it is in then.
    ///
    /// # Panics
    ///
    /// As [`Timer::sleep`](crate::Timer::sleep), and, as any wait on a tokio runtime's timer, if that is
    /// shut down meanwhile.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: waiting again is the same as having waited on.
    pub async fn wait_for(
        &self,
        phase: ServicePhase,
        timeout: Duration,
    ) -> Result<ServiceState, NotReached> {
        let mut watch = self.watch();
        let reached = watch.wait_for(|state| state.phase() == phase);
        // Whatever came of the wait: what counts is where the service is now.
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

    /// Asks the service whether it is healthy; see [`Service::check_health`].
    ///
    /// A panic of the check is an error here, and the service runs on. A timeout of
    /// [`Duration::MAX`] is none.
    ///
    /// # Errors
    ///
    /// [`HealthError`] if the service does not run, does not answer in time, or is not healthy.
    ///
    /// # Panics
    ///
    /// As [`Timer::sleep`](crate::Timer::sleep).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future, and the end of the timeout, abort the check.
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

    /// Passes an action on to the service, and gives its events and its result.
    ///
    /// The action is a task of its own in the service's run: see [`Service::dispatch`]. Its result
    /// is there when it has ended and all that it spawned is gone; a panic is an error of its own,
    /// and the service runs on. Dropping the [`Run`] stops nothing.
    ///
    /// When the service stops, the action's token is cancelled, and at the end of the grace period it
    /// is aborted, as the service is; its result then says
    /// [`is_cancelled`](crate::RunError::is_cancelled).
    ///
    /// # Errors
    ///
    /// [`DispatchError`], with the action, if the service does not run. Nothing was begun.
    #[track_caller]
    pub fn dispatch(
        &self,
        action: S::Action,
    ) -> Result<Run<S::Event, ()>, DispatchError<S::Action>> {
        let core = self.core();
        match core.running() {
            Ok(life) => Ok(core.begin_action(&life, Location::caller(), action)),
            Err(state) => Err(DispatchError::new(core.settings.name.clone(), state, action)),
        }
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
