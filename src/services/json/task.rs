//! Jobs of different types as one trait object.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::JsonError;
use super::run::JsonRun;
use super::{Descriptor, erase, parse, read, to_value, written};
use crate::BoxFuture;
use crate::Watch;
use crate::services::run::{Cause, RunError};
use crate::services::task::{Outcome, RunRecord, Task, TaskState, TaskWrapper};

/// A job with erased types: its actions, events and outputs are JSON.
///
/// Every [`TaskWrapper`] implements it whose task's action is [`DeserializeOwned`] and
/// [`JsonSchema`], and whose event and output are [`Serialize`] and [`JsonSchema`]. A
/// [`TaskStack`](crate::services::TaskStack) holds many of them by name.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use std::sync::Arc;
///
/// use async_runtime_compat::smol::SmolSpawner;
/// use async_runtime_compat::services::{JsonTask, Outcome, Task, TaskContext, TaskWrapper};
/// use schemars::JsonSchema;
/// use serde::Deserialize;
/// use serde_json::json;
///
/// #[derive(Deserialize, JsonSchema)]
/// struct Add {
///     numbers: Vec<u8>,
/// }
///
/// struct Adder;
///
/// impl Task for Adder {
///     type Action = Add;
///     type Event = u8;
///     type Output = u32;
///     type Error = std::convert::Infallible;
///
///     async fn run(&self, add: Add, cx: TaskContext<u8>) -> Result<u32, Self::Error> {
///         for number in &add.numbers {
///             cx.emit(*number).await;
///         }
///         Ok(add.numbers.into_iter().map(u32::from).sum())
///     }
/// }
///
/// # futures_lite::future::block_on(async {
/// let task: Arc<dyn JsonTask> = Arc::new(TaskWrapper::new(Arc::new(SmolSpawner), Adder));
///
/// let error = task.execute(json!({ "numbers": [1, 300] })).unwrap_err();
/// assert_eq!(error.path(), Some("numbers[1]"));
/// assert!(error.to_string().ends_with("invalid value: integer `300`, expected u8"));
///
/// let sum = task.execute(json!({ "numbers": [1, 2] }))?.await?;
/// assert_eq!(sum, Outcome::Completed(json!(3)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// # }
/// ```
pub trait JsonTask: Send + Sync + fmt::Debug + 'static {
    /// The name of the job; see [`TaskWrapper::name`].
    fn name(&self) -> &str;

    /// The kind of job; see [`Task::type_name`].
    fn type_name(&self) -> &str;

    /// The JSON schema (draft 2020-12) of an action.
    fn action_schema(&self) -> Value;

    /// The JSON schema of an event.
    fn event_schema(&self) -> Value;

    /// The JSON schema of the output.
    fn output_schema(&self) -> Value;

    /// The JSON schema of the error. The default is that of a string: the message.
    fn error_schema(&self) -> Value {
        written::<String>()
    }

    /// The purpose of the job; see [`Task::description`]. The default is empty.
    #[expect(clippy::unnecessary_literal_bound, reason = "an implementation may own its text")]
    fn description(&self) -> &str {
        ""
    }

    /// All of this in one value.
    fn descriptor(&self) -> Descriptor {
        Descriptor {
            name: self.name().to_owned(),
            type_name: self.type_name().to_owned(),
            description: self.description().to_owned(),
            action: self.action_schema(),
            event: self.event_schema(),
            output: self.output_schema(),
            error: self.error_schema(),
        }
    }

    /// Starts the job; see [`TaskWrapper::start`].
    ///
    /// If the output cannot be serialized, the handle returns an error; the job has completed
    /// nevertheless. A group lists the job with a location in this crate.
    ///
    /// # Errors
    ///
    /// [`JsonError`] if the action is invalid or the job is running.
    fn execute(&self, action: Value) -> Result<JsonRun<Outcome<Value>>, JsonError>;

    /// The present state.
    fn state(&self) -> TaskState;

    /// Watches the state; see [`TaskWrapper::watch`].
    fn watch(&self) -> Watch<TaskState>;

    /// The states of the runs; see [`TaskWrapper::runs`].
    fn runs(&self) -> Vec<RunRecord>;

    /// Asks whether the work of an action is done, without starting the job; see
    /// [`TaskWrapper::check_completed`].
    ///
    /// # Errors
    ///
    /// [`JsonError`] if the action is invalid or the check fails.
    fn check_completed(&self, action: Value) -> BoxFuture<'static, Result<bool, JsonError>>;

    /// Asks about the known actions of the job; see [`TaskWrapper::check_known_actions`].
    fn check_known_actions(&self) -> BoxFuture<'static, Result<(), RunError>>;

    /// Requests that the job end, waits until it has, and returns the state in which it ended; see
    /// [`TaskWrapper::cancel`].
    fn cancel(&self) -> BoxFuture<'static, TaskState>;
}

impl<K> JsonTask for TaskWrapper<K>
where
    K: Task,
    K::Action: DeserializeOwned + JsonSchema,
    K::Event: Serialize + JsonSchema,
    K::Output: Serialize + JsonSchema,
{
    fn name(&self) -> &str {
        TaskWrapper::name(self)
    }

    fn type_name(&self) -> &str {
        self.task().type_name()
    }

    fn action_schema(&self) -> Value {
        read::<K::Action>()
    }

    fn event_schema(&self) -> Value {
        written::<K::Event>()
    }

    fn output_schema(&self) -> Value {
        written::<K::Output>()
    }

    fn description(&self) -> &str {
        self.task().description()
    }

    fn execute(&self, action: Value) -> Result<JsonRun<Outcome<Value>>, JsonError> {
        let subject = format!("task '{}'", self.name());
        let run = match self.start(parse(&subject, &action)?) {
            Ok(run) => run,
            Err(error) => {
                return Err(JsonError::refused(&subject, Box::new(error.without_action()), action));
            }
        };
        Ok(erase(subject.clone(), run, move |outcome| {
            let Outcome::Completed(output) = outcome else { return Ok(Outcome::AlreadyCompleted) };
            let output =
                to_value(&format_args!("the output of {subject}"), &output).map_err(|error| {
                    RunError::new(
                        format!("serializing the output of {subject}"),
                        Cause::Failed(error.into()),
                    )
                })?;
            Ok(Outcome::Completed(output))
        }))
    }

    fn state(&self) -> TaskState {
        TaskWrapper::state(self)
    }

    fn watch(&self) -> Watch<TaskState> {
        TaskWrapper::watch(self)
    }

    fn runs(&self) -> Vec<RunRecord> {
        TaskWrapper::runs(self)
    }

    fn check_completed(&self, action: Value) -> BoxFuture<'static, Result<bool, JsonError>> {
        let subject = format!("task '{}'", self.name());
        let check = match parse(&subject, &action) {
            Ok(action) => TaskWrapper::check_completed(self, action),
            Err(error) => return Box::pin(async move { Err(error) }),
        };
        Box::pin(
            async move { check.await.map_err(|error| JsonError::failed(&subject, error, action)) },
        )
    }

    fn check_known_actions(&self) -> BoxFuture<'static, Result<(), RunError>> {
        Box::pin(TaskWrapper::check_known_actions(self))
    }

    fn cancel(&self) -> BoxFuture<'static, TaskState> {
        Box::pin(TaskWrapper::cancel(self))
    }
}
