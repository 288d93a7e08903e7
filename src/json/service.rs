//! Services of different types as one.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::JsonError;
use super::run::JsonRun;
use super::{erase, parse, read, written};
use crate::group::TaskInfo;
use crate::service::{
    HealthError, NotReached, Service, ServicePhase, ServiceStartError, ServiceState,
    ServiceWrapper, StopError,
};
use crate::spawner::BoxFuture;
use crate::watch::Watch;

/// A service whose types are not known: its actions and events are JSON.
///
/// There is nothing to implement: a [`ServiceWrapper`] is one, if the action of its service is
/// [`DeserializeOwned`] and [`JsonSchema`], and the event is [`Serialize`] and [`JsonSchema`]. A
/// [`ServiceStack`](crate::ServiceStack) holds many of them by name.
///
/// The methods that it has in common with the wrapper do what they do there.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use async_runtime_compat::smol::SmolSpawner;
/// use async_runtime_compat::{
///     ActionContext, JsonService, Service, ServiceContext, ServiceWrapper,
/// };
/// use schemars::JsonSchema;
/// use serde::Deserialize;
/// use serde_json::json;
///
/// #[derive(Deserialize, JsonSchema)]
/// struct Echo {
///     text: String,
///     times: u8,
/// }
///
/// struct Echoes;
///
/// impl Service for Echoes {
///     type Action = Echo;
///     type Event = String;
///     type Error = std::convert::Infallible;
///     type Ready = ();
///
///     async fn start(&self, _: &ServiceContext) -> Result<(), Self::Error> {
///         Ok(())
///     }
///
///     async fn run(&self, (): (), cx: ServiceContext) -> Result<(), Self::Error> {
///         Ok(cx.cancel_token().cancelled().await)
///     }
///
///     async fn dispatch(&self, echo: Echo, cx: ActionContext<String>) -> Result<(), Self::Error> {
///         for _ in 0..echo.times {
///             cx.emit(echo.text.clone()).await;
///         }
///         Ok(())
///     }
/// }
///
/// # futures_lite::future::block_on(async {
/// let service: Arc<dyn JsonService> = Arc::new(ServiceWrapper::new(Arc::new(SmolSpawner), Echoes));
/// service.start().await?;
///
/// let error = service.dispatch(json!({ "text": "hello", "times": -1 })).unwrap_err();
/// assert_eq!(error.path(), Some("times"));
///
/// let mut echo = service.dispatch(json!({ "text": "hello", "times": 2 }))?;
/// assert_eq!(echo.events.next().await.unwrap()?, json!("hello"));
/// echo.await?;
///
/// service.stop(Duration::from_secs(10)).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// # }
/// ```
pub trait JsonService: Send + Sync + fmt::Debug + 'static {
    /// The name of the service; see [`ServiceWrapper::name`].
    fn name(&self) -> &str;

    /// What kind of service it is; see [`Service::type_name`].
    fn type_name(&self) -> &str;

    /// What an action looks like, as a JSON schema (draft 2020-12).
    fn action_schema(&self) -> Value;

    /// What an event looks like, as a JSON schema.
    fn event_schema(&self) -> Value;

    /// Passes an action on to the service; see [`ServiceWrapper::dispatch`].
    ///
    /// # Errors
    ///
    /// [`JsonError`] if the action does not fit, or the service does not run. Nothing is begun
    /// then.
    fn dispatch(&self, action: Value) -> Result<JsonRun<()>, JsonError>;

    /// The state as it is now.
    fn state(&self) -> ServiceState;

    /// Watches the state; see [`ServiceWrapper::watch`].
    fn watch(&self) -> Watch<ServiceState>;

    /// The tasks of the present run; see [`ServiceWrapper::tasks`].
    fn tasks(&self) -> Vec<TaskInfo>;

    /// Starts the service; see [`ServiceWrapper::start`].
    fn start(&self) -> BoxFuture<'_, Result<(), ServiceStartError>>;

    /// Stops the service; see [`ServiceWrapper::stop`].
    fn stop(&self, grace: Duration) -> BoxFuture<'_, Result<(), StopError>>;

    /// Stops the service and starts it again; see [`ServiceWrapper::restart`].
    fn restart(&self, grace: Duration) -> BoxFuture<'_, Result<(), ServiceStartError>>;

    /// Waits for a state; see [`ServiceWrapper::wait_for`].
    fn wait_for(
        &self,
        phase: ServicePhase,
        timeout: Duration,
    ) -> BoxFuture<'_, Result<ServiceState, NotReached>>;

    /// Asks the service whether it is healthy; see [`ServiceWrapper::check_health`].
    fn check_health(&self, timeout: Duration) -> BoxFuture<'_, Result<(), HealthError>>;
}

impl<S> JsonService for ServiceWrapper<S>
where
    S: Service,
    S::Action: DeserializeOwned + JsonSchema,
    S::Event: Serialize + JsonSchema,
{
    fn name(&self) -> &str {
        ServiceWrapper::name(self)
    }

    fn type_name(&self) -> &str {
        self.service().type_name()
    }

    fn action_schema(&self) -> Value {
        read::<S::Action>()
    }

    fn event_schema(&self) -> Value {
        written::<S::Event>()
    }

    fn dispatch(&self, action: Value) -> Result<JsonRun<()>, JsonError> {
        let subject = format!("service '{}'", self.name());
        match ServiceWrapper::dispatch(self, parse(&subject, &action)?) {
            Ok(run) => Ok(erase(subject, run, Ok)),
            Err(error) => {
                Err(JsonError::refused(&subject, Box::new(error.without_action()), action))
            }
        }
    }

    fn state(&self) -> ServiceState {
        ServiceWrapper::state(self)
    }

    fn watch(&self) -> Watch<ServiceState> {
        ServiceWrapper::watch(self)
    }

    fn tasks(&self) -> Vec<TaskInfo> {
        ServiceWrapper::tasks(self)
    }

    fn start(&self) -> BoxFuture<'_, Result<(), ServiceStartError>> {
        Box::pin(ServiceWrapper::start(self))
    }

    fn stop(&self, grace: Duration) -> BoxFuture<'_, Result<(), StopError>> {
        Box::pin(ServiceWrapper::stop(self, grace))
    }

    fn restart(&self, grace: Duration) -> BoxFuture<'_, Result<(), ServiceStartError>> {
        Box::pin(ServiceWrapper::restart(self, grace))
    }

    fn wait_for(
        &self,
        phase: ServicePhase,
        timeout: Duration,
    ) -> BoxFuture<'_, Result<ServiceState, NotReached>> {
        Box::pin(ServiceWrapper::wait_for(self, phase, timeout))
    }

    fn check_health(&self, timeout: Duration) -> BoxFuture<'_, Result<(), HealthError>> {
        Box::pin(ServiceWrapper::check_health(self, timeout))
    }
}
