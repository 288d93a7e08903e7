//! Errors of services.
//!
//! Like a [`RunError`], they leave the cause to [`Error::source`]; the alternate form `{:#}`,
//! [`Debug`](fmt::Debug) and [`full_message`](crate::services::full_message) include it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::state::{ServicePhase, ServiceState};
use crate::services::run::RunError;

/// Why a service did not start.
///
/// Exactly one of [`is_failed`](ServiceStartError::is_failed),
/// [`is_stopped`](ServiceStartError::is_stopped), [`is_stopping`](ServiceStartError::is_stopping) and
/// [`is_set_up_required`](ServiceStartError::is_set_up_required) is true.
#[derive(Clone)]
pub struct ServiceStartError {
    service: Arc<str>,
    cause: StartCause,
}

#[derive(Clone)]
pub(super) enum StartCause {
    Failed(RunError),
    /// With the error that the interrupted method returned, if it did.
    Stopped(Option<RunError>),
    Stopping,
    SetUpRequired,
}

impl ServiceStartError {
    pub(super) fn new(service: Arc<str>, cause: StartCause) -> ServiceStartError {
        ServiceStartError { service, cause }
    }

    /// Whether its set-up or its start failed; [`failure`](ServiceStartError::failure) is the reason.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        matches!(self.cause, StartCause::Failed(_))
    }

    /// Whether it was stopped while it was starting.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        matches!(self.cause, StartCause::Stopped(_))
    }

    /// Whether it was still stopping, so that it was not started.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        matches!(self.cause, StartCause::Stopping)
    }

    /// Whether it has to be [set up](crate::services::ServiceWrapper::set_up) first. A start does that
    /// by itself, unless the wrapper was built
    /// [without](crate::services::ServiceWrapperBuilder::set_up_on_start).
    #[must_use]
    pub fn is_set_up_required(&self) -> bool {
        matches!(self.cause, StartCause::SetUpRequired)
    }

    /// The reason of the failure; if it was stopped, the error that its start returned, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<&RunError> {
        match &self.cause {
            StartCause::Failed(failure) => Some(failure),
            StartCause::Stopped(failure) => failure.as_ref(),
            StartCause::Stopping | StartCause::SetUpRequired => None,
        }
    }

    /// The name of the service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }
}

impl fmt::Display for ServiceStartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "service '{}' ", self.service)?;
        match &self.cause {
            StartCause::Failed(_) => f.write_str("failed to start")?,
            StartCause::Stopped(_) => f.write_str("was stopped while starting")?,
            StartCause::Stopping => {
                f.write_str("is stopping: start it after it has stopped, or use `restart`")?;
            }
            StartCause::SetUpRequired => {
                f.write_str("is not set up: call `set_up` before starting it")?;
            }
        }
        write_source(f, self.failure())
    }
}

/// A service did not stop cleanly. It has stopped nevertheless, and all of its tasks are gone.
///
/// At least one of [`is_timeout`](StopError::is_timeout) and [`is_failed`](StopError::is_failed) is
/// true.
#[derive(Clone)]
pub struct StopError {
    service: Arc<str>,
    aborted: usize,
    failure: Option<RunError>,
}

impl StopError {
    pub(super) fn new(service: Arc<str>, aborted: usize, failure: Option<RunError>) -> StopError {
        StopError { service, aborted, failure }
    }

    /// Whether tasks had to be aborted at the end of the grace period.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.aborted > 0
    }

    /// The number of aborted tasks, including the service's own.
    #[must_use]
    pub fn aborted(&self) -> usize {
        self.aborted
    }

    /// Whether the service failed before or while it stopped; [`failure`](StopError::failure) is the
    /// reason.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// The reason of the failure, if it failed.
    #[must_use]
    pub fn failure(&self) -> Option<&RunError> {
        self.failure.as_ref()
    }

    /// The name of the service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }
}

impl fmt::Display for StopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "service '{}' ", self.service)?;
        match (self.aborted, self.is_failed()) {
            (0, _) => f.write_str("failed before it stopped")?,
            (aborted, false) => write!(f, "did not stop in time: {}", Aborted(aborted))?,
            (aborted, true) => {
                write!(f, "failed before it stopped, and {}", Aborted(aborted))?;
            }
        }
        write_source(f, self.failure())
    }
}

/// An action was refused, because its service does not accept any in its state. The error returns the action unchanged.
pub struct DispatchError<A> {
    service: Arc<str>,
    state: ServiceState,
    action: A,
}

impl<A> DispatchError<A> {
    pub(super) fn new(service: Arc<str>, state: ServiceState, action: A) -> DispatchError<A> {
        DispatchError { service, state, action }
    }

    #[cfg(feature = "json")]
    pub(crate) fn without_action(self) -> DispatchError<()> {
        let DispatchError { service, state, .. } = self;
        DispatchError { service, state, action: () }
    }

