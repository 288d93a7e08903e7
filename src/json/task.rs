//! Jobs of different types as one.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::JsonError;
use super::run::JsonRun;
use super::{erase, parse, read, to_value, written};
use crate::run::{Cause, RunError};
use crate::spawner::BoxFuture;
use crate::task::{Outcome, Task, TaskState, TaskWrapper};
use crate::watch::Watch;

/// A job whose types are not known: its actions, events and outputs are JSON.
///
/// There is nothing to implement: a [`TaskWrapper`] is one, if the action of its task is
/// [`DeserializeOwned`] and [`JsonSchema`], and the event and the output are [`Serialize`] and
/// [`JsonSchema`]. A [`TaskStack`](crate::TaskStack) holds many of them by name.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use std::sync::Arc;
///
/// use async_runtime_compat::smol::SmolSpawner;
/// use async_runtime_compat::{JsonTask, Outcome, Task, TaskContext, TaskWrapper};
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

    /// What kind of job it is; see [`Task::type_name`].
    fn type_name(&self) -> &str;

    /// What an action looks like, as a JSON schema (draft 2020-12).
    fn action_schema(&self) -> Value;

    /// What an event looks like, as a JSON schema.
    fn event_schema(&self) -> Value;

    /// What the output looks like, as a JSON schema.
    fn output_schema(&self) -> Value;

    /// Starts the job; see [`TaskWrapper::start`].
    ///
    /// An output that cannot be told as JSON is an error of the handle. The job has completed
    /// nevertheless. The place that a group lists for the job is in this crate.
    ///
    /// # Errors
    ///
    /// [`JsonError`] if the action does not fit, or the job runs. Nothing is started then.
    fn execute(&self, action: Value) -> Result<JsonRun<Outcome<Value>>, JsonError>;

    /// How far the job has got.
    fn state(&self) -> TaskState;

    /// Watches the state; see [`TaskWrapper::watch`].
    fn watch(&self) -> Watch<TaskState>;

    /// Requests that the job end, waits until it has, and gives the state that it ended with; see
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
            let output = to_value(&subject, &output).map_err(|error| {
                RunError::new(
                    format!("telling the output of {subject}"),
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

    fn cancel(&self) -> BoxFuture<'static, TaskState> {
        Box::pin(TaskWrapper::cancel(self))
    }
}
