//! A state that can be read and waited for.

use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use crate::contain::{discard, wake};
use crate::waiters::Waiters;

/// The reading half of a watched state; made by [`WatchSender::watch`].
///
/// It always gives the latest state: one that was replaced before anybody looked is never seen.
/// There may be any number of watches; a clone has seen the states that this one has seen. A watch
/// keeps nothing alive but the state.
///
/// Dropping it leaves nothing behind.
pub struct Watch<S> {
    shared: Arc<Shared<S>>,
    seen: u64,
}

impl<S: Clone> Watch<S> {
    /// The present state.
    ///
    /// It does not count as seen: [`changed`](Watch::changed) gives it if it has not been given.
    ///
    /// # Panics
    ///
    /// If the state's `Clone` does.
    #[must_use]
    pub fn state(&self) -> S {
        self.shared.state()
    }

    /// Waits until the state is another than the one that was seen last, and gives it.
    ///
    /// A watch has seen the state that there was when it was made. It gives `None` if there is no
    /// new state and there will be none, because the [`WatchSender`] is gone.
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
    /// It gives `None` if there will be none, because the [`WatchSender`] is gone. A state that
    /// lasts for a moment only may be missed.
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

    /// The present state, which counts as seen.
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
        // Cloned and dropped without the lock: both may run user code.
        let mut waker = Some(waker.clone());
        let mut state = self.watch.shared.lock();
        let poll = if state.version != self.watch.seen {
            self.watch.seen = state.version;
            Poll::Ready(Some(state.value.clone()))
        } else if state.gone {
            Poll::Ready(None)
        } else {
            // Waiters are drained when there is something to see, so this one waits.
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

/// The writing half of a watched state, for a component that shows others what it is doing.
///
/// When it is dropped, the state stays as it is, and whoever waits for another one is told that
/// there will be none.
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
    /// Shared, so that it is cloned and dropped outside of the lock: both are user code.
    value: Arc<S>,
    /// How often it was set.
    version: u64,
    waiting: Waiters,
    /// It will not be set again.
    gone: bool,
}

impl<S> Shared<S> {
    fn lock(&self) -> MutexGuard<'_, State<S>> {
        // No user code runs under the lock, so there is no panic that could poison it.
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
    /// A state to begin with.
    #[must_use]
    pub fn new(value: S) -> WatchSender<S> {
        let value = Arc::new(value);
        let state = State { value, version: 0, waiting: Waiters::default(), gone: false };
        WatchSender { shared: Arc::new(Shared { state: Mutex::new(state) }) }
    }

    /// Sets the state, and wakes everybody who waits for it.
    ///
    /// Setting a state that equals the present one is a change, too.
    pub fn set(&self, value: S) {
        self.replace(value).announce();
    }

    /// Sets the state without waking anybody yet.
    ///
    /// It is for a caller that sets the state under a lock of its own: wakers are user code, and may
    /// come back for that lock. [Announce](WatchChange::announce) the change when the lock is
    /// released.
    pub fn replace(&self, value: S) -> WatchChange<S> {
        let mut state = self.shared.lock();
        let replaced = mem::replace(&mut state.value, Arc::new(value));
        state.version += 1;
        WatchChange { replaced: Some(replaced), waiting: state.waiting.drain() }
    }

    /// A watch that has seen the present state.
    #[must_use]
    pub fn watch(&self) -> Watch<S> {
        let seen = self.shared.lock().version;
        Watch { shared: self.shared.clone(), seen }
    }
}

impl<S: Clone> WatchSender<S> {
    /// The present state.
    ///
    /// # Panics
    ///
    /// If the state's `Clone` does.
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

/// A state was set, and the watches have not been woken; made by [`WatchSender::replace`].
///
/// Dropping it announces the change, too.
#[must_use = "dropping it at once announces the change: `set` says so"]
pub struct WatchChange<S> {
    replaced: Option<Arc<S>>,
    waiting: Vec<Waker>,
}

impl<S> WatchChange<S> {
    /// Wakes everybody who waits for the state. Do not hold a lock: a waker may run user code.
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

#[cfg(test)]
mod tests;