    /// The state of the service at that moment; also [`Stopping`](ServiceState::Stopping) while a stop waits for the
    /// actions of a service that does not run.
    #[must_use]
    pub fn state(&self) -> &ServiceState {
        &self.state
    }

    /// Returns the action.
    #[must_use]
    pub fn into_action(self) -> A {
        self.action
    }

    /// The name of the service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }
}

impl<A> fmt::Display for DispatchError<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DispatchError { service, state, .. } = self;
        write!(f, "service '{service}' does not accept actions because it {}", Is(state))?;
        write_source(f, state.failure())
    }
}

/// Why a service is not known to be healthy.
///
/// Exactly one of [`is_not_running`](HealthError::is_not_running),
/// [`is_timeout`](HealthError::is_timeout) and [`is_failed`](HealthError::is_failed) is true.
#[derive(Clone)]
pub struct HealthError {
    service: Arc<str>,
    cause: HealthCause,
}

#[derive(Clone)]
pub(super) enum HealthCause {
    NotRunning(ServiceState),
    Timeout(Duration),
    Failed(RunError),
}

impl HealthError {
    pub(super) fn new(service: Arc<str>, cause: HealthCause) -> HealthError {
        HealthError { service, cause }
    }

    /// Whether the service is not running, so that its check was not called.
    #[must_use]
    pub fn is_not_running(&self) -> bool {
        matches!(self.cause, HealthCause::NotRunning(_))
    }

    /// Whether the check exceeded the timeout.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.cause, HealthCause::Timeout(_))
    }

    /// Whether the check returned an error or panicked, or the service stopped meanwhile;
    /// [`failure`](HealthError::failure) is the reason.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        matches!(self.cause, HealthCause::Failed(_))
    }

    /// The error of the check, or the failure of a service that is not running.
    #[must_use]
    pub fn failure(&self) -> Option<&RunError> {
        match &self.cause {
            HealthCause::Failed(failure) => Some(failure),
            HealthCause::NotRunning(state) => state.failure(),
            HealthCause::Timeout(_) => None,
        }
    }

    /// The name of the service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }
}

impl fmt::Display for HealthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "service '{}' ", self.service)?;
        match &self.cause {
            HealthCause::NotRunning(state) => {
                write!(f, "cannot be checked because it {}", Is(state))?;
            }
            HealthCause::Timeout(limit) => {
                write!(f, "did not complete its health check within {limit:?}")?;
            }
            HealthCause::Failed(_) => f.write_str("is unhealthy")?,
        }
        write_source(f, self.failure())
    }
}

/// A service did not reach a state within a timeout.
#[derive(Clone)]
pub struct NotReached {
    service: Arc<str>,
    wanted: ServicePhase,
    within: Duration,
    state: ServiceState,
}

impl NotReached {
    pub(super) fn new(
        service: Arc<str>,
        wanted: ServicePhase,
        within: Duration,
        state: ServiceState,
    ) -> NotReached {
        NotReached { service, wanted, within, state }
    }

    /// The state of the service when the timeout elapsed.
    #[must_use]
    pub fn state(&self) -> &ServiceState {
        &self.state
    }

    /// The name of the service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }
}

impl fmt::Display for NotReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NotReached { service, wanted, within, state } = self;
        write!(f, "service '{service}' was not {wanted} within {within:?}: it {}", Is(state))?;
        write_source(f, state.failure())
    }
}

/// `is stopped`
struct Is<'a>(&'a ServiceState);

impl fmt::Display for Is<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ServiceState::Failed(_) => f.write_str("has failed"),
            other => write!(f, "is {}", other.phase()),
        }
    }
}

/// `3 tasks were aborted`
struct Aborted(usize);

impl fmt::Display for Aborted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("1 task was aborted"),
            aborted => write!(f, "{aborted} tasks were aborted"),
        }
    }
}

/// Writes the source in the form `{:#}`.
pub(super) fn write_source(f: &mut fmt::Formatter<'_>, failure: Option<&RunError>) -> fmt::Result {
    match failure {
        Some(failure) if f.alternate() => write!(f, ": {failure:#}"),
        _ => Ok(()),
    }
}

macro_rules! errors {
    ($($error:ident $(<$generic:ident>)?: |$this:ident| $source:expr;)*) => {$(
        impl $(<$generic>)? fmt::Debug for $error $(<$generic>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($error), "({:#})"), self)
            }
        }

        impl $(<$generic>)? Error for $error $(<$generic>)? {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                let $this = self;
                $source.map(|failure| failure as &(dyn Error + 'static))
            }
        }
    )*};
}

errors! {
    ServiceStartError: |this| this.failure();
    StopError: |this| this.failure();
    DispatchError<A>: |this| this.state.failure();
    HealthError: |this| this.failure();
    NotReached: |this| this.state.failure();
}
