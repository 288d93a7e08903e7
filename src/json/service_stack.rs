//! Services by name, and the order that they start and stop in.

mod error;
mod order;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::Value;

use self::error::Kind;
pub use self::error::{StackStartError, StackStopError};
use self::order::{Disorder, Entry, Failure, Order, Services, to_start, to_stop, walk};
use super::error::{JsonError, RegisterError};
use super::run::JsonRun;
use super::service::JsonService;
use crate::seam::Runtime;
use crate::service::{HealthError, Service, ServiceState, ServiceWrapper};

/// Services by name, of different types, on one runtime: what a server is made of, and what a wire
/// protocol calls.
///
/// Each names those that it needs: it starts after them, and stops before them.
///
/// Clones are the same stack. Dropping the last one drops its wrappers: a service that nobody else
/// has a [wrapper](ServiceWrapper) of is aborted.
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
/// use async_runtime_compat::{ActionContext, Service, ServiceContext, ServiceStack};
/// use serde_json::json;
///
/// /// Says what it is asked to.
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
/// assert_eq!(error.to_string(), "there is no service 'wob'; there are 'db', 'web'");
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
    /// An empty one, whose services run on the runtime.
    #[must_use]
    pub fn new(runtime: Arc<dyn Runtime>) -> ServiceStack {
        ServiceStack { shared: Arc::new(Shared { runtime, services: Mutex::default() }) }
    }

    fn lock(&self) -> MutexGuard<'_, Services> {
        // Nothing of the user's runs under the lock, so there is no panic that could poison it.
        self.shared.services.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wraps a service that is to run on the stack's runtime, and adds it with the names of those
    /// that it needs. Its name is its wrapper's, too. Nothing is started.
    ///
    /// What it needs may be registered later: whether it is there is a matter of the start.
    ///
    /// Gives the wrapper, for whoever knows the types.
    ///
    /// # Errors
    ///
    /// [`RegisterError`] if there is a service of this name. The new one is dropped.
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

    /// Adds a service that was wrapped already, perhaps on another runtime, with a grace period, or
    /// by something else than a [`ServiceWrapper`].
    ///
    /// # Errors
    ///
    /// [`RegisterError`] if there is a service of this name.
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

    /// Takes a service out, and gives it. If it runs, it runs on for as long as somebody has it.
    #[must_use = "a service that nobody else has is aborted when it is dropped"]
    pub fn remove(&self, name: &str) -> Option<Arc<dyn JsonService>> {
        let entry = self.lock().remove(name);
        entry.map(|entry| entry.service)
    }

    /// The service of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<dyn JsonService>> {
        self.lock().get(name).map(|entry| entry.service.clone())
    }

    /// All services, as they are at one moment.
    fn all(&self) -> Services {
        self.lock().clone()
    }

    /// The services that there are, with their types, their states and what they need, in the order
    /// of their names.
    #[must_use]
    pub fn list(&self) -> Vec<StackedService> {
        let all = self.all().into_iter();
        all.map(|(name, Entry { service, needs })| {
            let (type_name, state) = (service.type_name().to_owned(), service.state());
            StackedService { name, type_name, state, needs }
        })
        .collect()
    }

    /// The types of the services that there are, each once, in their order.
    #[must_use]
    pub fn list_types(&self) -> Vec<String> {
        let all = self.all();
        let types: BTreeSet<_> = all.values().map(|it| it.service.type_name().to_owned()).collect();
        types.into_iter().collect()
    }

    /// The names of the services that there are, each with the JSON schema of its action.
    #[must_use]
    pub fn all_actions(&self) -> BTreeMap<String, Value> {
        self.all().into_iter().map(|(name, it)| (name, it.service.action_schema())).collect()
    }

    /// Passes an action on to the service of this name; see [`JsonService::dispatch`].
    ///
    /// # Errors
    ///
    /// [`JsonError`] if there is none, if the action does not fit, or if the service does not run.
    /// Nothing is begun then. It lists the names that there are, or says where the action does not
    /// fit and what was expected.
    pub fn dispatch(&self, name: &str, action: Value) -> Result<JsonRun<()>, JsonError> {
        match self.get(name) {
            Some(service) => service.dispatch(action),
            None => Err(JsonError::unknown(subject(name), names(&self.all()), action)),
        }
    }

    /// Starts all services, each when those that it needs are running, and waits until all are.
    ///
    /// It is not to be mixed with a [`stop_all`](ServiceStack::stop_all) at the same time: each looks at
    /// a service when it is that one's turn, and takes no account of what the other is about to do.
    ///
    /// Those that do not need each other start at the same time. Those that run already are left as
    /// they are. One that does not start holds back those that need it, and no others: what has
    /// started runs on. [`stop_all`](ServiceStack::stop_all) ends that if it is of no use.
    ///
    /// # Errors
    ///
    /// [`StackStartError`]: either a service needs one that there is not, or services need each
    /// other in a circle, and nothing was started; or not all did start.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, those whose start was begun go on, and no other is begun. Calling it again
    /// carries on.
    pub async fn start_all(&self) -> Result<(), StackStartError> {
        let services = self.all();
        let names = services.keys().map(String::as_str);
        start(&services, to_start(&services, names)).await
    }

    /// Starts the service of this name, and before it those that it needs, as
    /// [`start_all`](ServiceStack::start_all) does.
    ///
    /// # Errors
    ///
    /// [`StackStartError`], also if there is no service of this name.
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
        start(&services, to_start(&services, [name])).await
    }

    /// Stops all services, each when those that need it have stopped, and waits until all have.
    ///
    /// Those that do not need each other stop at the same time. Each has the grace period, from the
    /// moment that it is its turn; see [`ServiceWrapper::stop`]. One that fails, or that has to be
    /// aborted, does not keep the others from stopping. Services that need each other in a circle
    /// stop at the same time.
    ///
    /// # Errors
    ///
    /// [`StackStopError`], with all that did not stop as they should have. Stopped they are.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, those whose stop was begun go on to stop, and no other is begun. Calling it
    /// again carries on.
    pub async fn stop_all(&self, grace: Duration) -> Result<(), StackStopError> {
        let services = self.all();
        stop(&services, to_stop(&services, services.keys().map(String::as_str)), grace).await
    }

    /// Stops the service of this name, and before it those that need it, as
    /// [`stop_all`](ServiceStack::stop_all) does.
    ///
    /// # Errors
    ///
    /// [`StackStopError`], also if there is no service of this name.
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
        stop(&services, to_stop(&services, [name]), grace).await
    }

    /// Asks all services at the same time whether they are healthy, and gives what was wrong, by
    /// name; see [`ServiceWrapper::check_health`]. If it is empty, all run and are healthy.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the checks.
    pub async fn check_health(&self, timeout: Duration) -> BTreeMap<String, HealthError> {
        let services = self.all();
        let order = services.keys().map(|name| (name.as_str(), BTreeSet::new())).collect();
        let walked =
            walk(&services, order, Failure::IsPassedOver, |service| service.check_health(timeout));
        walked.await.failures
    }
}

