//! Jobs by name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::Value;

use super::error::{JsonError, RegisterError};
use super::run::JsonRun;
use super::task::JsonTask;
use crate::seam::Runtime;
use crate::task::{Outcome, Task, TaskState, TaskWrapper};

/// Jobs by name, of different types, on one runtime: what a wire protocol calls.
///
/// Clones are the same stack. Dropping it stops nothing; [`cancel_all`](TaskStack::cancel_all)
/// does, and so does ending the group that the runtime spawns in, if it has one.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use std::sync::Arc;
///
/// use async_runtime_compat::smol::SmolSpawner;
/// use async_runtime_compat::{Outcome, Task, TaskContext, TaskStack};
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
/// assert_eq!(error.to_string(), "there is no task 'greater'; there are 'greeter'");
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
    /// An empty one, whose jobs run on the runtime.
    #[must_use]
    pub fn new(runtime: Arc<dyn Runtime>) -> TaskStack {
        TaskStack { shared: Arc::new(Shared { runtime, tasks: Mutex::default() }) }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<dyn JsonTask>>> {
        // Nothing of the user's runs under the lock, so there is no panic that could poison it.
        self.shared.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wraps a job that is to run on the stack's runtime, and adds it. Its name is its wrapper's,
    /// too.
    ///
    /// Gives the wrapper, for whoever knows the types.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] if there is a job of this name. The new one is dropped.
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

    /// Adds a job that was wrapped already, perhaps on another runtime, with a grace period, or by
    /// something else than a [`TaskWrapper`].
    ///
    /// # Errors
    ///
    /// [`RegisterError`] if there is a job of this name.
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

    /// Takes a job out, and gives it. If it runs, it runs on.
    #[expect(clippy::must_use_candidate, reason = "who takes it out may want no more")]
    pub fn remove(&self, name: &str) -> Option<Arc<dyn JsonTask>> {
        self.lock().remove(name)
    }

    /// The job of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<dyn JsonTask>> {
        self.lock().get(name).cloned()
    }

    /// All jobs, as they are at one moment, in the order of their names.
    fn all(&self) -> Vec<(String, Arc<dyn JsonTask>)> {
        self.lock().iter().map(|(name, task)| (name.clone(), task.clone())).collect()
    }

    /// The jobs that there are, with their types and states, in the order of their names.
    #[must_use]
    pub fn list(&self) -> Vec<StackedTask> {
        let all = self.all().into_iter();
        all.map(|(name, task)| {
            let (type_name, state) = (task.type_name().to_owned(), task.state());
            StackedTask { name, type_name, state }
        })
        .collect()
    }

    /// The types of the jobs that there are, each once, in their order.
    #[must_use]
    pub fn list_types(&self) -> Vec<String> {
        let types: BTreeSet<_> =
            self.all().iter().map(|(_, task)| task.type_name().to_owned()).collect();
        types.into_iter().collect()
    }

    /// The names of the jobs that there are, each with the JSON schema of its action.
    #[must_use]
    pub fn all_actions(&self) -> BTreeMap<String, Value> {
        self.all().into_iter().map(|(name, task)| (name, task.action_schema())).collect()
    }

    /// Starts the job of this name; see [`JsonTask::execute`].
    ///
    /// # Errors
    ///
    /// [`JsonError`] if there is none, if the action does not fit, or if the job runs. Nothing is
    /// started then. It lists the names that there are, or says where the action does not fit and
    /// what was expected.
    pub fn execute(&self, name: &str, action: Value) -> Result<JsonRun<Outcome<Value>>, JsonError> {
        let Some(task) = self.get(name) else {
            let known = self.lock().keys().cloned().collect();
            return Err(JsonError::unknown(subject(name), known, action));
        };
        task.execute(action)
    }

    /// Cancels all jobs that run, at the same time, waits until each has ended, and gives the states
    /// that they ended with.
    ///
    /// The requests are made by this call. Dropping the future ends the wait, and does not take the
    /// requests back. Jobs that are started meanwhile are not concerned.
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
/// It can be serialised: `{"name": "import", "type": "app::Import", "state": {"state": "running"}}`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StackedTask {
    /// The name that it was registered by.
    pub name: String,
    /// What kind of job it is; see [`Task::type_name`].
    pub type_name: String,
    /// How far it has got.
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
