//! The state of a service.

use std::fmt;

use crate::services::run::RunError;

/// The state of a service.
///
/// The [`Display`](fmt::Display) form says how it is, such as `running` or `not set up`, or `failed: `
/// with the reason.
#[derive(Clone, Debug)]
pub enum ServiceState {
    /// It has not been started, was stopped, or has returned. All tasks of its run are gone.
    Stopped,
    /// As [`Stopped`](ServiceState::Stopped), and its [`is_set_up`](crate::services::Service::is_set_up)
    /// returned [`Needed`](crate::services::SetUp::Needed) when it was last called.
    SetupRequired,
    /// Its [`set_up`](crate::services::Service::set_up) is under way: by itself, or as a part of a
    /// start. A start shows a `set_up` whose need is unknown only if it has to wait.
    SettingUp,
    /// It is being started.
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
            ServiceState::SetupRequired => ServicePhase::SetupRequired,
            ServiceState::SettingUp => ServicePhase::SettingUp,
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

    /// Whether it is stopped, with or without a need to be set up, or has failed, so that all tasks
    /// of its run are gone.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        use ServiceState::{Failed, SetupRequired, Stopped};
        matches!(self, Stopped | SetupRequired | Failed(_))
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
    /// See [`ServiceState::SetupRequired`].
    SetupRequired,
    /// See [`ServiceState::SettingUp`].
    SettingUp,
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
    /// The name, in lower case, as in JSON: `setup_required`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ServicePhase::Stopped => "stopped",
            ServicePhase::SetupRequired => "setup_required",
            ServicePhase::SettingUp => "setting_up",
            ServicePhase::Starting => "starting",
            ServicePhase::Running => "running",
            ServicePhase::Stopping => "stopping",
            ServicePhase::Failed => "failed",
        }
    }
}

/// As a part of a sentence: `it is not set up`.
impl fmt::Display for ServicePhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ServicePhase::SetupRequired => "not set up",
            ServicePhase::SettingUp => "being set up",
            other => other.as_str(),
        })
    }
}
