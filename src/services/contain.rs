//! Keeping the panics of user code where they happened.

use std::any::Any;
use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// What a caught panic carries.
pub(super) type Payload = Box<dyn Any + Send + 'static>;

/// Locks a mutex of this module.
///
/// No user code runs under these locks, so no panic can poison them.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls user code; a panic is a value.
pub(super) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Payload> {
    catch_unwind(AssertUnwindSafe(f))
}

/// Drops a value of a user's type; a panic in its destructor goes no further.
pub(super) fn discard<T>(value: T) {
    if let Err(payload) = catch(move || drop(value)) {
        // A payload may itself panic when it is dropped. That would never end, so leak this one.
        mem::forget(payload);
    }
}

/// Wakes a waiting task; a panic in the waker goes no further.
pub(super) fn wake(waker: Option<Waker>) {
    discard(catch(|| waker.map(Waker::wake)));
}

/// The message of a panic, if it is a string (as `panic!` makes it).
pub(super) fn message_of(payload: &(dyn Any + Send)) -> Option<String> {
    let text = payload.downcast_ref::<&'static str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
}

/// A future of a user's type, which panics neither when it is polled nor when it is dropped.
pub(super) struct Contained<F>(Option<Pin<Box<F>>>);

impl<F: Future> Contained<F> {
    pub(super) fn new(future: F) -> Contained<F> {
        Contained(Some(Box::pin(future)))
    }

    /// Polls the future. When this is ready, the future has been dropped; a panic in its destructor
    /// counts as a panic of the future. If the poll panics, the future is dropped while the panic
    /// unwinds, as a local variable is.
    ///
    /// Not to be called after it was ready.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<F::Output, Payload>> {
        let polled = catch(|| {
            let unwound = Unwound(&mut self.0);
            let Some(future) = unwound.0 else { panic!("a future was polled after it completed") };
            let poll = future.as_mut().poll(cx);
            // It is for a poll that unwinds.
            mem::forget(unwound);
            poll
        });
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(match self.clear() {
                Ok(()) => Ok(output),
                Err(payload) => {
                    discard(output);
                    Err(payload)
                }
            }),
            Err(payload) => Poll::Ready(Err(payload)),
        }
    }

    /// Drops the future, if it has not been dropped.
    pub(super) fn clear(&mut self) -> Result<(), Payload> {
        let future = self.0.take();
        catch(move || drop(future))
    }
}

/// Drops a future whose poll unwinds. The panic that came first counts.
struct Unwound<'a, F>(&'a mut Option<Pin<Box<F>>>);

impl<F> Drop for Unwound<'_, F> {
    fn drop(&mut self) {
        discard(self.0.take());
    }
}

impl<F> Drop for Contained<F> {
    fn drop(&mut self) {
        discard(self.0.take());
    }
}
