//! A registry of jobs by name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::Value;

use super::Descriptor;
use super::error::{JsonError, RegisterError};
use super::run::JsonRun;
use super::task::JsonTask;
use crate::services::contain::lock;
use crate::services::run::RunError;
use crate::services::task::{Outcome, RunRecord, Task, TaskState, TaskWrapper};
use crate::{BoxFuture, Runtime};

/// Jobs of different types by name, on one runtime, for a wire protocol to call.
///
/// How often an action is done is decided by its job, as in a [`TaskWrapper`]: see [`Task::repeat`].
///
/// Clones share the stack. Dropping it stops nothing. [`cancel_all`](TaskStack::cancel_all) ends the
/// jobs; so does ending the group of the runtime, if it has one.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use std::sync::Arc;
///
/// use async_runtime_compat::smol::SmolSpawner;
/// use async_runtime_compat::services::{Outcome, Task, TaskContext, TaskStack};
/// use serde_json::json;
///
/// struct Greeter;
///
/// impl Task for Greeter {
///     type Action = String;
///     type Event = ();
///     type Output = String;
///     type Error = std::convert::Infallible;
///
///     async fn run(&self, name: String, _: TaskContext<()>) -> Result<String, Self::Error> {
///         Ok(format!("good evening, {name}"))
///     }
/// }
///
/// # futures_lite::future::block_on(async {
/// let stack = TaskStack::new(Arc::new(SmolSpawner));
/// stack.register("greeter", Greeter)?;
///
/// let greeting = stack.execute("greeter", json!("Ada"))?.await?;
/// assert_eq!(greeting, Outcome::Completed(json!("good evening, Ada")));
///
/// let error = stack.execute("greater", json!("Ada")).unwrap_err();
/// assert_eq!(error.to_string(), "unknown task 'greater'; registered: 'greeter'");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// # }
/// ```
#[derive(Clone)]
pub struct TaskStack {
    shared: Arc<Shared>,
}

struct Shared {
    runtime: Arc<dyn Runtime>,
    tasks: Mutex<BTreeMap<String, Arc<dyn JsonTask>>>,
}

impl TaskStack {
    /// An empty stack, whose jobs run on the runtime.
    #[must_use]
    pub fn new(runtime: Arc<dyn Runtime>) -> TaskStack {
        TaskStack { shared: Arc::new(Shared { runtime, tasks: Mutex::default() }) }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<dyn JsonTask>>> {
        lock(&self.shared.tasks)
    }

    /// Wraps a job, to run on the stack's runtime, and adds it. The name is the wrapper's name, too.
    ///
    /// Returns the wrapper, for typed access.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] if the name is taken. The new job is dropped.
    pub fn register<K>(
        &self,
        name: impl Into<String>,
        task: K,
    ) -> Result<TaskWrapper<K>, RegisterError>
    where
        K: Task,
        K::Action: DeserializeOwned + JsonSchema,
        K::Event: Serialize + JsonSchema,
        K::Output: Serialize + JsonSchema,
    {
        let name = name.into();
        let wrapper = TaskWrapper::builder(self.shared.runtime.clone(), task).name(&*name).build();
        self.insert(name, Arc::new(wrapper.clone()))?;
        Ok(wrapper)
    }

    /// Adds a wrapped job: one on another runtime, with options, or with an implementation of
    /// [`JsonTask`] other than [`TaskWrapper`].
    ///
    /// # Errors
    ///
    /// [`RegisterError`] if the name is taken.
    pub fn insert(
        &self,
        name: impl Into<String>,
        task: Arc<dyn JsonTask>,
    ) -> Result<(), RegisterError> {
        let name = name.into();
        let mut tasks = self.lock();
        if tasks.contains_key(&name) {
            drop(tasks);
            return Err(RegisterError::duplicate(&subject(&name)));
        }
        tasks.insert(name, task);
        Ok(())
    }

    /// Removes and returns a job. A running job continues.
    #[expect(clippy::must_use_candidate, reason = "the removal may be all that is wanted")]
    pub fn remove(&self, name: &str) -> Option<Arc<dyn JsonTask>> {
        self.lock().remove(name)
    }

    /// The job with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<dyn JsonTask>> {
        self.lock().get(name).cloned()
    }

    /// A snapshot of all jobs, in the order of their names.
    fn all(&self) -> Vec<(String, Arc<dyn JsonTask>)> {
        self.lock().iter().map(|(name, task)| (name.clone(), task.clone())).collect()
    }

    /// All jobs with their types, states and runs, in the order of their names.
    ///
    /// The listing tells which work was done by earlier processes only after it was asked for, with
    /// [`is_completed`](TaskStack::is_completed) or
    /// [`check_known_actions`](TaskStack::check_known_actions).
    #[must_use]
    pub fn list(&self) -> Vec<StackedTask> {
        let all = self.all().into_iter();
        all.map(|(name, task)| {
            let (type_name, state) = (task.type_name().to_owned(), task.state());
            StackedTask { name, type_name, state, runs: task.runs() }
        })
        .collect()
    }

