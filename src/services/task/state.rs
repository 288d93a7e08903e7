//! The state of a job, and the outcome of a run.

use std::fmt;

use crate::services::run::RunError;

/// The state of a job, which is that of its latest run, or the state of one of its runs; see
/// [`TaskWrapper::state`](crate::services::TaskWrapper::state) and [`RunRecord`](super::RunRecord).
///
/// With the feature `json` it can be serialized: `{"state": "failed", "reason": "disk full"}`. The
/// other states, `not_started`, `running` and `completed`, have no reason.
#[derive(Clone, Debug)]
pub enum TaskState {
    /// It was not started, and no check has found its work done.
    NotStarted,
    /// It was started and has not ended: the job or one of its tasks has not been dropped yet.
    Running,
    /// It has succeeded, or it was not started and a check has found its work done. Whether another
    /// start runs it depends on the action; see [`Task::repeat`](super::Task::repeat).
    Completed,
    /// It has ended without success. It can be started again.
    Failed(RunError),
}

impl TaskState {
    /// Whether it is [`Running`](TaskState::Running).
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self, TaskState::Running)
    }

    /// Whether it is [`Completed`](TaskState::Completed).
    #[must_use]
    pub fn is_completed(&self) -> bool {
        matches!(self, TaskState::Completed)
    }

    /// Whether it is [`Failed`](TaskState::Failed).
    #[must_use]
    pub fn is_failed(&self) -> bool {
        matches!(self, TaskState::Failed(_))
    }

    /// Whether it has completed or failed.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.is_completed() || self.is_failed()
    }

    /// The reason of a failure.
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

/// The outcome of a successful run of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome<T> {
    /// The job ran; this is its output.
    Completed(T),
    /// The job did not run, because its work had already been done.
    AlreadyCompleted,
}

impl<T> Outcome<T> {
    /// The output, if the job ran.
    pub fn output(self) -> Option<T> {
        match self {
            Outcome::Completed(output) => Some(output),
            Outcome::AlreadyCompleted => None,
        }
    }

    /// Whether the job did not run.
    #[must_use]
    pub fn is_already_completed(&self) -> bool {
        matches!(self, Outcome::AlreadyCompleted)
    }
}
