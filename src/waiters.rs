//! Those who wait for something, in the order in which they began to.

use std::collections::BTreeMap;
use std::mem;
use std::task::Waker;

/// A list of those who wait. It stands under the lock of what they wait for.
///
/// A tree, because it gives back its memory as what is in it goes. Wakers come and go as values: to
/// clone, wake or drop one may run code of the user's, which is not done under the lock.
#[derive(Default)]
pub(crate) struct Waiters {
    /// `None` for those who were released and have not noticed yet.
    wakers: BTreeMap<u64, Option<Waker>>,
    next: u64,
}

impl Waiters {
    /// Begins to wait, or waits on. The key is the place among those who wait.
    ///
    /// It takes the waker, and leaves the one that it replaces. False for who was released since it
    /// began: it is not among them any more.
    pub(crate) fn wait(&mut self, key: &mut Option<u64>, waker: &mut Option<Waker>) -> bool {
        let Some(place) = *key else {
            self.next += 1;
            *key = Some(self.next);
            self.wakers.insert(self.next, waker.take());
            return true;
        };
        if let Some(registered @ Some(_)) = self.wakers.get_mut(&place) {
            mem::swap(registered, waker);
            return true;
        }
        self.wakers.remove(&place);
        *key = None;
        false
    }

    /// Releases all, in their order.
    #[must_use = "they are to be woken"]
    pub(crate) fn release_all(&mut self) -> Vec<Waker> {
        self.wakers.values_mut().filter_map(Option::take).collect()
    }

    /// Releases all and forgets that they were there: they can see elsewhere that they need not
    /// wait.
    #[must_use = "they are to be woken"]
    pub(crate) fn drain(&mut self) -> Vec<Waker> {
        mem::take(&mut self.wakers).into_values().flatten().collect()
    }

    /// Somebody waits no more.
    #[must_use = "not to be dropped under the lock"]
    pub(crate) fn forget(&mut self, key: u64) -> Option<Waker> {
        self.wakers.remove(&key).flatten()
    }

    /// Whether there is somebody who has not been released.
    pub(crate) fn is_waiting(&self) -> bool {
        self.wakers.values().any(Option::is_some)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.wakers.len()
    }
}
