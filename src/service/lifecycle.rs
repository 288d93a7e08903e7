//! What drives a service through its life.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Service;
use super::context::ServiceContext;
use super::error::{ServiceStartError, StartCause};
use super::life::{Deadline, Ended, Life, Progress};
use super::own::own_task;
use super::settings::Settings;
use super::state::{ServicePhase, ServiceState};
use crate::contain::discard;
use crate::run::{BoxError, Cause, RunError};
use crate::seam::Runtime;
use crate::watch::{Change, Watched};

/// A service with its state. The clones of a wrapper share it, and so do its tasks.
pub(super) struct Core<S> {
    pub(super) service: S,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) settings: Settings,
    /// Set under the lock, so that the states come in their order.
    state: Watched<ServiceState>,
    lives: Mutex<Lives>,
}

#[derive(Default)]
struct Lives {
    /// The run that has not ended. There is one unless the state says that it has ended.
    now: Option<Arc<Life>>,
    /// The run that is to follow: a restart.
    next: Option<Arc<Life>>,
}

/// What those who wait are to be told of a run that is to end.
#[derive(Default)]
struct Told {
    state: Option<Change<ServiceState>>,
    deadline: Option<Change<Deadline>>,
}

impl Told {
    fn announce(self, life: &Life) {
        self.state.into_iter().for_each(Change::announce);
        self.deadline.into_iter().for_each(Change::announce);
        life.group.cancel_token().cancel();
    }
}

