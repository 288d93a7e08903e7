//! A result that is handed over once.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};

use super::error::RunError;
use crate::services::contain::{discard, lock, wake};

/// A result to come: the side that sets it, and the side that waits for it.
pub(crate) fn promise<T>() -> (Promise<T>, Promised<T>) {
    let cell = Arc::new(Cell(Mutex::new(State::Empty(None))));
    (Promise { cell: cell.clone() }, Promised { cell })
}

struct Cell<T>(Mutex<State<T>>);

enum State<T> {
    /// With the waker of the handle's task.
    Empty(Option<Waker>),
    Ready(Result<T, RunError>),
    Taken,
    /// The handle was dropped.
    Detached,
}

impl<T> Cell<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        lock(&self.0)
    }
}

/// The side that sets the result.
#[must_use = "the handle waits for ever if the promise is not kept"]
pub(crate) struct Promise<T> {
    cell: Arc<Cell<T>>,
}

impl<T> Promise<T> {
    /// Hands the result over. It is dropped if the handle was.
    pub(crate) fn keep(self, result: Result<T, RunError>) {
        let mut state = self.cell.lock();
        if matches!(*state, State::Detached) {
            drop(state);
            return discard(result);
        }
        let State::Empty(waker) = mem::replace(&mut *state, State::Ready(result)) else {
            unreachable!("a promise is kept once");
        };
        // Wake after unlocking: the waker may poll the handle.
        drop(state);
        wake(waker);
    }
}

/// The side that waits for the result.
pub(crate) struct Promised<T> {
    cell: Arc<Cell<T>>,
}

impl<T> Promised<T> {
    pub(super) fn is_ready(&self) -> bool {
        !matches!(*self.cell.lock(), State::Empty(_))
    }

    pub(super) fn poll(&self, waker: &Waker) -> Poll<Result<T, RunError>> {
        // Cloned and dropped without the lock: both may run user code.
        let mut waker = Some(waker.clone());
        let mut state = self.cell.lock();
        if let State::Empty(registered) = &mut *state {
            mem::swap(registered, &mut waker);
            drop(state);
            discard(waker);
            return Poll::Pending;
        }
        let taken = mem::replace(&mut *state, State::Taken);
        drop(state);
        discard(waker);
        match taken {
            State::Ready(result) => Poll::Ready(result),
            _ => panic!("`RunHandle` polled after it resolved"),
        }
    }
}

impl<T> Drop for Promised<T> {
    fn drop(&mut self) {
        let left = mem::replace(&mut *self.cell.lock(), State::Detached);
        discard(left);
    }
}
