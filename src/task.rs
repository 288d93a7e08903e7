//! Jobs: a typed action, a stream of events, a result.

mod context;
mod drive;
mod error;
mod state;
mod wrapper;

use std::future::Future;

use crate::run::BoxError;

pub use self::context::TaskContext;
pub use self::error::StartError;
pub use self::state::{Outcome, TaskState};
pub use self::wrapper::{TaskRun, TaskWrapper, TaskWrapperBuilder};

/// A job that is done once: it takes an action, tells what it does by events, and has a result.
///
/// Implement it with `async fn`s, and start it by a [`TaskWrapper`], which runs it on whatever
/// runtime it is given, knows its state and can cancel it.
///
/// # Examples
///
/// ```
/// use async_runtime_compat::{Task, TaskContext};
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
    /// What the job is to do.
    type Action: Send + 'static;
    /// What it tells while it runs.
    type Event: Send + 'static;
    /// What it gives.
    type Output: Send + 'static;
    /// Why it fails: an [`Error`](std::error::Error), or what becomes a boxed one, such as a
    /// `String` or an `anyhow::Error`.
    type Error: Into<BoxError> + Send + 'static;

    /// Whether what the action asks for is done already, so that there is nothing to run.
    ///
    /// It is asked at each start, before [`run`](Task::run), as a part of the job: the state is
    /// [`Running`](TaskState::Running) meanwhile, its error is the job's, and cancelling the job
    /// cancels it. If it says so, the job has completed, with
    /// [`AlreadyCompleted`](Outcome::AlreadyCompleted). The default says no.
    ///
    /// Look at what the job leaves behind, a file or a row: this is what makes a repeated run do
    /// nothing, also in another process. What this wrapper has completed it knows by itself.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from knowing. The job is not run then, and has failed.
    fn is_completed(
        &self,
        action: &Self::Action,
        cx: &TaskContext<Self::Event>,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send {
        let _ = (action, cx);
        async { Ok(false) }
    }

    /// Does the job.
    ///
    /// The future is dropped at an await if the job is cancelled and does not end in its grace
    /// period. A panic is a failure with its message. What the job has spawned through the context
    /// ends with it: await what it needs.
    ///
    /// # Errors
    ///
    /// Whatever the job fails with.
    fn run(
        &self,
        action: Self::Action,
        cx: TaskContext<Self::Event>,
    ) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send;

    /// What the kind of job is called where different ones are listed: the name of the type, if not
    /// given.
    fn type_name(&self) -> &str {
        std::any::type_name::<Self>()
    }
}
