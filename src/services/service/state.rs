//! The state of a service.

use std::fmt;

use crate::services::run::RunError;

/// The state of a service.
///
/// The [`Display`](fmt::Display) form is the name of the state, such as `running`, or `failed: ` with
/// the reason.
#[derive(Clone, Debug)]
pub enum ServiceState {
    /// It has not been started, was stopped, or has returned. All of its tasks are gone.
    Stopped,
    /// It is being set up and started.
    Starting,
    /// It runs and accepts actions.
    Running,
    /// It is stopping, has returned or has failed, and some of its tasks are left.
    Stopping,
    /// It failed, or its start did, and all of its tasks are gone. It can be started again.
    Failed(RunError),
}

impl ServiceState {
    /// The state without the reason, to compare and to wait for.
    #[must_use]
    pub fn phase(&self) -> ServicePhase {
        match self {
            ServiceState::Stopped => ServicePhase::Stopped,
            ServiceState::Starting => ServicePhase::Starting,
            ServiceState::Running => ServicePhase::Running,
            ServiceState::Stopping => ServicePhase::Stopping,
            ServiceState::Failed(_) => ServicePhase::Failed,
        }
    }

    /// Whether it is [`Running`](ServiceState::Running).
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self, ServiceState::Running)
    }

    /// Whether it is stopped or has failed, so that all of its tasks are gone.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        matches!(self, ServiceState::Stopped | ServiceState::Failed(_))
    }

    /// The reason of a failure.
    #[must_use]
    pub fn failure(&self) -> Option<&RunError> {
        match self {
            ServiceState::Failed(failure) => Some(failure),
            _ => None,
        }
    }
}

impl fmt::Display for ServiceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServiceState::Failed(failure) => write!(f, "failed: {failure:#}"),
            other => write!(f, "{}", other.phase()),
        }
    }
}

/// A [`ServiceState`] without its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServicePhase {
    /// See [`ServiceState::Stopped`].
    Stopped,
    /// See [`ServiceState::Starting`].
    Starting,
    /// See [`ServiceState::Running`].
    Running,
    /// See [`ServiceState::Stopping`].
    Stopping,
    /// See [`ServiceState::Failed`].
    Failed,
}

impl ServicePhase {
    /// The name, in lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ServicePhase::Stopped => "stopped",
            ServicePhase::Starting => "starting",
            ServicePhase::Running => "running",
            ServicePhase::Stopping => "stopping",
            ServicePhase::Failed => "failed",
        }
    }
}

impl fmt::Display for ServicePhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
