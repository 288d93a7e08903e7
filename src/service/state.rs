//! Where a service is in its life.

use std::fmt;

use crate::run::RunError;

/// Where a service is in its life.
///
/// The [`Display`](fmt::Display) form is `running`, or `failed: ` with the reason.
#[derive(Clone, Debug)]
pub enum ServiceState {
    /// It has not been started yet, was stopped, or has ended by itself. Nothing of it is left.
    Stopped,
    /// It is being set up and started.
    Starting,
    /// It runs, and takes actions.
    Running,
    /// It was told to stop, or has ended or failed, and something that it spawned is left.
    Stopping,
    /// It failed, or its start did, and nothing of it is left. It can be started again.
    Failed(RunError),
}

impl ServiceState {
    /// The state without its reason, to compare and to wait for.
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

    /// Whether it runs, and takes actions.
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self, ServiceState::Running)
    }

    /// Whether nothing of it is left: it is stopped, or has failed.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        matches!(self, ServiceState::Stopped | ServiceState::Failed(_))
    }

    /// Why it failed, if it did.
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

/// A [`ServiceState`] without a reason.
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