impl<S: Service> Core<S> {
    pub(super) fn new(service: S, runtime: Arc<dyn Runtime>, settings: Settings) -> Arc<Core<S>> {
        let state = Watched::new(ServiceState::Stopped);
        Arc::new(Core { service, runtime, settings, state, lives: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Lives> {
        // Nothing of the user's runs under the lock, so there is no panic that could poison it.
        self.lives.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn state(&self) -> &Watched<ServiceState> {
        &self.state
    }

    /// The run, while it takes actions.
    pub(super) fn running(&self) -> Result<Arc<Life>, ServiceState> {
        let lives = self.lock();
        match (self.state.get(), &lives.now) {
            (ServiceState::Running, Some(life)) => Ok(life.clone()),
            (state, _) => Err(state),
        }
    }

    /// The run that has not ended.
    pub(super) fn now(&self) -> Option<Arc<Life>> {
        self.lock().now.clone()
    }

    pub(super) fn context(&self, life: &Life) -> ServiceContext {
        ServiceContext::new(self.settings.name.clone(), &self.runtime, &life.group)
    }

    /// The service came to an end that it did not choose.
    pub(super) fn error(&self, cause: Cause) -> RunError {
        RunError::new(format!("service '{}'", self.settings.name), cause)
    }

    /// A method of the service has given an error.
    pub(super) fn failed(&self, method: &str, error: impl Into<BoxError>) -> RunError {
        let subject = format!("`{method}` of service '{}'", self.settings.name);
        RunError::new(subject, Cause::Failed(error.into()))
    }

    /// An action of the service has come to no end, or to a bad one.
    pub(super) fn action_failed(&self, cause: Cause) -> RunError {
        RunError::new(format!("an action of service '{}'", self.settings.name), cause)
    }

    /// Begins a run, or finds one that has begun; `None` if it runs.
    pub(super) fn begin(self: &Arc<Self>) -> Result<Option<Arc<Life>>, ServiceStartError> {
        // Made and dropped without the lock: a group asks the user's spawner and timer.
        let fresh = Arc::new(Life::new(&self.runtime));
        let lives = self.lock();
        let begun = match (self.state.get().phase(), &lives.now) {
            (_, None) => return Ok(Some(self.launch(lives, fresh))),
            (ServicePhase::Running, _) => Ok(None),
            (ServicePhase::Stopping, _) => lives.next.clone().map(Some).ok_or(StartCause::Stopping),
            (_, Some(life)) => Ok(Some(life.clone())),
        };
        drop(lives);
        begun.map_err(|cause| ServiceStartError::new(self.settings.name.clone(), cause))
    }

    fn launch(self: &Arc<Self>, mut lives: MutexGuard<'_, Lives>, life: Arc<Life>) -> Arc<Life> {
        lives.now = Some(life.clone());
        let state = self.state.replace(ServiceState::Starting);
        drop(lives);
        state.announce();
        let driven = Driven { core: self.clone(), life: Some(life.clone()) };
        self.settings.spawn(&self.runtime, "lifecycle", driven.drive()).detach();
        life
    }

    /// Tells the run to end by the deadline, if there is one. None is to follow it.
    pub(super) fn request_stop(&self, deadline: Deadline) -> Option<Arc<Life>> {
        let mut lives = self.lock();
        let next = lives.next.take();
        let told = lives.now.clone().map(|life| (self.tell(&life, deadline), life));
        drop(lives);
        if let Some(next) = next {
            next.progress.set(Progress::Ended(Ended::default()));
        }
        let (told, life) = told?;
        told.announce(&life);
        Some(life)
    }

    /// Tells the run to end by the deadline, if there is one. Gives the run that follows it.
    pub(super) fn request_restart(self: &Arc<Self>, deadline: Deadline) -> Arc<Life> {
        let fresh = Arc::new(Life::new(&self.runtime));
        let mut lives = self.lock();
        let Some(life) = lives.now.clone() else { return self.launch(lives, fresh) };
        let next = lives.next.get_or_insert_with(|| fresh.clone()).clone();
        let told = self.tell(&life, deadline);
        drop(lives);
        told.announce(&life);
        next
    }

    /// Moves the state and the deadline of a run that is to end. Called under the lock.
    fn tell(&self, life: &Life, deadline: Deadline) -> Told {
        let is_told = self.state.get().phase() == ServicePhase::Stopping;
        let state = (!is_told).then(|| self.state.replace(ServiceState::Stopping));
        Told { state, deadline: life.shorten(deadline) }
    }

    /// The start is over. False if the run was told to end meanwhile.
    pub(super) fn started(&self, life: &Life) -> bool {
        let lives = self.lock();
        if self.state.get().phase() != ServicePhase::Starting {
            return false;
        }
        let state = self.state.replace(ServiceState::Running);
        let progress = life.progress.replace(Progress::Running);
        drop(lives);
        state.announce();
        progress.announce();
        true
    }

    /// A run from its start to the end of all that it spawned.
    async fn live(self: &Arc<Self>, life: &Arc<Life>) -> Ended {
        let task = own_task(self.clone(), life.clone());
        let mut task = self.settings.spawn(&life.group, "run", task);
        // It ends by itself, or the token is cancelled: by a stop, by the service, or from above.
        let result = life.group.cancel_token().run_until_cancelled(&mut task).await;
        self.wind_down(life);
        let aborted = life.drain(&*self.runtime).await;
        let result = match result {
            Some(result) => result,
            None => task.await,
        };
        let is_aborted = aborted > 0 || life.deadline() == Deadline::Now;
        let (mut failure, mut in_start) = (None, None);
        match result {
            Ok(own) => (failure, in_start) = (own.failure, own.in_start),
            // One that was refused was aborted before it was begun.
            Err(error) if is_aborted && !error.is_panic() => {}
            Err(error) => failure = Some(self.error(Cause::from(error))),
        }
        let ran = matches!(life.progress.get(), Progress::Running);
        Ended { ran, failure, in_start, aborted }
    }

    /// Tells a run to end that begins to without having been told.
    fn wind_down(&self, life: &Life) {
        let deadline = Deadline::after(self.settings.grace, &*self.runtime);
        let lives = self.lock();
        let told = match life.deadline() {
            Deadline::NotYet => self.tell(life, deadline),
            // A stop has named its own.
            _ => Told::default(),
        };
        drop(lives);
        told.announce(life);
    }

    /// A run has ended, and all that it spawned is gone. Gives the run that is to follow; `None`,
    /// if none can.
    fn end(&self, life: &Life, ended: Ended, can_follow: bool) -> Option<Arc<Life>> {
        let last = match &ended.failure {
            Some(failure) => ServiceState::Failed(failure.clone()),
            None => ServiceState::Stopped,
        };
        let mut lives = self.lock();
        let next = lives.next.take();
        let (next, lost) = if can_follow { (next, None) } else { (None, next) };
        let gone = mem::replace(&mut lives.now, next.clone());
        let state = if next.is_some() { ServiceState::Starting } else { last };
        let state = self.state.replace(state);
        let progress = life.progress.replace(Progress::Ended(ended.clone()));
        drop(lives);
        state.announce();
        progress.announce();
        if let Some(lost) = lost {
            lost.progress.set(Progress::Ended(Ended { ran: false, ..ended }));
        }
        discard(gone);
        next
    }

    /// The task that drives a run is gone before the run has ended.
    fn lose(self: Arc<Self>, life: Arc<Life>) {
        let ran = matches!(life.progress.get(), Progress::Running);
        let failure = Some(self.error(life.why_dropped(&self.runtime)));
        let ended = Ended { ran, failure, ..Ended::default() };
        let lives = self.lock();
        let told = self.tell(&life, Deadline::Now);
        drop(lives);
        told.announce(&life);
        life.abort();
        let group = life.group.clone();
        group.when_empty(move || {
            // None is to follow: its task would be as lost.
            self.end(&life, ended, false);
            // It may be the last to hold the service, whose destructor is the user's.
            discard((life, self));
        });
    }
}

/// The task that drives a service.
struct Driven<S: Service> {
    core: Arc<Core<S>>,
    /// The run that has not ended.
    life: Option<Arc<Life>>,
}

impl<S: Service> Driven<S> {
    async fn drive(mut self) {
        while let Some(life) = self.life.clone() {
            let ended = self.core.live(&life).await;
            self.life = self.core.end(&life, ended, true);
        }
    }
}

impl<S: Service> Drop for Driven<S> {
    fn drop(&mut self) {
        let Some(life) = self.life.take() else { return };
        self.core.clone().lose(life);
    }
}
