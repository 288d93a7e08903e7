//! A registry of jobs by name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::Value;

use super::Descriptor;
use super::error::{JsonError, RegisterError};
use super::run::JsonRun;
use super::task::JsonTask;
use crate::Runtime;
use crate::services::contain::lock;
use crate::services::task::{Outcome, Task, TaskState, TaskWrapper};

/// Jobs of different types by name, on one runtime, for a wire protocol to call.
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

    /// All jobs with their types and states, in the order of their names.
    #[must_use]
    pub fn list(&self) -> Vec<StackedTask> {
        let all = self.all().into_iter();
        all.map(|(name, task)| {
            let (type_name, state) = (task.type_name().to_owned(), task.state());
            StackedTask { name, type_name, state }
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
        let Some(task) = self.get(name) else {
            let known = self.lock().keys().cloned().collect();
            return Err(JsonError::unknown(subject(name), known, action));
        };
        task.execute(action)
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
/// It can be serialized: `{"name": "import", "type": "app::Import", "state": {"state": "running"}}`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StackedTask {
    /// The name under which it was registered.
    pub name: String,
    /// The kind of job; see [`Task::type_name`].
    pub type_name: String,
    /// Its state.
    pub state: TaskState,
}

impl Serialize for StackedTask {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut info = serializer.serialize_struct("StackedTask", 3)?;
        info.serialize_field("name", &self.name)?;
        info.serialize_field("type", &self.type_name)?;
        info.serialize_field("state", &self.state)?;
        info.end()
    }
}
