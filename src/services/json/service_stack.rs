//! A registry of services by name, which starts and stops them in order.

mod error;
mod steps;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::Value;

use self::error::Kind;
pub use self::error::{StackSetUpError, StackStartError, StackStopError};
use self::steps::{Entry, Services, check_health, names, start, stop};
use super::Descriptor;
use super::error::{JsonError, RegisterError};
use super::run::JsonRun;
use super::service::JsonService;
use crate::Runtime;
use crate::services::contain::lock;
use crate::services::service::{HealthError, Service, ServiceState, ServiceWrapper, SetUp};

/// Services of different types by name, on one runtime: the parts of a server, for a wire protocol to
/// call.
///
/// Each service lists its dependencies: it starts after them, and stops before them.
///
/// Clones share the stack. Dropping the last one drops its wrappers, which aborts each service whose
/// [wrapper](ServiceWrapper) has no other clone.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use std::convert::Infallible;
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use async_runtime_compat::smol::SmolSpawner;
/// use async_runtime_compat::services::{ActionContext, Service, ServiceContext, ServiceStack};
/// use serde_json::json;
///
/// /// Repeats its actions.
/// struct Says;
///
/// impl Service for Says {
///     type Action = String;
///     type Event = String;
///     type Error = Infallible;
///     type Ready = ();
///
///     async fn start(&self, _: &ServiceContext) -> Result<(), Infallible> {
///         Ok(())
///     }
///
///     async fn run(&self, (): (), cx: ServiceContext) -> Result<(), Infallible> {
///         Ok(cx.cancel_token().cancelled().await)
///     }
///
///     async fn dispatch(&self, text: String, cx: ActionContext<String>) -> Result<(), Infallible> {
///         cx.emit(format!("{} says {text}", cx.service())).await;
///         Ok(())
///     }
/// }
///
/// # futures_lite::future::block_on(async {
/// let stack = ServiceStack::new(Arc::new(SmolSpawner));
/// stack.register("db", Says, &[])?;
/// stack.register("web", Says, &["db"])?;
/// stack.start_all().await?;
///
/// let mut run = stack.dispatch("web", json!("hello"))?;
/// assert_eq!(run.events.next().await.unwrap()?, json!("web says hello"));
///
/// let error = stack.dispatch("wob", json!("hello")).unwrap_err();
/// assert_eq!(error.to_string(), "unknown service 'wob'; registered: 'db', 'web'");
///
/// stack.stop_all(Duration::from_secs(10)).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// # }
/// ```
#[derive(Clone)]
pub struct ServiceStack {
    shared: Arc<Shared>,
}

struct Shared {
    runtime: Arc<dyn Runtime>,
    services: Mutex<Services>,
}

impl ServiceStack {
    /// An empty stack, whose services run on the runtime.
    #[must_use]
    pub fn new(runtime: Arc<dyn Runtime>) -> ServiceStack {
        ServiceStack { shared: Arc::new(Shared { runtime, services: Mutex::default() }) }
    }

