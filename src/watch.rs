//! A state that can be read and waited for.

use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use crate::backend::{discard, wake};
use crate::waiters::Waiters;

/// Watches the state of a job or of a service.
///
/// What it gives is always the last state: one that was replaced before it was looked at is never
/// seen. There may be any number of watchers; a clone has seen what this one has seen. It keeps
/// nothing alive but the state.
///
/// Dropping it leaves nothing behind.
#[derive(Clone)]
pub struct Watch<S> {
    shared: Arc<Shared<S>>,
    seen: u64,
}

impl<S: Clone> Watch<S> {
    /// The state as it is now.
    ///
    /// It does not count as seen: [`changed`](Watch::changed) gives it if it has not been given.
    #[must_use]
    pub fn state(&self) -> S {
        self.shared.lock().value.clone()
    }

    /// Waits until the state is another than the one that was seen last, and gives it.
    ///
    /// A watch has seen the state that there was when it was made. It gives `None` if there is no
    /// new state and there will be none, because whoever could change it is gone.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a state counts as seen in the poll that gives it.
    pub fn changed(&mut self) -> impl Future<Output = Option<S>> {
        let mut wait = Wait { watch: self, key: None };
        poll_fn(move |cx| wait.poll(cx.waker()))
    }

    /// Waits for a state that the function accepts, and gives it. That may be the present one.
    ///
    /// It gives `None` if there will be none, because whoever could change the state is gone. A
    /// state that lasts for a moment only may be missed.
    ///
    /// # Panics
    ///
    /// If the function does.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: waiting again is the same as having waited on.
    pub async fn wait_for(&mut self, mut accepts: impl FnMut(&S) -> bool) -> Option<S> {
        let mut state = self.latest();
        while !accepts(&state) {
            state = self.changed().await?;
        }
        Some(state)
    }

    /// The state as it is now, which counts as seen.
    fn latest(&mut self) -> S {
        let state = self.shared.lock();
        self.seen = state.version;
        state.value.clone()
    }
}

impl<S: Clone + fmt::Debug> fmt::Debug for Watch<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("state", &self.state()).finish_non_exhaustive()
    }
}

/// Waits for a change.
struct Wait<'a, S> {
    watch: &'a mut Watch<S>,
    key: Option<u64>,
}

impl<S: Clone> Wait<'_, S> {
    fn poll(&mut self, waker: &Waker) -> Poll<Option<S>> {
        // Cloned and dropped without the lock: both may run code of the user's.
        let mut waker = Some(waker.clone());
        let mut state = self.watch.shared.lock();
        let poll = if state.version != self.watch.seen {
            self.watch.seen = state.version;
            Poll::Ready(Some(state.value.clone()))
        } else if state.gone {
            Poll::Ready(None)
        } else {
            // Those who wait are drained when there is something to see, so this one waits.
            state.waiting.wait(&mut self.key, &mut waker);
            Poll::Pending
        };
        drop(state);
        discard(waker);
        poll
    }
}

impl<S> Drop for Wait<'_, S> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let waker = self.watch.shared.lock().waiting.forget(key);
            discard(waker);
        }
    }
}

/// The side that sets the state. When it is dropped, there will be no other.
pub(crate) struct Watched<S> {
    shared: Arc<Shared<S>>,
}

struct Shared<S> {
    state: Mutex<State<S>>,
}

struct State<S> {
    value: S,
    /// How often it was set.
    version: u64,
    waiting: Waiters,
    /// It will not be set again.
    gone: bool,
}

impl<S> Shared<S> {
    fn lock(&self) -> MutexGuard<'_, State<S>> {
        // The states are of this crate, and their clones do not panic; nothing else runs under it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Clone> Watched<S> {
    pub(crate) fn new(value: S) -> Watched<S> {
        let state = State { value, version: 0, waiting: Waiters::default(), gone: false };
        Watched { shared: Arc::new(Shared { state: Mutex::new(state) }) }
    }

    pub(crate) fn get(&self) -> S {
        self.shared.lock().value.clone()
    }

    /// Sets the state, and wakes those who wait for it.
    pub(crate) fn set(&self, value: S) {
        self.replace(value).announce();
    }

    /// Sets the state under a lock of the caller's, who announces the change when that is open.
    pub(crate) fn replace(&self, value: S) -> Change<S> {
        let mut state = self.shared.lock();
        let replaced = mem::replace(&mut state.value, value);
        state.version += 1;
        Change { replaced, waiting: state.waiting.drain() }
    }

    pub(crate) fn watch(&self) -> Watch<S> {
        let seen = self.shared.lock().version;
        Watch { shared: self.shared.clone(), seen }
    }
}

/// A state was set, and those who wait for it do not know.
#[must_use = "those who wait for it wait on until it is announced"]
pub(crate) struct Change<S> {
    replaced: S,
    waiting: Vec<Waker>,
}

impl<S> Change<S> {
    /// Wakes those who wait for it. Not under a lock: a waker may run code of the user's.
    pub(crate) fn announce(self) {
        for waker in self.waiting {
            wake(Some(waker));
        }
        discard(self.replaced);
    }
}

impl<S> Drop for Watched<S> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.gone = true;
        let waiting = state.waiting.drain();
        drop(state);
        for waker in waiting {
            wake(Some(waker));
        }
    }
}

#[cfg(test)]
mod tests;
