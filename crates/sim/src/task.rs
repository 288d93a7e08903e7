//! The tasks of a simulation.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::engine::Engine;
use super::schedule::Slot;
use crate::backend::{Contained, Ending, Output, PollCaught, Unseen, discard, end_of};
use crate::error::{End, message_of};

pin_project! {
    /// A future that tells the engine of its end, and unwinds nowhere.
    pub(super) struct SimTask<F, T> {
        #[pin]
        future: Contained<F>,
        // After the future: it is dropped before the engine is told of the end.
        member: Member,
        output: PhantomData<fn() -> T>,
    }
}

impl<F, T> SimTask<F, T> {
    pub(super) fn new(future: F, engine: Arc<Engine>, slot: Slot) -> SimTask<F, T> {
        let member = Member { engine, slot };
        SimTask { future: Contained::new(future), member, output: PhantomData }
    }
}

impl<F, T> Future for SimTask<F, T>
where
    F: Future,
    F::Output: Ending<T>,
{
    type Output = Output<T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let end = ready!(this.future.as_mut().poll_caught(cx));
        if this.member.engine.is_doomed(this.member.slot) {
            // It has killed its own node, and is not to have an end. It was woken for that, so that
            // it is dropped next.
            discard(this.future.clear());
            discard(end);
            return Poll::Pending;
        }
        Poll::Ready(Output::new(end_of(end).map_err(|end| {
            let End::Panic(payload) = end else { return end };
            discard(this.future.clear());
            let message = message_of(&*payload);
            let engine = this.member.engine.clone();
            engine.caught(message.as_deref().unwrap_or("a payload that is not a string"));
            let message = match message {
                Some(message) => format!(": {message}"),
                None => " with a payload that is not a string".to_owned(),
            };
            let task = engine.describe(this.member.slot);
            End::Panic(Unseen::watch(payload, move || {
                engine.panicked(format!("{task} panicked, and nobody joined it{message}"));
            }))
        })))
    }
}

/// A task's place in the engine, given up when the task is dropped.
struct Member {
    engine: Arc<Engine>,
    slot: Slot,
}

impl Drop for Member {
    fn drop(&mut self) {
        self.engine.ended(self.slot);
    }
}
