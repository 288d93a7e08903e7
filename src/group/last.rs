//! Doing something when a group is empty, without a task that waits for it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};

use super::{Empty, TaskGroup};
use crate::contain::discard;

impl TaskGroup {
    /// Calls the function as soon as the group is empty: now, or on the thread that the last task
    /// ends on. That also works where nothing can be spawned any more.
    ///
    /// It does not keep the group alive, or from being dropped, which aborts its tasks.
    pub(crate) fn when_empty(&self, f: impl FnOnce() + Send + 'static) {
        let empty = Empty { core: self.core().clone(), key: None };
        Arc::new(Last(Mutex::new(Some((empty, f))))).look();
    }
}

/// A wait, and what comes after it. Only the waker that is left with the group owns it.
struct Last<F>(Mutex<Option<(Empty, F)>>);

impl<F: FnOnce() + Send + 'static> Last<F> {
    fn look(self: Arc<Self>) {
        let waker = Waker::from(self.clone());
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((empty, _)) = &mut *state else { return };
        if Pin::new(empty).poll(&mut Context::from_waker(&waker)).is_pending() {
            return;
        }
        let then = state.take();
        drop(state);
        if let Some((empty, f)) = then {
            discard(empty);
            f();
        }
    }
}

impl<F: FnOnce() + Send + 'static> Wake for Last<F> {
    fn wake(self: Arc<Self>) {
        self.look();
    }
}
