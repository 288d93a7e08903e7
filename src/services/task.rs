//! Jobs: a typed action, a stream of events and a result.

mod check;
mod context;
mod error;
mod record;
mod repeat;
mod shared;
mod state;
mod wrapper;

use std::future::Future;

use crate::services::run::BoxError;

pub use self::context::TaskContext;
pub use self::error::StartError;
pub use self::record::RunRecord;
pub use self::repeat::Repeat;
pub use self::state::{Outcome, TaskState};
pub use self::wrapper::{TaskRun, TaskWrapper, TaskWrapperBuilder};

/// A job: it takes an action, reports its progress as events, and returns a result.
///
/// Implement it with `async fn`s, and start it with a [`TaskWrapper`], which runs it on any runtime,
/// tracks its state and can cancel it.
///
/// # Completion
///
/// Each start runs the job, unless the job itself says that there is nothing to do. It has two ways to
/// say so, and both concern the action:
///
/// | method                                | asks                                    | lasts                           |
/// |---------------------------------------|-----------------------------------------|---------------------------------|
/// | [`repeat`](Task::repeat)              | the wrapper, which remembers completed runs | as long as the wrapper      |
/// | [`is_completed`](Task::is_completed)  | whatever the job leaves behind          | as long as that, across processes |
///
/// In both cases the start is told so, with
/// [`AlreadyCompleted`](crate::services::Outcome::AlreadyCompleted).
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

    /// Returns how often the work of an action is done; by default [`Always`](Repeat::Always).
    ///
    /// A wrapper does not run what one of its runs has completed: with [`Once`](Repeat::Once) the job,
    /// with [`OncePer`](Repeat::OncePer) the actions with the same key. A job with several verbs
    /// answers for each of them:
    ///
    /// ```
    /// use async_runtime_compat::services::{BoxError, Repeat, Task, TaskContext};
    ///
    /// enum Deployment {
    ///     Verify,
    ///     Deploy { host: String },
    /// }
    ///
    /// struct Deployer;
    ///
    /// impl Task for Deployer {
    ///     type Action = Deployment;
    ///     type Event = String;
    ///     type Output = ();
    ///     type Error = BoxError;
    ///
    ///     fn repeat(&self, action: &Deployment) -> Repeat {
    ///         match action {
    ///             Deployment::Verify => Repeat::Always,
    ///             Deployment::Deploy { host } => Repeat::once_per(format_args!("deploy {host}")),
    ///         }
    ///     }
    ///
    ///     async fn run(&self, action: Deployment, cx: TaskContext<String>) -> Result<(), BoxError> {
    ///         // …
    ///         # let _ = (action, cx);
    ///         Ok(())
    ///     }
    /// }
    /// ```
    ///
    /// This is called on each start and each check, on the thread of the caller; so it must not block. If it panics,
    /// the job has failed, and the start reports that.
    fn repeat(&self, action: &Self::Action) -> Repeat {
        let _ = action;
        Repeat::Always
    }

    /// Returns whether the action's work has already been done, so that there is nothing to run.
    ///
    /// This is called on each start, before [`run`](Task::run), as a part of the job: the state is
    /// [`Running`](TaskState::Running), an error fails the job, and cancelling the job cancels it. If
    /// it returns true, the job completes with [`AlreadyCompleted`](Outcome::AlreadyCompleted). The
    /// default returns false.
    ///
    /// Check what the job leaves behind, such as a file or a row: this makes repeated runs
    /// idempotent, across processes, too.
    ///
    /// It is also called without a start, by
    /// [`TaskWrapper::check_completed`], on a runtime and with a context of its own, possibly while
    /// the job runs. Events that it emits are dropped then.
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

    /// Returns the actions that [`TaskWrapper::check_known_actions`] asks about, so that a process says
    /// which work was done before it started; by default none.
    ///
    /// Return the actions for which [`is_completed`](Task::is_completed) can tell.
    fn known_actions(&self) -> Vec<Self::Action> {
        Vec::new()
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
