//! Services: long-running parts of a program, with a lifecycle.

mod action;
mod actions_only;
mod builder;
mod context;
mod core;
mod error;
mod idle;
mod life;
mod lifecycle;
mod own;
mod setting_up;
mod settings;
mod state;
mod wrapper;

use std::future::Future;

pub use self::action::ActionContext;
pub use self::actions_only::ActionService;
pub use self::builder::ServiceWrapperBuilder;
pub use self::context::ServiceContext;
pub use self::error::{DispatchError, HealthError, NotReached, ServiceStartError, StopError};
pub use self::setting_up::SetUpError;
pub use self::state::{ServicePhase, ServiceState};
pub use self::wrapper::ServiceWrapper;
use crate::services::run::BoxError;

/// A long-running part of a program: a server, a poller, a connection to something.
///
/// It defines how it is set up, how it starts, and what it does until it is stopped. A
/// [`ServiceWrapper`] runs it, on any runtime, and decides when each of these happens.
///
/// The methods are native `async fn`s, and can be written so in the `impl`. Only
/// [`start`](Service::start) and [`dispatch`](Service::dispatch) are required. A service that only
/// takes actions implements [`ActionService`] instead, with `dispatch` alone.
///
/// # The methods in the order of their calls
///
/// | method                                  | when                                                        | on an error or a panic                     |
/// |-----------------------------------------|-------------------------------------------------------------|--------------------------------------------|
/// | [`is_set_up`](Service::is_set_up)       | on each start, and when it is [asked](ServiceWrapper::is_set_up) | the start fails                       |
/// | [`set_up`](Service::set_up)             | then, unless it returned [`SetUp::Done`]                    | the start fails                            |
/// | `is_set_up`                             | again, if it returned [`SetUp::Needed`]; must return `Done` | the start fails                            |
/// | [`start`](Service::start)               | then; the service is running when it returns                | the start fails                            |
/// | [`run`](Service::run)                   | then, until the token is cancelled                          | the service fails                          |
/// | [`check_health`](Service::check_health) | on each check, while `run` runs                             | it is unhealthy, and continues             |
/// | [`dispatch`](Service::dispatch)         | for each action, while `run` runs, or [always](Accepts::Always) | the action fails, and the service continues |
///
/// [`ServiceWrapper::set_up`] sets a service up without starting it, in the same way. A failure or a
/// panic fails that set-up.
///
/// A service that fails, or whose start fails, is [`Failed`](ServiceState::Failed) with the reason
/// once all of its tasks are gone. It can be started again. A service whose `run` returns `Ok` by
/// itself is [`Stopped`](ServiceState::Stopped).
///
/// # Stopping
///
/// A stop cancels the [token](ServiceContext::cancel_token) of the context. A service that ignores
/// the token is aborted at the end of the grace period. A service that is stopped while it starts
/// finishes its present method, within the grace period, and the next one is not called.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use std::io;
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use std::time::Duration;
///
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::tokio::TokioSpawner;
/// use async_runtime_compat::services::{ActionContext, Service, ServiceContext, ServiceWrapper};
///
/// /// Counts seconds.
/// #[derive(Default)]
/// struct Clock {
///     seconds: AtomicU64,
/// }
///
/// impl Service for Clock {
///     /// How many seconds to report.
///     type Action = u64;
///     type Event = u64;
///     type Error = io::Error;
///     /// A server would have its bound socket here.
///     type Ready = Interval;
///
///     async fn start(&self, cx: &ServiceContext) -> io::Result<Interval> {
///         Ok(cx.runtime().interval(Duration::from_secs(1)))
///     }
///
///     async fn run(&self, mut interval: Interval, cx: ServiceContext) -> io::Result<()> {
///         let token = cx.cancel_token();
///         while token.run_until_cancelled(interval.tick()).await.is_some() {
///             self.seconds.fetch_add(1, Ordering::Relaxed);
///         }
///         Ok(())
///     }
///
///     async fn dispatch(&self, count: u64, cx: ActionContext<u64>) -> io::Result<()> {
///         for _ in 0..count {
///             cx.emit(self.seconds.load(Ordering::Relaxed)).await;
///             cx.runtime().sleep(Duration::from_secs(1)).await;
///         }
///         Ok(())
///     }
/// }
///
/// # let tokio = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
/// # tokio.block_on(async {
/// let runtime = Arc::new(TokioSpawner::current()?);
/// let clock = ServiceWrapper::new(runtime, Clock::default());
/// clock.start().await?;
///
/// let mut report = clock.dispatch(3)?;
/// while let Some(second) = report.events.next().await {
///     println!("{second}");
/// }
/// report.handle.await?;
///
/// clock.stop(Duration::from_secs(10)).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// # }
/// ```
pub trait Service: Send + Sync + 'static {
    /// The actions that it accepts; [`Infallible`](std::convert::Infallible) if none.
    type Action: Send + 'static;

    /// The events that an action emits while it runs.
    type Event: Send + 'static;

    /// The error of its methods: any error type, a [`BoxError`], or a `String`.
    type Error: Into<BoxError> + Send + 'static;

    /// Passed from [`start`](Service::start) to [`run`](Service::run): a bound listener, an open
    /// connection; `()` if nothing.
    type Ready: Send + 'static;

    /// Checks whether the resources of the service (tables, folders, keys) exist.
    ///
    /// It may be called at any time, while the service runs, too. The default returns [`SetUp::Unchecked`].
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

    /// Creates the resources of the service.
    ///
    /// It may be called again after it has failed or was interrupted, and, with the default
    /// [`is_set_up`](Service::is_set_up), on each start. The default does nothing.
    ///
    /// # Errors
    ///
    /// The start fails with the error.
    fn set_up(&self, cx: &ServiceContext) -> impl Future<Output = Result<(), Self::Error>> + Send {
        let _ = cx;
        async { Ok(()) }
    }

    /// Starts the service: when this returns, the service is [`Running`](ServiceState::Running), and
    /// [`ServiceWrapper::start`] returns.
    ///
    /// # Errors
    ///
    /// The start fails with the error.
    fn start(
        &self,
        cx: &ServiceContext,
    ) -> impl Future<Output = Result<Self::Ready, Self::Error>> + Send;

    /// Runs the service until the token of the context is cancelled.
    ///
    /// The default keeps `ready` and waits for the token. When it returns, the token is cancelled, which ends the tasks spawned through the context.
    ///
    /// # Errors
    ///
    /// The service fails with the error.
    fn run(
        &self,
        ready: Self::Ready,
        cx: ServiceContext,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send {
        async move {
            cx.cancel_token().cancelled().await;
            drop(ready);
            Ok(())
        }
    }

    /// Checks whether the service can do its work. The default returns `Ok`.
    ///
    /// It is called while [`run`](Service::run) runs, possibly several times concurrently, and is
    /// dropped when the caller's timeout elapses.
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

    /// Runs an action, and reports its progress as events.
    ///
    /// It is called while the service [accepts](Service::accepts) actions, possibly several times
    /// concurrently, each in a task of its own. Its token is cancelled when the service or the action
    /// is stopped.
    ///
    /// # Errors
    ///
    /// The action fails with the error. The service continues to run.
    fn dispatch(
        &self,
        action: Self::Action,
        cx: ActionContext<Self::Event>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// When the service accepts actions; [`Accepts::WhileRunning`] by default, and if it panics.
    fn accepts(&self) -> Accepts {
        Accepts::WhileRunning
    }

    /// The name of the kind of service, for listings; the name of the Rust type by default.
    fn type_name(&self) -> &str {
        std::any::type_name::<Self>()
    }

    /// The purpose of the service, in a sentence or two, for listings; empty by default.
    #[expect(clippy::unnecessary_literal_bound, reason = "an implementation may own its text")]
    fn description(&self) -> &str {
        ""
    }
}

/// When a service accepts actions; see [`Service::accepts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Accepts {
    /// While it is [`Running`](ServiceState::Running).
    WhileRunning,
    /// Before it is started and set up, too, meanwhile, and after it has stopped or failed; not while it
    /// is [`Stopping`](ServiceState::Stopping).
    ///
    /// An action that is accepted while the service does not run belongs to no run: it continues when
    /// the service is started or restarted, and when `run` returns. A [`stop`](ServiceWrapper::stop) ends it, whether
    /// the service runs or not, and so does dropping the last wrapper. While a `stop` waits for such actions, others
    /// are refused with [`Stopping`](ServiceState::Stopping), whatever the state of the service is: await the stop
    /// before you try again.
    Always,
}

/// Whether the resources of a service exist; see [`Service::is_set_up`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SetUp {
    /// They exist: [`Service::set_up`] is not called.
    Done,
    /// `set_up` is called, and `is_set_up` must return [`Done`](SetUp::Done) after it.
    Needed,
    /// `set_up` is called, and its effect is not checked.
    Unchecked,
}
