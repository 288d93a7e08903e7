//! The tasks of a simulation.

use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_runtime_compat::BoxFuture;

use crate::contain::{Payload, discard};
use crate::engine::Engine;
use crate::schedule::Slot;

/// A task that is ready to be polled, or dropped.
pub(crate) type Runnable = async_task::Runnable<Origin>;

/// Keeps hold of a task. Dropping it cancels the task.
pub(crate) type Handle = async_task::Task<(), Origin>;

/// The engine of a task, and its entry there.
///
/// It is in the task's metadata and not captured by its schedule function: with captured variables
/// async-task clones a waker each time it schedules the task.
pub(crate) struct Origin {
    pub(crate) engine: Arc<Engine>,
    pub(crate) slot: Slot,
}

/// A future that tells the engine when it was dropped, and unwinds nowhere: async-task aborts the
/// process when the destructor of a future panics.
pub(crate) struct SimTask {
    /// `None` once it has completed.
    future: Option<BoxFuture<'static, ()>>,
    /// Whether the future unwinds nowhere itself. Catching panics a second time would cost time and
    /// find nothing.
    contained: bool,
    // After the future: it is dropped before the engine is told.
    member: Member,
}

impl SimTask {
    pub(crate) fn new(
        future: BoxFuture<'static, ()>,
        contained: bool,
        engine: Arc<Engine>,
        slot: Slot,
    ) -> SimTask {
        SimTask { future: Some(future), contained, member: Member { engine, slot } }
    }

    /// Polls a future that may panic; a panic, in it or in its destructor, is a value.
    fn poll_caught(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Payload>> {
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let unwound = Unwound(&mut self.future);
            let poll =
                unwound.0.as_mut().map_or(Poll::Ready(()), |future| future.as_mut().poll(cx));
            // It is for a poll that unwinds.
            mem::forget(unwound);
            ready!(poll);
            // Taken first: a destructor that panics is not run again.
            drop(self.future.take());
            Poll::Ready(())
        }));
        match polled {
            Ok(polled) => polled.map(Ok),
            Err(payload) => Poll::Ready(Err(payload)),
        }
    }
}

/// Drops a future whose poll unwinds while it unwinds, as a local variable is.
struct Unwound<'a>(&'a mut Option<BoxFuture<'static, ()>>);

impl Drop for Unwound<'_> {
    fn drop(&mut self) {
        // A second panic that left this destructor would abort the process.
        discard(self.0.take());
    }
}

impl Future for SimTask {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let end = match &mut this.future {
            Some(future) if this.contained => {
                ready!(future.as_mut().poll(cx));
                Ok(())
            }
            _ => ready!(this.poll_caught(cx)),
        };
        let Member { engine, slot } = &this.member;
        if engine.is_doomed(*slot) {
            // It has killed its own node, and must not have an end. The kill has woken it, so that
            // it is dropped next.
            discard(end);
            return Poll::Pending;
        }
        if let Err(payload) = end {
            engine.task_panicked(*slot, payload);
        }
        Poll::Ready(())
    }
}

impl Drop for SimTask {
    #[inline]
    fn drop(&mut self) {
        if !self.contained && self.future.is_some() {
            discard(self.future.take());
        }
    }
}

/// A task's entry in the engine, given up when the task is dropped.
struct Member {
    engine: Arc<Engine>,
    slot: Slot,
}

impl Drop for Member {
    fn drop(&mut self) {
        self.engine.ended(self.slot);
    }
}
