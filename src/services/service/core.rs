//! The state of a service, and its transitions.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};

use super::Service;
use super::context::ServiceContext;
use super::life::{Deadline, Goal, Life, LifeEnd, Progress};
use super::settings::Settings;
use super::state::{ServicePhase, ServiceState};
use super::{Accepts, SetUp};
use crate::services::contain::{catch, discard, lock};
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
pub(super) struct Lives {
    /// The run that has not ended. There is one unless the state says that it has ended.
    now: Option<Arc<Life>>,
    /// The run that is to follow: a restart, or a start that waits for a set-up.
    next: Option<Next>,
    /// Actions that were accepted while the service did not run.
    pub(super) actions: Option<Arc<Life>>,
    /// How many runs have begun, and ended.
    turns: u64,
}

struct Next {
    life: Arc<Life>,
    /// Whether it follows even if the present run fails.
    after_failure: bool,
}

/// The service is stopping, so that nothing else begins.
pub(super) struct IsStopping;

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

    pub(super) fn lock(&self) -> MutexGuard<'_, Lives> {
        lock(&self.lives)
    }

    pub(super) fn state(&self) -> &WatchSender<ServiceState> {
        &self.state
    }

    /// The run, while the service runs.
    pub(super) fn running(&self) -> Result<Arc<Life>, ServiceState> {
        let lives = self.lock();
        match (self.state.state(), &lives.now) {
            (ServiceState::Running, Some(life)) => Ok(life.clone()),
            (state, _) => Err(state),
        }
    }

    /// The run that takes actions now.
    pub(super) fn accepting(&self) -> Result<Arc<Life>, ServiceState> {
        let state = match self.running() {
            Ok(life) => return Ok(life),
            Err(state) => state,
        };
        // Asked and made without the lock: both call the user's code.
        let accepts = catch(|| self.service.accepts()).unwrap_or_else(|payload| {
            discard(payload);
            Accepts::WhileRunning
        });
        if accepts == Accepts::WhileRunning {
            return Err(state);
        }
        let fresh = Arc::new(Life::new(&self.runtime, Goal::Actions));
        let mut lives = self.lock();
        match (self.state.state(), &lives.now) {
            (ServiceState::Running, Some(life)) => Ok(life.clone()),
            (ServiceState::Stopping, _) => Err(ServiceState::Stopping),
            _ => {
                let life = lives.actions.get_or_insert_with(|| fresh.clone());
                match life.deadline() {
                    Deadline::NotYet => Ok(life.clone()),
                    // A stop waits for their end, and more would put it off.
                    _ => Err(ServiceState::Stopping),
                }
            }
        }
    }

    /// The runs that have not ended: the present one, and actions that were accepted before it.
    pub(super) fn present(&self) -> impl Iterator<Item = Arc<Life>> + use<S> {
        let lives = self.lock();
        let (now, actions) = (lives.now.clone(), lives.actions.clone());
        drop(lives);
        now.into_iter().chain(actions)
    }

    /// How many runs have begun, and ended.
    pub(super) fn turns(&self) -> u64 {
        self.lock().turns
    }

    /// Notes the answer of an `is_set_up` that was asked apart from a start, when there had been so
    /// many turns. It is out of date if a run has begun or ended since.
    pub(super) fn answered(&self, turns: u64, answer: SetUp) {
        let lives = self.lock();
        let is_idle = lives.now.is_none() && lives.turns == turns;
        let state = match (self.state.state(), answer) {
            (ServiceState::Stopped, SetUp::Needed) if is_idle => ServiceState::SetupRequired,
            (ServiceState::SetupRequired, SetUp::Done) if is_idle => ServiceState::Stopped,
            _ => return,
        };
        let change = self.state.replace(state);
        drop(lives);
        change.announce();
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
    pub(super) fn begin(&self, goal: Goal) -> Result<Option<Begun>, IsStopping> {
        // Made and dropped without the lock: a group calls the user's spawner and timer.
        let fresh = Arc::new(Life::new(&self.runtime, goal));
        let mut lives = self.lock();
        let begun = match (self.state.state().phase(), &lives.now) {
            (_, None) => Begun::New(self.launch(lives, fresh)),
            (ServicePhase::Running, _) => return Ok(None),
            (ServicePhase::Stopping, _) => {
                Begun::Joined(lives.next.as_ref().ok_or(IsStopping)?.life.clone())
            }
            (_, Some(life)) if life.goal == Goal::SetUp && goal == Goal::Run => {
                let follow = || Next { life: fresh.clone(), after_failure: false };
                Begun::Joined(lives.next.get_or_insert_with(follow).life.clone())
            }
            (_, Some(life)) => Begun::Joined(life.clone()),
        };
        Ok(Some(begun))
    }

    fn launch(&self, mut lives: MutexGuard<'_, Lives>, life: Arc<Life>) -> Arc<Life> {
        // It may be stopped before it asks.
        life.set_lacks_set_up(matches!(self.state.state(), ServiceState::SetupRequired));
        lives.now = Some(life.clone());
        lives.turns += 1;
        let state = self.state.replace(match life.goal {
            Goal::SetUp => ServiceState::SettingUp,
            Goal::Run | Goal::Actions => ServiceState::Starting,
        });
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
            next.life.progress.set(Progress::Ended(LifeEnd::default()));
        }
        let (told, life) = told?;
        told.announce(&life);
        Some(life)
    }

    /// Requests that the run end by the deadline, if there is one, and that another follow it.
    pub(super) fn request_restart(&self, deadline: Deadline) -> Begun {
        let fresh = Arc::new(Life::new(&self.runtime, Goal::Run));
        let mut lives = self.lock();
        let Some(life) = lives.now.clone() else { return Begun::New(self.launch(lives, fresh)) };
        let follow = || Next { life: fresh.clone(), after_failure: true };
        let next = lives.next.get_or_insert_with(follow);
        next.after_failure = true;
        let next = next.life.clone();
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

    /// Goes from one phase of a start to another, unless the run was told to end meanwhile.
    pub(super) fn advance(&self, from: ServicePhase, to: ServiceState) {
        let lives = self.lock();
        if self.state.state().phase() != from {
            return;
        }
        let state = self.state.replace(to);
        drop(lives);
        state.announce();
    }

    /// A run begins to end. If nobody has requested it, sets the deadline.
    pub(super) fn wind_down(&self, life: &Life) {
        let deadline = Deadline::after(self.settings.grace, &*self.runtime);
        let lives = self.lock();
        let told = match (life.deadline(), life.goal) {
            // It is being set up until its tasks are gone. A start meanwhile follows it.
            (Deadline::NotYet, Goal::SetUp) => {
                Told { state: None, deadline: life.shorten(deadline) }
            }
            (Deadline::NotYet, _) => self.tell(life, deadline),
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
            None if life.lacks_set_up() => ServiceState::SetupRequired,
            None => ServiceState::Stopped,
        };
        let mut lives = self.lock();
        let (next, lost) = match lives.next.take() {
            Some(next) if can_follow && (next.after_failure || end.failure.is_none()) => {
                (Some(next.life), None)
            }
            lost => (None, lost),
        };
        if let Some(next) = &next {
            next.set_lacks_set_up(life.lacks_set_up());
        }
        lives.turns += 1;
        let gone = mem::replace(&mut lives.now, next.clone());
        let state = if next.is_some() { ServiceState::Starting } else { last };
        let state = self.state.replace(state);
        let progress = life.progress.replace(Progress::Ended(end.clone()));
        drop(lives);
        state.announce();
        progress.announce();
        if let Some(lost) = lost {
            lost.life.progress.set(Progress::Ended(LifeEnd { ran: false, ..end }));
        }
        discard(gone);
        next
    }
}
