//! The state of a service, and its transitions.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};

use super::Service;
use super::context::ServiceContext;
use super::error::{ServiceStartError, StartCause};
use super::life::{Deadline, Life, LifeEnd, Progress};
use super::settings::Settings;
use super::state::{ServicePhase, ServiceState};
use crate::services::contain::{discard, lock};
use crate::services::run::{BoxError, Cause, RunError};
use crate::{Runtime, WatchChange, WatchSender};

/// A service with its state. The clones of a wrapper share it, and so do its tasks.
pub(super) struct Core<S> {
    pub(super) service: S,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) settings: Settings,
    /// Set under the lock of `lives`, so that the states come in their order.
    state: WatchSender<ServiceState>,
    lives: Mutex<Lives>,
}

#[derive(Default)]
struct Lives {
    /// The run that has not ended. There is one unless the state says that it has ended.
    now: Option<Arc<Life>>,
    /// The run that is to follow: a restart.
    next: Option<Arc<Life>>,
}

/// A run that a start waits for.
pub(super) enum Begun {
    /// It is new: the task that drives it is to be spawned.
    New(Arc<Life>),
    /// It had begun before.
    Joined(Arc<Life>),
}

/// The changes that a request to end makes, to be announced after unlocking.
#[derive(Default)]
struct Told {
    state: Option<WatchChange<ServiceState>>,
    deadline: Option<WatchChange<Deadline>>,
}

impl Told {
    fn announce(self, life: &Life) {
        self.state.into_iter().for_each(WatchChange::announce);
        self.deadline.into_iter().for_each(WatchChange::announce);
        life.group.cancel_token().cancel();
    }
}

impl<S: Service> Core<S> {
    pub(super) fn new(service: S, runtime: Arc<dyn Runtime>, settings: Settings) -> Arc<Core<S>> {
        let state = WatchSender::new(ServiceState::Stopped);
        Arc::new(Core { service, runtime, settings, state, lives: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Lives> {
        lock(&self.lives)
    }

    pub(super) fn state(&self) -> &WatchSender<ServiceState> {
        &self.state
    }

    /// The run, while it takes actions.
    pub(super) fn running(&self) -> Result<Arc<Life>, ServiceState> {
        let lives = self.lock();
        match (self.state.state(), &lives.now) {
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

    /// The service ended without returning.
    pub(super) fn error(&self, cause: Cause) -> RunError {
        RunError::new(format!("service '{}'", self.settings.name), cause)
    }

    /// A method of the service returned an error.
    pub(super) fn failed(&self, method: &str, error: impl Into<BoxError>) -> RunError {
        let subject = format!("`{method}` of service '{}'", self.settings.name);
        RunError::new(subject, Cause::Failed(error.into()))
    }

    /// An action of the service failed.
    pub(super) fn action_failed(&self, cause: Cause) -> RunError {
        RunError::new(format!("an action of service '{}'", self.settings.name), cause)
    }

    /// Begins a run, or finds the one that has begun; `None` if the service is running.
    pub(super) fn begin(&self) -> Result<Option<Begun>, ServiceStartError> {
        // Made and dropped without the lock: a group calls the user's spawner and timer.
        let fresh = Arc::new(Life::new(&self.runtime));
        let lives = self.lock();
        let begun = match (self.state.state().phase(), &lives.now) {
            (_, None) => Ok(Some(Begun::New(self.launch(lives, fresh)))),
            (ServicePhase::Running, _) => Ok(None),
            (ServicePhase::Stopping, _) => {
                let next = lives.next.clone();
                drop(lives);
                next.map(|next| Some(Begun::Joined(next))).ok_or(StartCause::Stopping)
            }
            (_, Some(life)) => Ok(Some(Begun::Joined(life.clone()))),
        };
        begun.map_err(|cause| ServiceStartError::new(self.settings.name.clone(), cause))
    }

    fn launch(&self, mut lives: MutexGuard<'_, Lives>, life: Arc<Life>) -> Arc<Life> {
        lives.now = Some(life.clone());
        let state = self.state.replace(ServiceState::Starting);
        drop(lives);
        state.announce();
        life
    }

    /// Requests that the run end by the deadline, if there is one, and that none follow it.
    pub(super) fn request_stop(&self, deadline: Deadline) -> Option<Arc<Life>> {
        let mut lives = self.lock();
        let next = lives.next.take();
        let told = lives.now.clone().map(|life| (self.tell(&life, deadline), life));
        drop(lives);
        if let Some(next) = next {
            next.progress.set(Progress::Ended(LifeEnd::default()));
        }
        let (told, life) = told?;
        told.announce(&life);
        Some(life)
    }

    /// Requests that the run end by the deadline, if there is one, and that another follow it.
    pub(super) fn request_restart(&self, deadline: Deadline) -> Begun {
        let fresh = Arc::new(Life::new(&self.runtime));
        let mut lives = self.lock();
        let Some(life) = lives.now.clone() else { return Begun::New(self.launch(lives, fresh)) };
        let next = lives.next.get_or_insert_with(|| fresh.clone()).clone();
        let told = self.tell(&life, deadline);
        drop(lives);
        told.announce(&life);
        Begun::Joined(next)
    }

    /// Sets the state and the deadline of a run that is to end. Called under the lock.
    fn tell(&self, life: &Life, deadline: Deadline) -> Told {
        let is_told = self.state.state().phase() == ServicePhase::Stopping;
        let state = (!is_told).then(|| self.state.replace(ServiceState::Stopping));
        Told { state, deadline: life.shorten(deadline) }
    }

    /// The service has started. False if the run was told to end meanwhile.
    pub(super) fn started(&self, life: &Life) -> bool {
        let lives = self.lock();
        if self.state.state().phase() != ServicePhase::Starting {
            return false;
        }
        let state = self.state.replace(ServiceState::Running);
        let progress = life.progress.replace(Progress::Running);
        drop(lives);
        state.announce();
        progress.announce();
        true
    }

    /// A run begins to end. If nobody has requested it, sets the deadline.
    pub(super) fn wind_down(&self, life: &Life) {
        let deadline = Deadline::after(self.settings.grace, &*self.runtime);
        let lives = self.lock();
        let told = match life.deadline() {
            Deadline::NotYet => self.tell(life, deadline),
            // A stop has set its own.
            _ => Told::default(),
        };
        drop(lives);
        told.announce(life);
    }

    /// Aborts a run whose driving task is gone.
    pub(super) fn abort(&self, life: &Life) {
        let lives = self.lock();
        let told = self.tell(life, Deadline::Now);
        drop(lives);
        told.announce(life);
        life.abort();
    }

    /// A run has ended, and its tasks are gone. Returns the run that is to follow, if one can.
    pub(super) fn end(&self, life: &Life, end: LifeEnd, can_follow: bool) -> Option<Arc<Life>> {
        let last = match &end.failure {
            Some(failure) => ServiceState::Failed(failure.clone()),
            None => ServiceState::Stopped,
        };
        let mut lives = self.lock();
        let next = lives.next.take();
        let (next, lost) = if can_follow { (next, None) } else { (None, next) };
        let gone = mem::replace(&mut lives.now, next.clone());
        let state = if next.is_some() { ServiceState::Starting } else { last };
        let state = self.state.replace(state);
        let progress = life.progress.replace(Progress::Ended(end.clone()));
        drop(lives);
        state.announce();
        progress.announce();
        if let Some(lost) = lost {
            lost.progress.set(Progress::Ended(LifeEnd { ran: false, ..end }));
        }
        discard(gone);
        next
    }
}