async fn start<'a>(
    services: &'a Services,
    order: Result<Order<'a>, Disorder>,
) -> Result<(), StackStartError> {
    let order = order.map_err(|disorder| {
        StackStartError::new(match disorder {
            Disorder::Cycle(names) => Kind::Cycle(names),
            Disorder::Unknown { service, needs } => {
                let known = names(services);
                Kind::Unknown { name: needs, needed_by: Some(service), known }
            }
        })
    })?;
    let walked = walk(services, order, Failure::HoldsBack, |service| service.start()).await;
    if walked.failures.is_empty() {
        return Ok(());
    }
    let (failures, held_back) = (walked.failures, walked.held_back);
    Err(StackStartError::new(Kind::Failed { failures, held_back }))
}

async fn stop<'a>(
    services: &'a Services,
    order: Order<'a>,
    grace: Duration,
) -> Result<(), StackStopError> {
    let walked = walk(services, order, Failure::IsPassedOver, |service| service.stop(grace)).await;
    if walked.failures.is_empty() {
        return Ok(());
    }
    Err(StackStopError { failures: walked.failures, unknown: None })
}

fn names(services: &Services) -> Vec<String> {
    services.keys().cloned().collect()
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
/// It can be serialised:
/// `{"name": "web", "type": "app::Web", "state": {"state": "running"}, "needs": ["db"]}`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StackedService {
    /// The name that it was registered by.
    pub name: String,
    /// What kind of service it is; see [`Service::type_name`].
    pub type_name: String,
    /// The state that it is in.
    pub state: ServiceState,
    /// The names of those that it needs.
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
