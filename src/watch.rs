//! A state that can be read and awaited.

use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::sync::{Arc, PoisonError};
use std::task::{Poll, Waker};

use crate::contain::{discard, wake};
use crate::sync::{Mutex, MutexGuard};
use crate::waiters::Waiters;

/// The reading half of a watched state; returned by [`WatchSender::watch`].
///
/// It always returns the latest state; a state that is replaced before it is read is never seen. There may be
/// any number of watches. A clone counts the same states as seen. A watch keeps nothing alive but the state.
///
/// Dropping it has no effect on the sender or on other watches.
pub struct Watch<S> {
    shared: Arc<Shared<S>>,
    seen: u64,
}

impl<S: Clone> Watch<S> {
    /// Returns the current state.
    ///
    /// This does not count as seeing it: [`changed`](Watch::changed) still returns a new state afterwards.
    ///
    /// # Panics
    ///
    /// Panics if the state's `Clone` does.
    #[must_use]
    pub fn state(&self) -> S {
        self.shared.state()
    }

    /// Waits for a state that has not been seen, and returns it.
    ///
    /// A new watch has seen the state of that moment. Returns `None` if there is no new state and the
    /// [`WatchSender`] was dropped.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a state counts as seen in the poll that returns it.
    pub fn changed(&mut self) -> impl Future<Output = Option<S>> {
        let mut wait = Wait { watch: self, key: None };
        poll_fn(move |cx| wait.poll(cx.waker()))
    }

    /// Waits for a state that the function accepts, which may be the current one, and returns it.
    ///
    /// Returns `None` if the [`WatchSender`] was dropped before that. A state that is replaced quickly may be
    /// missed.
    ///
    /// # Panics
    ///
    /// Panics if the function does.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: calling this again continues the wait.
    pub async fn wait_for(&mut self, mut accepts: impl FnMut(&S) -> bool) -> Option<S> {
        let mut state = self.latest();
        while !accepts(&state) {
            state = self.changed().await?;
        }
        Some(state)
    }

    /// The current state, which counts as seen from now on.
    fn latest(&mut self) -> S {
        let state = self.shared.lock();
        self.seen = state.version;
        let value = state.value.clone();
        drop(state);
        S::clone(&value)
    }
}

impl<S> Clone for Watch<S> {
    fn clone(&self) -> Watch<S> {
        Watch { shared: self.shared.clone(), seen: self.seen }
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
        // Clone and drop wakers without the lock: both may run user code.
        let mut waker = Some(waker.clone());
        let mut state = self.watch.shared.lock();
        let poll = if state.version != self.watch.seen {
            self.watch.seen = state.version;
            Poll::Ready(Some(state.value.clone()))
        } else if state.gone {
            Poll::Ready(None)
        } else {
            // Each change drains the waiters, so this one cannot have been released.
            state.waiting.wait(&mut self.key, &mut waker);
            Poll::Pending
        };
        drop(state);
        discard(waker);
        poll.map(|value| value.map(|value| S::clone(&value)))
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

/// The writing half of a watched state, for a component that publishes its state.
///
/// When it is dropped, the last state stays readable, and waits for another one end with `None`.
///
/// # Examples
///
/// ```
/// use async_runtime_compat::{Watch, WatchSender};
///
/// #[derive(Clone, Debug, PartialEq)]
/// enum Link {
///     Down,
///     Up { peer: String },
/// }
///
/// # futures_lite::future::block_on(async {
/// let link = WatchSender::new(Link::Down);
/// let mut watch: Watch<Link> = link.watch();
/// link.set(Link::Up { peer: "alpha".to_owned() });
///
/// let up = watch.wait_for(|link| *link != Link::Down).await;
/// assert_eq!(up, Some(Link::Up { peer: "alpha".to_owned() }));
///
/// drop(link);
/// assert_eq!(watch.changed().await, None);
/// # });
/// ```
pub struct WatchSender<S> {
    shared: Arc<Shared<S>>,
}

struct Shared<S> {
    state: Mutex<State<S>>,
}

struct State<S> {
    /// Shared, so that it can be cloned and dropped outside the lock: both are user code.
    value: Arc<S>,
    /// The number of changes.
    version: u64,
    waiting: Waiters,
    /// The sender was dropped.
    gone: bool,
}

impl<S> Shared<S> {
    fn lock(&self) -> MutexGuard<'_, State<S>> {
        // No user code runs under the lock, so no panic can poison it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Clone> Shared<S> {
    fn state(&self) -> S {
        let value = self.lock().value.clone();
        S::clone(&value)
    }
}

impl<S> WatchSender<S> {
    /// Creates a watched state with an initial value.
    #[must_use]
    pub fn new(value: S) -> WatchSender<S> {
        let value = Arc::new(value);
        let state = State { value, version: 0, waiting: Waiters::default(), gone: false };
        WatchSender { shared: Arc::new(Shared { state: Mutex::new(state) }) }
    }

    /// Sets the state, and wakes all tasks that wait for a change.
    ///
    /// Setting a state that is equal to the current one also counts as a change.
    pub fn set(&self, value: S) {
        self.replace(value).announce();
    }

    /// Sets the state without waking the waiting tasks yet.
    ///
    /// Use it to set the state under a lock: wakers are user code, and may try to take that lock.
    /// [Announce](WatchChange::announce) the change after the lock was released.
    pub fn replace(&self, value: S) -> WatchChange<S> {
        let mut state = self.shared.lock();
        let replaced = mem::replace(&mut state.value, Arc::new(value));
        state.version += 1;
        WatchChange { replaced: Some(replaced), waiting: state.waiting.drain() }
    }

    /// Returns a watch that has seen the current state.
    #[must_use]
    pub fn watch(&self) -> Watch<S> {
        let seen = self.shared.lock().version;
        Watch { shared: self.shared.clone(), seen }
    }
}

impl<S: Clone> WatchSender<S> {
    /// Returns the current state.
    ///
    /// # Panics
    ///
    /// Panics if the state's `Clone` does.
    #[must_use]
    pub fn state(&self) -> S {
        self.shared.state()
    }
}

impl<S: Clone + fmt::Debug> fmt::Debug for WatchSender<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchSender").field("state", &self.state()).finish_non_exhaustive()
    }
}

/// A change whose waiting tasks have not been woken; returned by [`WatchSender::replace`].
///
/// Dropping it also announces the change.
#[must_use = "dropping the change announces it at once, as `set` does"]
pub struct WatchChange<S> {
    replaced: Option<Arc<S>>,
    waiting: Vec<Waker>,
}

impl<S> WatchChange<S> {
    /// Wakes all tasks that wait for the change. Do not hold a lock meanwhile: a waker may run user code.
    pub fn announce(self) {}
}

impl<S> Drop for WatchChange<S> {
    fn drop(&mut self) {
        for waker in self.waiting.drain(..) {
            wake(Some(waker));
        }
        discard(self.replaced.take());
    }
}

impl<S> fmt::Debug for WatchChange<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchChange").finish_non_exhaustive()
    }
}

impl<S> Drop for WatchSender<S> {
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

#[cfg(all(test, model))]
mod models;
#[cfg(all(test, not(model)))]
mod tests;