    /// The distinct types of the jobs, sorted.
    #[must_use]
    pub fn list_types(&self) -> Vec<String> {
        let types: BTreeSet<_> =
            self.all().iter().map(|(_, task)| task.type_name().to_owned()).collect();
        types.into_iter().collect()
    }

    /// The descriptors of all jobs, ready to be serialized, in the order of their names.
    #[must_use]
    pub fn all_actions(&self) -> Vec<Descriptor> {
        let all = self.all().into_iter();
        all.map(|(name, task)| Descriptor { name, ..task.descriptor() }).collect()
    }

    /// Starts the job with this name; see [`JsonTask::execute`].
    ///
    /// # Errors
    ///
    /// [`JsonError`] if the name is unknown, the action is invalid, or the job is running. The
    /// message lists the registered names, or locates the invalid value and says what was expected.
    pub fn execute(&self, name: &str, action: Value) -> Result<JsonRun<Outcome<Value>>, JsonError> {
        match self.get(name) {
            Some(task) => task.execute(action),
            None => Err(self.unknown(name, action)),
        }
    }

    fn unknown(&self, name: &str, action: Value) -> JsonError {
        let known = self.lock().keys().cloned().collect();
        JsonError::unknown(subject(name), known, action)
    }

    /// Asks whether the work of an action of the job with this name is done, without a start; see
    /// [`TaskWrapper::check_completed`].
    ///
    /// The check is spawned by this call. If it finds the work done, [`list`](TaskStack::list) says so.
    ///
    /// # Errors
    ///
    /// [`JsonError`] if the name is unknown, the action is invalid, or the check fails.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the check.
    #[must_use = "dropping the future cancels the check"]
    pub fn is_completed(
        &self,
        name: &str,
        action: Value,
    ) -> BoxFuture<'static, Result<bool, JsonError>> {
        if let Some(task) = self.get(name) {
            return task.check_completed(action);
        }
        let error = self.unknown(name, action);
        Box::pin(async move { Err(error) })
    }

    /// Asks all jobs concurrently about their known actions; see [`Task::known_actions`].
    ///
    /// Call it when a process starts, so that [`list`](TaskStack::list) tells which work earlier
    /// processes have done. Returns the jobs with a check that failed, by name, each with its first
    /// error.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the checks. Answers that were given are kept.
    pub async fn check_known_actions(&self) -> BTreeMap<String, RunError> {
        let mut checks: Vec<_> = self
            .all()
            .into_iter()
            .map(|(name, task)| (name, Some(task.check_known_actions())))
            .collect();
        let mut failures = BTreeMap::new();
        poll_fn(|cx| {
            let mut is_pending = false;
            for (name, check) in &mut checks {
                match check.as_mut().map(|check| check.as_mut().poll(cx)) {
                    Some(Poll::Pending) => {
                        is_pending = true;
                        continue;
                    }
                    Some(Poll::Ready(Err(error))) => {
                        failures.insert(name.clone(), error);
                    }
                    Some(Poll::Ready(Ok(()))) | None => {}
                }
                *check = None;
            }
            if is_pending { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        failures
    }

    /// Cancels all running jobs concurrently, waits until each has ended, and returns the states in
    /// which they ended.
    ///
    /// The requests are made by this call. Dropping the future ends the wait and does not withdraw
    /// them. Jobs that are started later are not affected.
    #[must_use = "the requests are made; await the future to know that the jobs have ended"]
    pub fn cancel_all(&self) -> impl Future<Output = BTreeMap<String, TaskState>> + Send + use<> {
        let running = self.all().into_iter().filter(|(_, task)| task.state().is_running());
        let ends: Vec<_> = running.map(|(name, task)| (name, task.cancel())).collect();
        async move {
            let mut states = BTreeMap::new();
            for (name, end) in ends {
                states.insert(name, end.await);
            }
            states
        }
    }
}

/// `task 'import'`
fn subject(name: &str) -> String {
    format!("task '{name}'")
}

impl fmt::Debug for TaskStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all().iter().map(|(name, _)| name)).finish()
    }
}

/// A job of a [`TaskStack`], as it was when [`TaskStack::list`] was called.
///
/// It can be serialized: `{"name": "import", "type": "app::Import", "state": {"state": "running"},
/// "runs": [{"run": 1, "repeat": "always", "state": {"state": "running"}}]}`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StackedTask {
    /// The name under which it was registered.
    pub name: String,
    /// The kind of job; see [`Task::type_name`].
    pub type_name: String,
    /// The state of its latest run.
    pub state: TaskState,
    /// Its runs and their states; see [`TaskWrapper::runs`].
    pub runs: Vec<RunRecord>,
}

impl Serialize for StackedTask {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut info = serializer.serialize_struct("StackedTask", 4)?;
        info.serialize_field("name", &self.name)?;
        info.serialize_field("type", &self.type_name)?;
        info.serialize_field("state", &self.state)?;
        info.serialize_field("runs", &self.runs)?;
        info.end()
    }
}
