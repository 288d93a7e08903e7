//! A queue of wakers.

use std::collections::BTreeMap;
use std::mem;
use std::task::Waker;

/// The wakers of tasks that wait for something, in the order in which they began to wait. It is kept
/// under the lock of the thing they wait for.
///
/// It is a B-tree, because that frees memory as entries are removed. Wakers are passed in and out by
/// value: cloning, waking or dropping one may run user code, which must not happen under the lock.
#[derive(Default)]
pub(crate) struct Waiters {
    /// `None` for waiters that were released and have not been polled since.
    wakers: BTreeMap<u64, Option<Waker>>,
    next: u64,
}

impl Waiters {
    /// Begins to wait, or waits on. The key is the waiter's slot in the queue.
    ///
    /// Takes the waker and leaves the one that it replaces. Returns false if the waiter was released
    /// since it began to wait, and removes it.
    pub(crate) fn wait(&mut self, key: &mut Option<u64>, waker: &mut Option<Waker>) -> bool {
        let Some(slot) = *key else {
            self.next += 1;
            *key = Some(self.next);
            self.wakers.insert(self.next, waker.take());
            return true;
        };
        if let Some(registered @ Some(_)) = self.wakers.get_mut(&slot) {
            mem::swap(registered, waker);
            return true;
        }
        self.wakers.remove(&slot);
        *key = None;
        false
    }

    /// Releases all waiters, in order.
    #[must_use = "the wakers must be woken"]
    pub(crate) fn release_all(&mut self) -> Vec<Waker> {
        self.wakers.values_mut().filter_map(Option::take).collect()
    }

    /// Releases and removes all waiters, which learn from other state that they need not wait.
    #[must_use = "the wakers must be woken"]
    pub(crate) fn drain(&mut self) -> Vec<Waker> {
        mem::take(&mut self.wakers).into_values().flatten().collect()
    }

    /// Removes a waiter.
    #[must_use = "the waker must not be dropped under the lock"]
    pub(crate) fn forget(&mut self, key: u64) -> Option<Waker> {
        self.wakers.remove(&key).flatten()
    }

    /// Returns whether any waiter has not been released.
    pub(crate) fn is_waiting(&self) -> bool {
        self.wakers.values().any(Option::is_some)
    }

    #[cfg(all(test, not(model)))]
    pub(crate) fn len(&self) -> usize {
        self.wakers.len()
    }
}
