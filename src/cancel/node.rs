//! The tree of tokens.

use std::collections::BTreeMap;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Poll, Waker};

use crate::contain::{discard, wake};
use crate::waiters::Waiters;

/// A token, which all of its clones share.
///
/// A child owns its parent, so that a token in the middle, of which nobody has a clone any more,
/// still passes on what comes from above. A parent knows its children only for as long as they are
/// there.
pub(super) struct Node {
    /// Set under the lock.
    cancelled: AtomicBool,
    parent: Option<Parent>,
    state: Mutex<State>,
}

struct Parent {
    node: Arc<Node>,
    /// `None` if it was cancelled first, and so never had this child.
    key: Option<u64>,
}

#[derive(Default)]
struct State {
    /// A tree, because it gives back its memory as what is in it goes.
    children: BTreeMap<u64, Weak<Node>>,
    next: u64,
    waiting: Waiters,
}

impl Node {
    pub(super) fn root() -> Arc<Node> {
        Arc::new(Node::new(false, None))
    }

    fn new(cancelled: bool, parent: Option<Parent>) -> Node {
        Node { cancelled: AtomicBool::new(cancelled), parent, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing of the user's runs under the lock, so there is no panic that could poison it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn child(self: &Arc<Node>) -> Arc<Node> {
        let mut state = self.lock();
        if self.is_cancelled() {
            drop(state);
            return Arc::new(Node::new(true, Some(Parent { node: self.clone(), key: None })));
        }
        state.next += 1;
        let key = state.next;
        let parent = Parent { node: self.clone(), key: Some(key) };
        let child = Arc::new(Node::new(false, Some(parent)));
        state.children.insert(key, Arc::downgrade(&child));
        child
    }

    #[inline]
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    pub(super) fn cancel(self: &Arc<Node>) {
        // A list and not a recursion: the tree may be deeper than the stack.
        let mut nodes = vec![self.clone()];
        let mut wakers = Vec::new();
        while let Some(node) = nodes.pop() {
            let mut state = node.lock();
            if node.is_cancelled() {
                continue;
            }
            node.cancelled.store(true, Ordering::Release);
            let children = mem::take(&mut state.children);
            wakers.extend(state.waiting.drain());
            drop(state);
            nodes.extend(children.into_values().rev().filter_map(|child| child.upgrade()));
        }
        // When all are cancelled: who wakes finds the whole tree so.
        for waker in wakers {
            wake(Some(waker));
        }
    }

    /// Waits for the cancellation. The key is the place among those who wait.
    pub(super) fn poll_cancelled(&self, key: &mut Option<u64>, waker: &Waker) -> Poll<()> {
        if self.is_cancelled() {
            *key = None;
            return Poll::Ready(());
        }
        // Cloned and dropped without the lock: both may run code of the user's.
        let mut waker = Some(waker.clone());
        let mut state = self.lock();
        let waits = !self.is_cancelled() && state.waiting.wait(key, &mut waker);
        drop(state);
        discard(waker);
        if waits {
            return Poll::Pending;
        }
        *key = None;
        Poll::Ready(())
    }

    pub(super) fn forget_waiting(&self, key: u64) {
        let waker = self.lock().waiting.forget(key);
        discard(waker);
    }

    /// How many children and how many waiting futures there are.
    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize) {
        let state = self.lock();
        (state.children.len(), state.waiting.len())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let mut parent = self.parent.take();
        // A loop and not a recursion: the tree may be deeper than the stack.
        while let Some(Parent { node, key }) = parent {
            if let Some(key) = key {
                node.lock().children.remove(&key);
            }
            parent = Arc::into_inner(node).and_then(|mut node| node.parent.take());
        }
    }
}

#[cfg(test)]
mod tests;
