//! Jobs: a typed action, a stream of events and a result.

mod context;
mod error;
mod shared;
mod state;
mod wrapper;

use std::future::Future;

use crate::services::run::BoxError;

pub use self::context::TaskContext;
pub use self::error::StartError;
pub use self::state::{Outcome, TaskState};
pub use self::wrapper::{TaskRun, TaskWrapper, TaskWrapperBuilder};

/// A job that runs once: it takes an action, reports its progress as events, and returns a result.
///
/// Implement it with `async fn`s, and start it with a [`TaskWrapper`], which runs it on any runtime,
/// tracks its state and can cancel it.
///
/// # Examples
///
/// ```
/// use async_runtime_compat::services::{Task, TaskContext};
///
/// struct Import;
///
/// impl Task for Import {
///     type Action = Vec<String>;
///     type Event = usize;
///     type Output = usize;
///     type Error = std::io::Error;
///
///     async fn run(&self, lines: Vec<String>, cx: TaskContext<usize>) -> std::io::Result<usize> {
///         for (number, line) in lines.iter().enumerate() {
///             // … write the line …
///             # let _ = line;
///             cx.emit(number + 1).await;
///         }
///         Ok(lines.len())
///     }
/// }
/// ```
pub trait Task: Send + Sync + 'static {
    /// The input.
    type Action: Send + 'static;
    /// The events that it emits while it runs.
    type Event: Send + 'static;
    /// The result.
    type Output: Send + 'static;
    /// The error: an [`Error`](std::error::Error), or anything that converts into a boxed one, such
    /// as a `String` or an `anyhow::Error`.
    type Error: Into<BoxError> + Send + 'static;

    /// Returns whether the action's work has already been done, so that there is nothing to run.
    ///
    /// This is called on each start, before [`run`](Task::run), as a part of the job: the state is
    /// [`Running`](TaskState::Running), an error fails the job, and cancelling the job cancels it. If
    /// it returns true, the job completes with [`AlreadyCompleted`](Outcome::AlreadyCompleted). The
    /// default returns false.
    ///
    /// Check what the job leaves behind, such as a file or a row: this makes repeated runs
    /// idempotent, across processes, too. A wrapper remembers by itself that its job has completed.
    ///
    /// # Errors
    ///
    /// If the check fails. The job is then not run, and has failed.
    fn is_completed(
        &self,
        action: &Self::Action,
        cx: &TaskContext<Self::Event>,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send {
        let _ = (action, cx);
        async { Ok(false) }
    }

    /// Runs the job.
    ///
    /// The future is dropped at an await if the job is cancelled and does not end within its grace
    /// period. A panic fails the job, with its message. Tasks spawned through the context end with
    /// the job: await those whose results it needs.
    ///
    /// # Errors
    ///
    /// The job fails with the error.
    fn run(
        &self,
        action: Self::Action,
        cx: TaskContext<Self::Event>,
    ) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send;

    /// The name of the kind of job, for listings; the name of the Rust type by default.
    fn type_name(&self) -> &str {
        std::any::type_name::<Self>()
    }

    /// The purpose of the job, in a sentence or two, for listings; empty by default.
    #[expect(clippy::unnecessary_literal_bound, reason = "an implementation may own its text")]
    fn description(&self) -> &str {
        ""
    }
}
