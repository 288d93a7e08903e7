//! A long-running part of a program, with a lifecycle.

mod action;
mod context;
mod error;
mod life;
mod lifecycle;
mod own;
mod settings;
mod state;
mod wrapper;

use std::future::Future;

pub use self::action::ActionContext;
pub use self::context::ServiceContext;
pub use self::error::{DispatchError, HealthError, NotReached, ServiceStartError, StopError};
pub use self::settings::ServiceWrapperBuilder;
pub use self::state::{ServicePhase, ServiceState};
pub use self::wrapper::ServiceWrapper;
use crate::run::BoxError;

/// A long-running part of a program: a server, a poller, a connection to something.
///
/// It says how it is set up, how it starts, and what it does until it is told to stop. When that
/// happens, and what is true then, is the matter of a [`ServiceWrapper`], which runs it on any
/// runtime.
///
/// The methods are native `async fn`s: write them so in the `impl`. Only [`start`](Service::start),
/// [`run`](Service::run) and [`dispatch`](Service::dispatch) have to be there.
///
/// # The methods in their order
///
/// | method                             | when                                      | an error, or a panic               |
/// |------------------------------------|-------------------------------------------|------------------------------------|
/// | [`is_set_up`](Service::is_set_up)  | at each start                             | the start fails                    |
/// | [`set_up`](Service::set_up)        | then, unless that says [`SetUp::Done`]    | the start fails                    |
/// | `is_set_up`                        | again, if it said [`SetUp::Needed`]; it must say `Done` | the start fails      |
/// | [`start`](Service::start)          | then; when it returns, the service is running | the start fails                |
/// | [`run`](Service::run)              | then, until the token is cancelled        | the service fails                  |
/// | [`check_health`](Service::check_health) | when it is asked, while `run` runs   | it is not healthy, and runs on     |
/// | [`dispatch`](Service::dispatch)    | for each action, while `run` runs         | the action fails, and the service runs on |
///
/// A service that fails, or whose start fails, is [`Failed`](ServiceState::Failed) with the reason,
/// once all that it spawned is gone. It can be started again. One whose `run` returns `Ok` without
/// being told to is [`Stopped`](ServiceState::Stopped).
///
/// # Stopping
///
/// The [token](ServiceContext::cancel_token) of the context is cancelled. A service that looks at
/// it in none of its methods is aborted at the end of the grace period. One that is told to stop
/// while it starts finishes the method that it is in, if that takes no longer than the grace
/// period, and is not asked for the next one.
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
/// use async_runtime_compat::{ActionContext, Service, ServiceContext, ServiceWrapper};
///
/// /// Counts seconds.
/// #[derive(Default)]
/// struct Clock {
///     seconds: AtomicU64,
/// }
///
/// impl Service for Clock {
///     /// How many seconds to count along.
///     type Action = u64;
///     type Event = u64;
///     type Error = io::Error;
///     /// What a server would have bound by now.
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
/// let mut along = clock.dispatch(3)?;
/// while let Some(second) = along.events.next().await {
///     println!("{second}");
/// }
/// along.handle.await?;
///
/// clock.stop(Duration::from_secs(10)).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// # }
/// ```
pub trait Service: Send + Sync + 'static {
    /// What the service can be asked to do. [`Infallible`](std::convert::Infallible) if nothing.
    type Action: Send + 'static;

    /// What an action tells while it runs.
    type Event: Send + 'static;

    /// Why something did not work out: any error, a [`BoxError`], or a `String`.
    type Error: Into<BoxError> + Send + 'static;

    /// What [`start`](Service::start) hands on to [`run`](Service::run): a listener that is bound,
    /// a connection that is open. `()` if nothing.
    type Ready: Send + 'static;

    /// Whether what the service needs to have at hand (tables, folders, keys) is there.
    ///
    /// The default is [`SetUp::Unchecked`].
    ///
    /// # Errors
    ///
    /// If it cannot be told. The start fails.
    fn is_set_up(
        &self,
        cx: &ServiceContext,
    ) -> impl Future<Output = Result<SetUp, Self::Error>> + Send {
        let _ = cx;
        async { Ok(SetUp::Unchecked) }
    }

    /// Provides what the service needs to have at hand.
    ///
    /// It may be called again after it has failed or was cut off half-way, and, if
    /// [`is_set_up`](Service::is_set_up) is left as it is, at each start. The default does nothing.
    ///
    /// # Errors
    ///
    /// The start fails.
    fn set_up(&self, cx: &ServiceContext) -> impl Future<Output = Result<(), Self::Error>> + Send {
        let _ = cx;
        async { Ok(()) }
    }

    /// Gets ready: when it returns, the service is [`Running`](ServiceState::Running), and whoever
    /// waits for its start goes on.
    ///
    /// # Errors
    ///
    /// The start fails.
    fn start(
        &self,
        cx: &ServiceContext,
    ) -> impl Future<Output = Result<Self::Ready, Self::Error>> + Send;

    /// Does what the service is there for, until the token of the context is cancelled.
    ///
    /// When it returns, the token is cancelled for all that was spawned in the context, too.
    ///
    /// # Errors
    ///
    /// The service fails.
    fn run(
        &self,
        ready: Self::Ready,
        cx: ServiceContext,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Whether the service is in a condition to do its work. The default is that it is.
    ///
    /// It is called while [`run`](Service::run) runs, possibly several times at once, and dropped
    /// when the time is out which the asker has given it.
    ///
    /// # Errors
    ///
    /// The service is not healthy. It runs on.
    fn check_health(
        &self,
        cx: &ServiceContext,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send {
        let _ = cx;
        async { Ok(()) }
    }

    /// Does what is asked for, and tells of it with events.
    ///
    /// It is called while [`run`](Service::run) runs, possibly several times at once; each is a
    /// task of its own. Its token is cancelled when the service is to stop, or the action is.
    ///
    /// # Errors
    ///
    /// The action fails. The service runs on.
    fn dispatch(
        &self,
        action: Self::Action,
        cx: ActionContext<Self::Event>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// What the kind of service is called where different ones are listed: the name of the type, if
    /// not given.
    fn type_name(&self) -> &str {
        std::any::type_name::<Self>()
    }
}

/// Whether a service has what it needs to have at hand; see [`Service::is_set_up`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SetUp {
    /// It is all there: [`Service::set_up`] is not called.
    Done,
    /// `set_up` is called, and then it must be [`Done`](SetUp::Done).
    Needed,
    /// `set_up` is called, and nobody looks what came of it.
    Unchecked,
}
