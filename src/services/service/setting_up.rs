//! Set-up apart from a start.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::core::{Core, IsStopping};
use super::error::write_source;
use super::life::{Goal, LifeEnd};
use super::{Service, ServiceContext, ServiceWrapper, SetUp};
use crate::TaskGroup;
use crate::services::run::{Cause, RunError};

impl<S: Service> ServiceWrapper<S> {
    /// Asks the service whether it is set up; see [`Service::is_set_up`]. Starts nothing.
    ///
    /// It may be called in every state. If the service does not run, the state tells the answer
    /// afterwards: [`SetupRequired`](super::ServiceState::SetupRequired), or
    /// [`Stopped`](super::ServiceState::Stopped). A failure remains
    /// [`Failed`](super::ServiceState::Failed). Tasks that the method leaves behind are aborted.
    ///
    /// # Errors
    ///
    /// [`SetUpError`] if the method returns an error or panics, or the runtime was shut down. The
    /// state does not change.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the call.
    pub async fn is_set_up(&self) -> Result<SetUp, SetUpError> {
        let core = self.core();
        let turns = core.turns();
        let group = TaskGroup::builder(core.runtime.clone()).timer(core.runtime.clone()).build();
        let cx = ServiceContext::new(core.settings.name.clone(), &core.runtime, &group);
        let question = core.settings.spawn(&group, "is_set_up", ask(core.clone(), cx));
        let answer = question.abort_on_drop().await;
        group.close();
        group.abort_all();
        group.wait().await;
        let failure = match answer {
            Ok(Ok(answer)) => {
                core.answered(turns, answer);
                return Ok(answer);
            }
            Ok(Err(error)) => core.failed("is_set_up", error),
            Err(error) => core.error(Cause::from(error)),
        };
        Err(SetUpError::new(core, SetUpCause::Unknown(failure)))
    }

    /// Sets the service up, without starting it, and waits until it is set up.
    ///
    /// The methods are called as on a start: [`is_set_up`](Service::is_set_up),
    /// [`set_up`](Service::set_up) unless that returned [`SetUp::Done`], and `is_set_up` again if it
    /// returned [`SetUp::Needed`]. Meanwhile the state is
    /// [`SettingUp`](super::ServiceState::SettingUp), and then
    /// [`Stopped`](super::ServiceState::Stopped). Tasks that it has spawned end with it, like those
    /// of a run.
    ///
    /// A set-up that is under way is joined: all callers get the same result. A start that is under
    /// way is waited for; if it fails, the service is then set up by itself. Nothing happens if the
    /// service runs. A [`start`](Self::start) during the set-up begins after it, and fails if it
    /// fails; a [`stop`](Self::stop) ends it.
    ///
    /// # Errors
    ///
    /// [`is_failed`](SetUpError::is_failed) if a method returned an error or panicked, or the runtime
    /// was shut down; the state is [`Failed`](super::ServiceState::Failed).
    /// [`is_stopped`](SetUpError::is_stopped) if the service was stopped meanwhile, and
    /// [`is_stopping`](SetUpError::is_stopping) if it was already stopping.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future after its first poll does not stop the set-up.
    pub async fn set_up(&self) -> Result<(), SetUpError> {
        let core = self.core();
        loop {
            let begun = core.start(Goal::SetUp);
            let begun = begun.map_err(|IsStopping| SetUpError::new(core, SetUpCause::Stopping))?;
            let Some(life) = begun else { return Ok(()) };
            let end = match life.goal {
                Goal::SetUp => Some(life.ended().await),
                _ => life.started().await,
            };
            let cause = match end {
                // The service runs.
                None | Some(LifeEnd { ran: true, .. }) => return Ok(()),
                // It may be set up nevertheless.
                Some(LifeEnd { failure, is_refused, .. })
                    if life.goal == Goal::Run && (failure.is_some() || is_refused) =>
                {
                    continue;
                }
                Some(LifeEnd { failure: Some(failure), .. }) => SetUpCause::Failed(failure),
                Some(LifeEnd { in_start, .. }) => SetUpCause::Stopped(in_start),
            };
            return Err(SetUpError::new(core, cause));
        }
    }
}

async fn ask<S: Service>(core: Arc<Core<S>>, cx: ServiceContext) -> Result<SetUp, S::Error> {
    core.service.is_set_up(&cx).await
}

/// Why a service was not set up, or why it is not known whether it is.
///
/// Exactly one of [`is_unknown`](SetUpError::is_unknown), [`is_failed`](SetUpError::is_failed),
/// [`is_stopped`](SetUpError::is_stopped) and [`is_stopping`](SetUpError::is_stopping) is true.
#[derive(Clone)]
pub struct SetUpError {
    service: Arc<str>,
    cause: SetUpCause,
}

#[derive(Clone)]
enum SetUpCause {
    Unknown(RunError),
    Failed(RunError),
    /// With the error that the interrupted method returned, if it did.
    Stopped(Option<RunError>),
    Stopping,
}

impl SetUpError {
    fn new<S: Service>(core: &Core<S>, cause: SetUpCause) -> SetUpError {
        SetUpError { service: core.settings.name.clone(), cause }
    }

    /// Whether it was asked if it is set up, and did not say;
    /// [`failure`](SetUpError::failure) is the reason.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self.cause, SetUpCause::Unknown(_))
    }

    /// Whether the set-up failed; [`failure`](SetUpError::failure) is the reason.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        matches!(self.cause, SetUpCause::Failed(_))
    }

    /// Whether the service was stopped while it was being set up.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        matches!(self.cause, SetUpCause::Stopped(_))
    }

    /// Whether the service was still stopping, so that it was not set up.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        matches!(self.cause, SetUpCause::Stopping)
    }

    /// The reason; if it was stopped, the error that its set-up returned, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<&RunError> {
        match &self.cause {
            SetUpCause::Unknown(failure) | SetUpCause::Failed(failure) => Some(failure),
            SetUpCause::Stopped(failure) => failure.as_ref(),
            SetUpCause::Stopping => None,
        }
    }

    /// The name of the service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }
}

impl fmt::Display for SetUpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "service '{}' ", self.service)?;
        f.write_str(match self.cause {
            SetUpCause::Unknown(_) => "did not say whether it is set up",
            SetUpCause::Failed(_) => "could not be set up",
            SetUpCause::Stopped(_) => "was stopped while it was being set up",
            SetUpCause::Stopping => "is stopping: set it up after it has stopped",
        })?;
        write_source(f, self.failure())
    }
}

impl fmt::Debug for SetUpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SetUpError({self:#})")
    }
}

impl Error for SetUpError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.failure().map(|failure| failure as &(dyn Error + 'static))
    }
}