    fn lock(&self) -> MutexGuard<'_, Services> {
        lock(&self.shared.services)
    }

    /// Wraps a service, to run on the stack's runtime, and adds it with the names of its
    /// dependencies. The name is the wrapper's name, too. Nothing is started.
    ///
    /// Dependencies may be registered later: they are resolved at the start.
    ///
    /// Returns the wrapper, for typed access.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] if the name is taken. The new service is dropped.
    #[track_caller]
    pub fn register<S>(
        &self,
        name: impl Into<String>,
        service: S,
        needs: &[&str],
    ) -> Result<ServiceWrapper<S>, RegisterError>
    where
        S: Service,
        S::Action: DeserializeOwned + JsonSchema,
        S::Event: Serialize + JsonSchema,
    {
        let name = name.into();
        let builder = ServiceWrapper::builder(self.shared.runtime.clone(), service);
        let wrapper = builder.name(&*name).build();
        self.insert(name, Arc::new(wrapper.clone()), needs)?;
        Ok(wrapper)
    }

    /// Adds a wrapped service: one on another runtime, with options, or with an implementation of
    /// [`JsonService`] other than [`ServiceWrapper`].
    ///
    /// # Errors
    ///
    /// [`RegisterError`] if the name is taken.
    pub fn insert(
        &self,
        name: impl Into<String>,
        service: Arc<dyn JsonService>,
        needs: &[&str],
    ) -> Result<(), RegisterError> {
        let name = name.into();
        let needs = needs.iter().map(|&name| name.to_owned()).collect();
        let mut services = self.lock();
        if services.contains_key(&name) {
            drop(services);
            return Err(RegisterError::duplicate(&subject(&name)));
        }
        services.insert(name, Entry { service, needs });
        Ok(())
    }

    /// Removes and returns a service. A running service continues until its last wrapper is dropped.
    #[must_use = "dropping the last wrapper of a service aborts it"]
    pub fn remove(&self, name: &str) -> Option<Arc<dyn JsonService>> {
        let entry = self.lock().remove(name);
        entry.map(|entry| entry.service)
    }

    /// The service with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<dyn JsonService>> {
        self.lock().get(name).map(|entry| entry.service.clone())
    }

    /// A snapshot of all services.
    fn all(&self) -> Services {
        self.lock().clone()
    }

    /// All services with their types, states and dependencies, in the order of their names.
    #[must_use]
    pub fn list(&self) -> Vec<StackedService> {
        let all = self.all().into_iter();
        all.map(|(name, Entry { service, needs })| {
            let (type_name, state) = (service.type_name().to_owned(), service.state());
            StackedService { name, type_name, state, needs }
        })
        .collect()
    }

    /// The distinct types of the services, sorted.
    #[must_use]
    pub fn list_types(&self) -> Vec<String> {
        let all = self.all();
        let types: BTreeSet<_> = all.values().map(|it| it.service.type_name().to_owned()).collect();
        types.into_iter().collect()
    }

    /// The descriptors of all services, ready to be serialized, in the order of their names.
    #[must_use]
    pub fn all_actions(&self) -> Vec<Descriptor> {
        let all = self.all().into_iter();
        all.map(|(name, it)| Descriptor { name, ..it.service.descriptor() }).collect()
    }

    /// Asks the service with this name whether it is set up, without starting it; see
    /// [`ServiceWrapper::is_set_up`].
    ///
    /// # Errors
    ///
    /// [`StackSetUpError`] if the name is unknown, or the service could not say.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the call.
    pub async fn is_set_up(&self, name: &str) -> Result<SetUp, StackSetUpError> {
        let service = self.to_set_up(name)?;
        service.is_set_up().await.map_err(StackSetUpError::failed)
    }

    /// Sets the service with this name up, without starting it; see [`ServiceWrapper::set_up`]. Its
    /// dependencies are not started, either.
    ///
    /// # Errors
    ///
    /// [`StackSetUpError`] if the name is unknown, or the set-up failed or was stopped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future after its first poll does not stop the set-up.
    pub async fn set_up(&self, name: &str) -> Result<(), StackSetUpError> {
        let service = self.to_set_up(name)?;
        service.set_up().await.map_err(StackSetUpError::failed)
    }

    fn to_set_up(&self, name: &str) -> Result<Arc<dyn JsonService>, StackSetUpError> {
        self.get(name).ok_or_else(|| StackSetUpError::unknown(name, names(&self.all())))
    }

    /// Dispatches an action to the service with this name; see [`JsonService::dispatch`].
    ///
    /// # Errors
    ///
    /// [`JsonError`] if the name is unknown, the action is invalid, or the service does not accept
    /// actions now. The message lists the registered names, or locates the invalid value and says what was
    /// expected.
    pub fn dispatch(&self, name: &str, action: Value) -> Result<JsonRun<()>, JsonError> {
        match self.get(name) {
            Some(service) => service.dispatch(action),
            None => Err(JsonError::unknown(subject(name), names(&self.all()), action)),
        }
    }

    /// Starts all services, each once its dependencies are running, and waits until all are running.
    ///
    /// Independent services start concurrently, and running ones are left as they are. A failed start
    /// holds back the services that depend on it, and no others; services that have started continue.
    /// Call [`stop_all`](ServiceStack::stop_all) to stop them.
    ///
    /// Do not call it concurrently with `stop_all`: neither takes account of what the other is about
    /// to do.
    ///
    /// # Errors
    ///
    /// [`StackStartError`] if a dependency is unknown or cyclic, in which case nothing was started, or
    /// if not all services started.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, starts that have begun continue, and no others begin. Calling it
    /// again carries on.
    pub async fn start_all(&self) -> Result<(), StackStartError> {
        let services = self.all();
        start(&services, services.keys().map(String::as_str)).await
    }

    /// Starts the service with this name, after its dependencies, like
    /// [`start_all`](ServiceStack::start_all).
    ///
    /// # Errors
    ///
    /// [`StackStartError`], also if the name is unknown.
    ///
    /// # Cancel safety
    ///
    /// As [`start_all`](ServiceStack::start_all).
    pub async fn start(&self, name: &str) -> Result<(), StackStartError> {
        let services = self.all();
        if !services.contains_key(name) {
            let (name, known) = (name.to_owned(), names(&services));
            return Err(StackStartError::new(Kind::Unknown { name, needed_by: None, known }));
        }
        start(&services, [name]).await
    }

    /// Stops all services, each once its dependents have stopped, and waits until all have.
    ///
    /// Independent services stop concurrently. The grace period of each begins with its own stop; see
    /// [`ServiceWrapper::stop`]. A service that fails or has to be aborted does not keep the others
    /// from stopping. Cyclic dependencies stop concurrently.
    ///
    /// # Errors
    ///
    /// [`StackStopError`], with all services that did not stop cleanly. All have stopped nevertheless.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, stops that have begun continue, and no others begin. Calling it again
    /// carries on.
    pub async fn stop_all(&self, grace: Duration) -> Result<(), StackStopError> {
        let services = self.all();
        stop(&services, services.keys().map(String::as_str), grace).await
    }

    /// Stops the service with this name, after its dependents, like
    /// [`stop_all`](ServiceStack::stop_all).
    ///
    /// # Errors
    ///
    /// [`StackStopError`], also if the name is unknown.
    ///
    /// # Cancel safety
    ///
    /// As [`stop_all`](ServiceStack::stop_all).
    pub async fn stop(&self, name: &str, grace: Duration) -> Result<(), StackStopError> {
        let services = self.all();
        if !services.contains_key(name) {
            let unknown = Some((name.to_owned(), names(&services)));
            return Err(StackStopError { failures: BTreeMap::new(), unknown });
        }
        stop(&services, [name], grace).await
    }

    /// Runs the health checks of all services concurrently, and returns the errors by name; see
    /// [`ServiceWrapper::check_health`]. If there are none, all services are running and healthy.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the checks.
    pub async fn check_health(&self, timeout: Duration) -> BTreeMap<String, HealthError> {
        check_health(&self.all(), timeout).await
    }
}

/// `service 'web'`
fn subject(name: &str) -> String {
    format!("service '{name}'")
}

impl fmt::Debug for ServiceStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(names(&self.all())).finish()
    }
}

/// A service of a [`ServiceStack`], as it was when [`ServiceStack::list`] was called.
///
/// It can be serialized:
/// `{"name": "web", "type": "app::Web", "state": {"state": "running"}, "needs": ["db"]}`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StackedService {
    /// The name under which it was registered.
    pub name: String,
    /// The kind of service; see [`Service::type_name`].
    pub type_name: String,
    /// Its state.
    pub state: ServiceState,
    /// The names of its dependencies.
    pub needs: Vec<String>,
}

impl Serialize for StackedService {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut info = serializer.serialize_struct("StackedService", 4)?;
        info.serialize_field("name", &self.name)?;
        info.serialize_field("type", &self.type_name)?;
        info.serialize_field("state", &self.state)?;
        info.serialize_field("needs", &self.needs)?;
        info.end()
    }
}
