//! How far a job has got.

use std::fmt;

use crate::run::RunError;

/// How far a job has got; see [`TaskWrapper::state`](crate::TaskWrapper::state).
///
/// With the feature `json` it can be serialised: `{"state": "failed", "reason": "disk full"}`. The
/// others are `not_started`, `running` and `completed`, and have no reason.
#[derive(Clone, Debug)]
pub enum TaskState {
    /// It was never started.
    NotStarted,
    /// It was started, and has not ended: it, or something that it has spawned, is still there.
    Running,
    /// It has done what it was for. A start does nothing any more.
    Completed,
    /// It has ended without: it can be started again.
    Failed(RunError),
}

impl TaskState {
    /// Whether it runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self, TaskState::Running)
    }

    /// Whether it has completed.
    #[must_use]
    pub fn is_completed(&self) -> bool {
        matches!(self, TaskState::Completed)
    }

    /// Whether it has failed.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        matches!(self, TaskState::Failed(_))
    }

    /// Whether it was started and has ended, one way or the other.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.is_completed() || self.is_failed()
    }

    /// Why it has failed, if it has.
    #[must_use]
    pub fn error(&self) -> Option<&RunError> {
        match self {
            TaskState::Failed(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TaskState::NotStarted => f.write_str("not started"),
            TaskState::Running => f.write_str("running"),
            TaskState::Completed => f.write_str("completed"),
            TaskState::Failed(error) => write!(f, "failed: {}", error.message()),
        }
    }
}

/// What a run of a job gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome<T> {
    /// It was run, and this is what it gave.
    Completed(T),
    /// It was not run, because what it is for was done before.
    AlreadyCompleted,
}

impl<T> Outcome<T> {
    /// What the run gave, if there was one.
    pub fn output(self) -> Option<T> {
        match self {
            Outcome::Completed(output) => Some(output),
            Outcome::AlreadyCompleted => None,
        }
    }

    /// Whether it was not run, because what it is for was done before.
    #[must_use]
    pub fn is_already_completed(&self) -> bool {
        matches!(self, Outcome::AlreadyCompleted)
    }
}
