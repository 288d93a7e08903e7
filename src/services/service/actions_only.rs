//! Services that only take actions.

use std::future::Future;

use super::{Accepts, ActionContext, Service, ServiceContext, SetUp};
use crate::services::run::BoxError;

/// A [`Service`] that only takes actions, and so has nothing to start and nothing to run.
///
/// Each implementation is a [`Service`], whose methods are described there. It is started and stopped
/// like the others, and has resources to set up if it says so.
///
/// # Examples
///
/// ```
/// use async_runtime_compat::services::{Accepts, ActionContext, ActionService, BoxError};
///
/// /// Sends mail.
/// struct Mail;
///
/// impl ActionService for Mail {
///     type Action = String;
///     type Event = ();
///     type Error = BoxError;
///
///     async fn dispatch(&self, text: String, _: ActionContext<()>) -> Result<(), BoxError> {
///         println!("{text}");
///         Ok(())
///     }
///
///     /// It needs nothing that a start would provide.
///     fn accepts(&self) -> Accepts {
///         Accepts::Always
///     }
/// }
///
/// # #[cfg(feature = "smol")] {
/// # use std::sync::Arc;
/// # use async_runtime_compat::smol::SmolSpawner;
/// use async_runtime_compat::services::ServiceWrapper;
///
/// # futures_lite::future::block_on(async {
/// let mail = ServiceWrapper::new(Arc::new(SmolSpawner), Mail);
/// mail.dispatch("good evening".to_owned())?.await?;
/// # Ok::<(), BoxError>(())
/// # }).unwrap();
/// # }
/// ```
pub trait ActionService: Send + Sync + 'static {
    /// The actions that it accepts.
    type Action: Send + 'static;

    /// The events that an action emits while it runs.
    type Event: Send + 'static;

    /// The error of its methods: any error type, a [`BoxError`], or a `String`.
    type Error: Into<BoxError> + Send + 'static;

    /// Runs an action; see [`Service::dispatch`].
    ///
    /// # Errors
    ///
    /// The action fails with the error. The service continues to run.
    fn dispatch(
        &self,
        action: Self::Action,
        cx: ActionContext<Self::Event>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// When the service accepts actions; see [`Service::accepts`].
    fn accepts(&self) -> Accepts {
        Accepts::WhileRunning
    }

    /// Checks whether the resources of the service exist; see [`Service::is_set_up`].
    ///
    /// # Errors
    ///
    /// If the check fails. The start fails with the error.
    fn is_set_up(
        &self,
        cx: &ServiceContext,
    ) -> impl Future<Output = Result<SetUp, Self::Error>> + Send {
        let _ = cx;
        async { Ok(SetUp::Unchecked) }
    }

    /// Creates the resources of the service; see [`Service::set_up`].
    ///
    /// # Errors
    ///
    /// The start fails with the error.
    fn set_up(&self, cx: &ServiceContext) -> impl Future<Output = Result<(), Self::Error>> + Send {
        let _ = cx;
        async { Ok(()) }
    }

    /// Checks whether the service can do its work; see [`Service::check_health`].
    ///
    /// # Errors
    ///
    /// The service is unhealthy. It continues to run.
    fn check_health(
        &self,
        cx: &ServiceContext,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send {
        let _ = cx;
        async { Ok(()) }
    }

    /// The name of the kind of service; see [`Service::type_name`].
    fn type_name(&self) -> &str {
        std::any::type_name::<Self>()
    }

    /// The purpose of the service; see [`Service::description`].
    #[expect(clippy::unnecessary_literal_bound, reason = "an implementation may own its text")]
    fn description(&self) -> &str {
        ""
    }
}

impl<S: ActionService> Service for S {
    type Action = S::Action;
    type Event = S::Event;
    type Error = S::Error;
    type Ready = ();

    fn is_set_up(
        &self,
        cx: &ServiceContext,
    ) -> impl Future<Output = Result<SetUp, S::Error>> + Send {
        ActionService::is_set_up(self, cx)
    }

    fn set_up(&self, cx: &ServiceContext) -> impl Future<Output = Result<(), S::Error>> + Send {
        ActionService::set_up(self, cx)
    }

    async fn start(&self, _: &ServiceContext) -> Result<(), S::Error> {
        Ok(())
    }

    fn check_health(
        &self,
        cx: &ServiceContext,
    ) -> impl Future<Output = Result<(), S::Error>> + Send {
        ActionService::check_health(self, cx)
    }

    fn dispatch(
        &self,
        action: S::Action,
        cx: ActionContext<S::Event>,
    ) -> impl Future<Output = Result<(), S::Error>> + Send {
        ActionService::dispatch(self, action, cx)
    }

    fn accepts(&self) -> Accepts {
        ActionService::accepts(self)
    }

    fn type_name(&self) -> &str {
        ActionService::type_name(self)
    }

    fn description(&self) -> &str {
        ActionService::description(self)
    }
}
