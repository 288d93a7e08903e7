//! The events of jobs and actions.

mod channel;

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::{FusedStream, Stream};

use self::channel::{Channel, Refusal};

/// The events of a job or an action, in the order in which they were emitted.
///
/// They come through a bounded channel: emitting waits while the channel is full. So read the events
/// or drop this: a job whose events are kept but not read makes no progress. They end after the last
/// event, once the job has ended; buffered events can be read after that.
///
/// This is a [`Stream`] of futures-core, for the adapters of futures, futures-lite and tokio-stream. It
/// may be polled after its end.
///
/// Dropping it stops nothing. Buffered events and later ones are dropped, and waiting emitters
/// continue.
///
/// # Examples
///
/// ```
/// use async_runtime_compat::services::Events;
///
/// async fn log(mut events: Events<String>) {
///     while let Some(event) = events.next().await {
///         println!("{event}");
///     }
/// }
/// ```
#[must_use = "dropping it drops the events; the job goes on"]
pub struct Events<E> {
    channel: Arc<Channel<E>>,
}

impl<E> Events<E> {
    /// Waits for the next event; `None` if the job has ended and all events were read.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: an event is removed only in the poll that returns it.
    #[expect(clippy::should_implement_trait, reason = "streams name it so")]
    pub fn next(&mut self) -> impl Future<Output = Option<E>> {
        poll_fn(|cx| self.channel.poll_next(cx.waker()))
    }
}

impl<E> Stream for Events<E> {
    type Item = E;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<E>> {
        self.channel.poll_next(cx.waker())
    }
}

impl<E> FusedStream for Events<E> {
    /// Whether all events were read and the job has ended.
    fn is_terminated(&self) -> bool {
        self.channel.is_at_end()
    }
}

impl<E> Drop for Events<E> {
    fn drop(&mut self) {
        self.channel.leave();
    }
}

impl<E> fmt::Debug for Events<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

/// A channel for events. A capacity of zero counts as one.
pub(crate) fn channel<E>(capacity: usize) -> (Emitter<E>, Events<E>) {
    let channel = Arc::new(Channel::new(capacity));
    (Emitter { end: Arc::new(End { channel: channel.clone() }) }, Events { channel })
}

/// The sending half of a channel. Dropping the last clone closes the channel.
pub(crate) struct Emitter<E> {
    end: Arc<End<E>>,
}

struct End<E> {
    channel: Arc<Channel<E>>,
}

impl<E> Drop for End<E> {
    fn drop(&mut self) {
        self.channel.close();
    }
}

impl<E> Emitter<E> {
    /// Waits for room; false if the event was dropped because the channel is closed.
    pub(crate) fn emit(&self, event: E) -> Emit<'_, E> {
        Emit { channel: &self.end.channel, key: None, event: Some(event) }
    }

    pub(crate) fn try_emit(&self, event: E) -> Result<(), TryEmitError<E>> {
        let refused = self.end.channel.try_emit(event);
        refused.map_err(|(event, refusal)| TryEmitError { event, refusal })
    }

    /// Closes the channel, for all clones. Buffered events can still be read.
    pub(crate) fn close(&self) {
        self.end.channel.close();
    }
}

impl<E> Clone for Emitter<E> {
    fn clone(&self) -> Emitter<E> {
        Emitter { end: self.end.clone() }
    }
}

/// Waits for room in a channel.
#[must_use = "a future does nothing unless it is awaited"]
pub(crate) struct Emit<'a, E> {
    channel: &'a Channel<E>,
    key: Option<u64>,
    event: Option<E>,
}

// The event is never pinned.
impl<E> Unpin for Emit<'_, E> {}

impl<E> Future for Emit<'_, E> {
    type Output = bool;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        let this = self.get_mut();
        this.channel.poll_emit(&mut this.key, &mut this.event, cx.waker())
    }
}

impl<E> Drop for Emit<'_, E> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.channel.give_up(key);
        }
    }
}

/// An event was not emitted, because the channel is full or closed; see
/// [`TaskContext::try_emit`](crate::services::TaskContext::try_emit).
///
/// Exactly one of [`is_full`](TryEmitError::is_full) and [`is_closed`](TryEmitError::is_closed) is
/// true.
pub struct TryEmitError<E> {
    event: E,
    refusal: Refusal,
}

impl<E> TryEmitError<E> {
    /// Whether the channel is full. There may be room later.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.refusal == Refusal::Full
    }

    /// Whether the [`Events`] were dropped, or the job has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.refusal == Refusal::Closed
    }

    /// Returns the event.
    #[must_use]
    pub fn into_event(self) -> E {
        self.event
    }
}

impl<E> fmt::Display for TryEmitError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.refusal {
            Refusal::Full => "the event channel is full: wait for room with `emit`",
            Refusal::Closed => {
                "the event channel is closed: the events were dropped, or the job has ended"
            }
        })
    }
}

impl<E> fmt::Debug for TryEmitError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TryEmitError({self})")
    }
}

impl<E> Error for TryEmitError<E> {}

#[cfg(all(test, not(model)))]
mod tests;
