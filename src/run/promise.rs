//! A result that is handed over once.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use super::error::RunError;
use crate::contain::{discard, wake};

/// A result that will be there, and who waits for it.
pub(crate) fn promise<T>() -> (Promise<T>, Promised<T>) {
    let cell = Arc::new(Cell(Mutex::new(State::Empty(None))));
    (Promise { cell: cell.clone() }, Promised { cell })
}

struct Cell<T>(Mutex<State<T>>);

enum State<T> {
    /// With who waits.
    Empty(Option<Waker>),
    There(Result<T, RunError>),
    Given,
    /// Nobody will take it.
    Left,
}

impl<T> Cell<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing of the user's runs under the lock, so there is no panic that could poison it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever has it keeps it, or nobody gets a result.
#[must_use = "who waits for it waits for ever"]
pub(crate) struct Promise<T> {
    cell: Arc<Cell<T>>,
}

impl<T> Promise<T> {
    /// Hands the result over. If nobody waits for it any more, it is dropped.
    pub(crate) fn keep(self, result: Result<T, RunError>) {
        let mut state = self.cell.lock();
        if matches!(*state, State::Left) {
            drop(state);
            return discard(result);
        }
        let State::Empty(waker) = mem::replace(&mut *state, State::There(result)) else {
            unreachable!("a promise is kept once");
        };
        drop(state);
        wake(waker);
    }
}

/// Who waits for a result.
pub(crate) struct Promised<T> {
    cell: Arc<Cell<T>>,
}

impl<T> Promised<T> {
    pub(super) fn is_there(&self) -> bool {
        !matches!(*self.cell.lock(), State::Empty(_))
    }

    pub(super) fn poll(&self, waker: &Waker) -> Poll<Result<T, RunError>> {
        let mut waker = Some(waker.clone());
        let mut state = self.cell.lock();
        if let State::Empty(registered) = &mut *state {
            mem::swap(registered, &mut waker);
            drop(state);
            discard(waker);
            return Poll::Pending;
        }
        let taken = mem::replace(&mut *state, State::Given);
        drop(state);
        discard(waker);
        match taken {
            State::There(result) => Poll::Ready(result),
            _ => panic!("a `RunHandle` was polled after it resolved"),
        }
    }
}

impl<T> Drop for Promised<T> {
    fn drop(&mut self) {
        let left = mem::replace(&mut *self.cell.lock(), State::Left);
        discard(left);
    }
}
