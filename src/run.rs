//! What a start gives: events and a result.

mod contained;
mod error;
mod promise;

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::cancel::CancelToken;
use crate::events::Events;

pub(crate) use self::contained::{Grace, run_contained, wind_down};
pub(crate) use self::error::Cause;
pub use self::error::{BoxError, RunError};
pub(crate) use self::promise::{Promise, Promised, promise};

/// Something that was started: its events and, in its time, its result.
///
/// Dropping it, or one of its parts, stops nothing.
///
/// Awaiting it as a whole gives the result and drops the events. Who wants both takes it apart. The
/// events are to be read while the result is awaited: they come through a channel of a limited
/// capacity, and who emits into a full one waits.
///
/// # Examples
///
/// ```
/// use async_runtime_compat::{Run, RunError};
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
    /// The events, in their order.
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

/// A handle to something that was started: await it for the result.
///
/// Dropping the handle stops nothing: what was started runs to its end, and its result is dropped.
/// The handle may be awaited anywhere.
///
/// # Errors
///
/// [`RunError`], if it failed, panicked or was cancelled, or if its runtime was shut down.
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
}

impl<T> RunHandle<T> {
    pub(crate) fn new(result: Promised<T>, canceller: Canceller) -> RunHandle<T> {
        RunHandle { result, canceller }
    }

    /// Requests the end, and waits until it has come; gives the result if that was there before the
    /// request.
    ///
    /// The request is made by this call: the token of what was started is cancelled, and after the
    /// grace period, if there is one, its future is dropped.
    ///
    /// Dropping the future ends the wait, and does not take the request back.
    ///
    /// # Errors
    ///
    /// As awaiting the handle; [`is_cancelled`](RunError::is_cancelled) if it was stopped.
    ///
    /// # Panics
    ///
    /// If the handle was polled to its end before.
    pub fn cancel(self) -> impl Future<Output = Result<T, RunError>> {
        self.canceller.cancel();
        self
    }

    #[cfg(feature = "json")]
    pub(crate) fn canceller(&self) -> &Canceller {
        &self.canceller
    }

    /// Whether the result is there, or has been given.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.result.is_there()
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

/// How something that was started is asked to end.
#[derive(Clone)]
pub(crate) struct Canceller {
    /// What it sees itself. Others may cancel it as well: the group around it, or the thing itself.
    pub(crate) token: CancelToken,
    /// What starts the grace period.
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

    /// Whether the end was asked for, by whomever.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.token.is_cancelled() || self.request.is_cancelled()
    }
}
