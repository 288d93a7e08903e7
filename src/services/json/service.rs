//! Services of different types as one trait object.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::JsonError;
use super::run::JsonRun;
use super::{Descriptor, erase, parse, read, written};
use crate::BoxFuture;
use crate::TaskInfo;
use crate::Watch;
use crate::services::service::{
    HealthError, NotReached, Service, ServicePhase, ServiceStartError, ServiceState,
    ServiceWrapper, SetUp, SetUpError, StopError,
};

/// A service with erased types: its actions and events are JSON.
///
/// Every [`ServiceWrapper`] implements it whose service's action is [`DeserializeOwned`] and
/// [`JsonSchema`], and whose event is [`Serialize`] and [`JsonSchema`]. A
/// [`ServiceStack`](crate::services::ServiceStack) holds many of them by name.
///
/// Methods with the name of a wrapper's method behave like that.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use async_runtime_compat::smol::SmolSpawner;
/// use async_runtime_compat::services::{
///     ActionContext, ActionService, JsonService, ServiceWrapper,
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
/// impl ActionService for Echoes {
///     type Action = Echo;
///     type Event = String;
///     type Error = std::convert::Infallible;
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

    /// The kind of service; see [`Service::type_name`].
    fn type_name(&self) -> &str;

    /// The JSON schema (draft 2020-12) of an action.
    fn action_schema(&self) -> Value;

    /// The JSON schema of an event.
    fn event_schema(&self) -> Value;

    /// The JSON schema of the result of an action. The default is that of `null`.
    fn output_schema(&self) -> Value {
        written::<()>()
    }

    /// The JSON schema of the error of an action. The default is that of a string: the message.
    fn error_schema(&self) -> Value {
        written::<String>()
    }

    /// The purpose of the service; see [`Service::description`]. The default is empty.
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

    /// Dispatches an action to the service; see [`ServiceWrapper::dispatch`].
    ///
    /// # Errors
    ///
    /// [`JsonError`] if the action is invalid, or the service does not accept actions now.
    fn dispatch(&self, action: Value) -> Result<JsonRun<()>, JsonError>;

    /// The present state.
    fn state(&self) -> ServiceState;

    /// Watches the state; see [`ServiceWrapper::watch`].
    fn watch(&self) -> Watch<ServiceState>;

    /// The tasks of the present run; see [`ServiceWrapper::tasks`].
    fn tasks(&self) -> Vec<TaskInfo>;

    /// Asks whether the service is set up; see [`ServiceWrapper::is_set_up`].
    fn is_set_up(&self) -> BoxFuture<'_, Result<SetUp, SetUpError>>;

    /// Sets the service up; see [`ServiceWrapper::set_up`].
    fn set_up(&self) -> BoxFuture<'_, Result<(), SetUpError>>;

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

    /// Runs the health check of the service; see [`ServiceWrapper::check_health`].
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

    fn description(&self) -> &str {
        self.service().description()
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

    fn is_set_up(&self) -> BoxFuture<'_, Result<SetUp, SetUpError>> {
        Box::pin(ServiceWrapper::is_set_up(self))
    }

    fn set_up(&self) -> BoxFuture<'_, Result<(), SetUpError>> {
        Box::pin(ServiceWrapper::set_up(self))
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
