//! Events and results as JSON.

use std::fmt;
use std::future::{Future, IntoFuture, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};
use serde::Serialize;
use serde_json::Value;

use super::action::text_of;
use super::error::JsonEventError;
use crate::BoxFuture;
use crate::services::events::Events;
use crate::services::run::{Canceller, Run, RunError};

/// A job or an action that was started from JSON: its events as JSON and its future result.
///
/// It behaves like a [`Run`]: dropping it, or a part of it, stops nothing, and awaiting the whole
/// drops the events.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "dropping it stops nothing, and drops the events and the result"]
pub struct JsonRun<T> {
    /// The events, in the order in which they were emitted.
    pub events: JsonEvents,
    /// The result.
    pub handle: JsonHandle<T>,
}

impl<T> IntoFuture for JsonRun<T> {
    type Output = Result<T, RunError>;
    type IntoFuture = JsonHandle<T>;

    fn into_future(self) -> JsonHandle<T> {
        self.handle
    }
}

/// The events of a job or an action as JSON, in the order in which they were emitted.
///
/// It behaves like [`Events`], and is a [`Stream`], too. An event that cannot be serialized is an error in its place; the
/// stream continues after it.
///
/// Dropping it stops nothing, and drops the events.
#[must_use = "dropping it drops the events; the job goes on"]
pub struct JsonEvents {
    stream: Pin<Box<dyn FusedStream<Item = Result<Value, JsonEventError>> + Send>>,
}

impl JsonEvents {
    /// Waits for the next event; `None` if the job has ended and all events were read.
    ///
    /// # Errors
    ///
    /// [`JsonEventError`] in the place of an event that cannot be serialized.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: an event is removed only in the poll that returns it.
    #[expect(clippy::should_implement_trait, reason = "streams name it so")]
    pub fn next(&mut self) -> impl Future<Output = Option<Result<Value, JsonEventError>>> {
        poll_fn(|cx| self.stream.as_mut().poll_next(cx))
    }
}

impl Stream for JsonEvents {
    type Item = Result<Value, JsonEventError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.stream.as_mut().poll_next(cx)
    }
}

impl FusedStream for JsonEvents {
    /// Whether all events were read and the job has ended.
    fn is_terminated(&self) -> bool {
        self.stream.is_terminated()
    }
}

impl fmt::Debug for JsonEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonEvents").finish_non_exhaustive()
    }
}

/// Typed events, serialized when they are read.
struct Serialized<E> {
    events: Events<E>,
    subject: String,
}

impl<E: Serialize> Stream for Serialized<E> {
    type Item = Result<Value, JsonEventError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let event = ready!(Pin::new(&mut self.events).poll_next(cx));
        Poll::Ready(
            event.map(|event| to_value(&format_args!("an event of {}", self.subject), &event)),
        )
    }
}

impl<E: Serialize> FusedStream for Serialized<E> {
    fn is_terminated(&self) -> bool {
        self.events.is_terminated()
    }
}

/// Serializes a value. The subject says which it is, as in `an event of task 'import'`.
pub(crate) fn to_value<T: Serialize>(
    subject: &impl fmt::Display,
    value: &T,
) -> Result<Value, JsonEventError> {
    serde_path_to_error::serialize(value, serde_json::value::Serializer).map_err(|error| {
        let message = error.inner().to_string();
        JsonEventError::new(subject.to_string(), text_of(error.path()), message)
    })
}

/// A handle to a job or an action that was started from JSON: await it for the result.
///
/// It behaves like a [`RunHandle`](crate::services::RunHandle): dropping it stops nothing.
///
/// # Panics
///
/// If it is polled after it resolved.
#[must_use = "dropping a handle stops nothing, and drops the result"]
pub struct JsonHandle<T> {
    result: BoxFuture<'static, Result<T, RunError>>,
    canceller: Canceller,
    number: Option<u64>,
}

impl<T> JsonHandle<T> {
    /// The number of the run in the list of its job's runs; see
    /// [`RunHandle::number`](crate::services::RunHandle::number).
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        self.number
    }

    /// Requests that the job end, and waits until it has; see
    /// [`RunHandle::cancel`](crate::services::RunHandle::cancel).
    ///
    /// # Errors
    ///
    /// As awaiting the handle.
    ///
    /// # Panics
    ///
    /// If the handle has already resolved.
    pub fn cancel(self) -> impl Future<Output = Result<T, RunError>> {
        self.canceller.cancel();
        self
    }
}

impl<T> Future for JsonHandle<T> {
    type Output = Result<T, RunError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.result.as_mut().poll(cx)
    }
}

impl<T> fmt::Debug for JsonHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonHandle").finish_non_exhaustive()
    }
}

/// Turns a typed run into one in JSON: the one place where its parts are boxed.
///
/// The function serializes the result.
pub(crate) fn erase<E, T, U>(
    subject: String,
    run: Run<E, T>,
    f: impl FnOnce(T) -> Result<U, RunError> + Send + 'static,
) -> JsonRun<U>
where
    E: Serialize + Send + 'static,
    T: Send + 'static,
{
    let Run { events, handle } = run;
    let (canceller, number) = (handle.canceller().clone(), handle.number());
    JsonRun {
        events: JsonEvents { stream: Box::pin(Serialized { events, subject }) },
        handle: JsonHandle { result: Box::pin(async move { f(handle.await?) }), canceller, number },
    }
}
