//! The tree of tokens.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, PoisonError, Weak};
use std::task::{Poll, Waker};

use crate::contain::{discard, wake};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, MutexGuard};
use crate::waiters::Waiters;

/// The state that the clones of a token share.
///
/// A child owns its parent, so that a token in the middle of the tree passes cancellations on after
/// its last clone was dropped. A parent holds its children weakly.
pub(super) struct Node {
    /// Set under the lock, so that no child and no waker is added after `cancel` has taken them.
    /// Stored with release and loaded with acquire: a task that sees it also sees everything written
    /// before `cancel`.
    cancelled: AtomicBool,
    parent: Option<Parent>,
    state: Mutex<State>,
}

struct Parent {
    node: Arc<Node>,
    /// `None` if the parent was already cancelled, and so never listed this child.
    key: Option<u64>,
}

#[derive(Default)]
struct State {
    /// A B-tree, because it frees memory as entries are removed.
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
        // No user code runs under the lock, so no panic can poison it.
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
        // Under the lock `Relaxed` would do; most calls are without it.
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
        // Only after all are cancelled: a task that is woken must find the whole tree cancelled.
        for waker in wakers {
            wake(Some(waker));
        }
    }

    /// Waits for the cancellation. The key is the slot in the list of waiters.
    pub(super) fn poll_cancelled(&self, key: &mut Option<u64>, waker: &Waker) -> Poll<()> {
        if self.is_cancelled() {
            *key = None;
            return Poll::Ready(());
        }
        // Clone and drop wakers without the lock: both may run user code.
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

    /// The numbers of children and of waiting futures.
    #[cfg(all(test, not(model)))]
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

#[cfg(all(test, model))]
mod models;
#[cfg(all(test, not(model)))]
mod tests;
