//! Events and a result: what starting a job or dispatching an action returns.

mod end;
mod error;
mod grace;
mod last;
mod promise;
mod work;

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::CancelToken;
use crate::services::events::Events;

pub(crate) use self::end::spawn_with_end;
pub(crate) use self::error::Cause;
pub use self::error::{BoxError, RunError, full_message};
pub(crate) use self::grace::Grace;
pub(crate) use self::last::when_empty;
pub(crate) use self::promise::{Promise, Promised, promise};
pub(crate) use self::work::Work;

/// A job or an action that was started: its events and its future result.
///
/// Dropping it, or one of its parts, stops nothing.
///
/// Awaiting the whole gives the result and drops the events. To use both, take it apart. Read the
/// events while the result is awaited: they come through a bounded channel, and an emitter waits
/// while it is full.
///
/// # Examples
///
/// ```
/// use async_runtime_compat::services::{Run, RunError};
///
/// async fn report<T>(run: Run<String, T>) -> Result<T, RunError> {
///     let Run { mut events, handle, .. } = run;
///     while let Some(event) = events.next().await {
///         println!("{event}");
///     }
///     handle.await
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "dropping it stops nothing, and drops the events and the result"]
pub struct Run<E, T> {
    /// The events, in the order in which they were emitted.
    pub events: Events<E>,
    /// The result.
    pub handle: RunHandle<T>,
}

impl<E, T> Run<E, T> {
    pub(crate) fn new(events: Events<E>, handle: RunHandle<T>) -> Run<E, T> {
        Run { events, handle }
    }
}

impl<E, T> IntoFuture for Run<E, T> {
    type Output = Result<T, RunError>;
    type IntoFuture = RunHandle<T>;

    fn into_future(self) -> RunHandle<T> {
        self.handle
    }
}

/// A handle to a job or an action that was started: await it for the result.
///
/// Dropping the handle stops nothing: the job runs to its end, and its result is dropped. The handle
/// may be awaited on any thread and any runtime.
///
/// # Errors
///
/// [`RunError`] if the job failed, panicked or was cancelled, or if its runtime was shut down.
///
/// # Panics
///
/// If it is polled after it resolved.
///
/// # Cancel safety
///
/// Polling the handle by reference is cancel safe.
#[must_use = "dropping a handle stops nothing, and drops the result"]
pub struct RunHandle<T> {
    result: Promised<T>,
    canceller: Canceller,
    number: Option<u64>,
}

impl<T> RunHandle<T> {
    pub(crate) fn new(result: Promised<T>, canceller: Canceller) -> RunHandle<T> {
        RunHandle { result, canceller, number: None }
    }

    /// Makes it the handle of a job's run.
    pub(crate) fn set_number(&mut self, number: u64) {
        self.number = Some(number);
    }

    /// The number of the run in the list of its job's runs,
    /// [`TaskWrapper::runs`](crate::services::TaskWrapper::runs). `None` if an earlier run
    /// had completed the work, so that none was begun, and for an action of a service.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        self.number
    }

    /// Requests that the job end, and waits until it has; returns its result if it had completed
    /// before the request.
    ///
    /// The request is made by this call: the job's token is cancelled, and its future is dropped
    /// after the grace period, if there is one.
    ///
    /// Dropping the returned future ends the wait and does not withdraw the request.
    ///
    /// # Errors
    ///
    /// As awaiting the handle; [`is_cancelled`](RunError::is_cancelled) if the job was stopped.
    ///
    /// # Panics
    ///
    /// If the handle has already resolved.
    pub fn cancel(self) -> impl Future<Output = Result<T, RunError>> {
        self.canceller.cancel();
        self
    }

    #[cfg(feature = "json")]
    pub(crate) fn canceller(&self) -> &Canceller {
        &self.canceller
    }

    /// Whether the result is available or has already been taken.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.result.is_ready()
    }
}

impl<T> Future for RunHandle<T> {
    type Output = Result<T, RunError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.result.poll(cx.waker())
    }
}

impl<T> fmt::Debug for RunHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunHandle")
            .field("is_finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

/// Requests that a job or an action end.
#[derive(Clone)]
pub(crate) struct Canceller {
    /// The token that the job sees. Others may cancel it, too: the group around it, or the job.
    pub(crate) token: CancelToken,
    /// Starts the grace period.
    pub(crate) request: CancelToken,
}

impl Canceller {
    pub(crate) fn new(token: CancelToken) -> Canceller {
        Canceller { token, request: CancelToken::new() }
    }

    pub(crate) fn cancel(&self) {
        self.token.cancel();
        self.request.cancel();
    }

    /// Whether anybody has requested the end.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.token.is_cancelled() || self.request.is_cancelled()
    }
}
