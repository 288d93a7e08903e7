//! The permits of a limiting decorator.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, PoisonError};
use std::task::Waker;

use crate::contain::{discard, wake};
use crate::sync::{Mutex, MutexGuard};

/// A number of permits, and a queue of waiters.
pub(crate) struct Limit(Mutex<State>);

struct State {
    limit: usize,
    held: usize,
    /// The waiters, by number.
    waiting: BTreeMap<u64, Waiting>,
    /// The number of the next waiter.
    next: u64,
}

/// A waiter, with its waker. It has none before its first poll.
#[derive(Default)]
struct Waiting(Option<Waker>);

impl State {
    /// Grants a free permit to the first waiter, if there are both.
    #[must_use = "to be woken, but not under the lock"]
    fn start_next(&mut self) -> Option<Waiting> {
        if self.held >= self.limit {
            return None;
        }
        let (_, next) = self.waiting.pop_first()?;
        self.held += 1;
        Some(next)
    }
}

impl Limit {
    pub(crate) fn new(limit: usize) -> Arc<Limit> {
        Arc::new(Limit(Mutex::new(State { limit, held: 0, waiting: BTreeMap::new(), next: FIRST })))
    }

    #[inline]
    fn lock(&self) -> MutexGuard<'_, State> {
        // No user code runs under the lock, so no panic can poison it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn limit(&self) -> usize {
        self.lock().limit
    }

    pub(crate) fn held(&self) -> usize {
        self.lock().held
    }

    pub(crate) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    pub(crate) fn set_limit(&self, limit: usize) {
        let mut state = self.lock();
        state.limit = limit;
        let mut woken = Vec::new();
        while let Some(Waiting(waker)) = state.start_next() {
            woken.extend(waker);
        }
        drop(state);
        for waker in woken {
            wake(Some(waker));
        }
    }

    /// Takes the reserved ticket, if there is one, or else a permit, or a slot in the queue.
    #[inline]
    pub(crate) fn ticket(self: &Arc<Self>, reserved: &mut Option<Ticket>) -> Ticket {
        if reserved.as_ref().is_some_and(|ticket| Arc::ptr_eq(&ticket.limit, self)) {
            if let Some(ticket) = reserved.take() {
                return ticket;
            }
        }
        Ticket { standing: self.enter(), limit: self.clone() }
    }

    /// A ticket that takes or queues for a permit only when it is polled.
    pub(crate) fn later(self: &Arc<Self>) -> Ticket {
        Ticket { standing: LATER, limit: self.clone() }
    }

    /// Takes a permit if no waiter is queued.
    pub(crate) fn try_ticket(self: &Arc<Self>) -> Option<Ticket> {
        let mut state = self.lock();
        if state.held >= state.limit {
            return None;
        }
        state.held += 1;
        drop(state);
        Some(Ticket { standing: HELD, limit: self.clone() })
    }

    #[inline]
    fn enter(&self) -> u64 {
        let mut state = self.lock();
        // If a permit is free, no waiter is queued.
        if state.held < state.limit {
            state.held += 1;
            return HELD;
        }
        let number = state.next;
        state.next += 1;
        state.waiting.insert(number, Waiting::default());
        number
    }
}

/// Holds a permit.
const HELD: u64 = 0;
/// Holds no permit, and is not queued.
const LATER: u64 = 1;
/// This value and above: queued under this number.
const FIRST: u64 = 2;

/// A permit, or a slot in the queue for one. Dropping it releases either.
///
/// Small, because each task has one.
pub(crate) struct Ticket {
    limit: Arc<Limit>,
    standing: u64,
}

impl Ticket {
    #[inline]
    pub(crate) fn is_held(&self) -> bool {
        self.standing == HELD
    }

    /// Whether the permit is held. If not, the waker is woken when it is.
    #[inline]
    pub(crate) fn poll_held(&mut self, waker: &Waker) -> bool {
        self.is_held() || self.poll_waiting(waker)
    }

    #[cold]
    fn poll_waiting(&mut self, waker: &Waker) -> bool {
        if self.standing == LATER {
            self.standing = self.limit.enter();
        }
        if !self.is_held() && !self.leave_waker(waker) {
            return false;
        }
        self.standing = HELD;
        true
    }

    /// Registers the waker. Returns true if the permit is already held.
    fn leave_waker(&self, waker: &Waker) -> bool {
        let mut state = self.limit.lock();
        match state.waiting.get(&self.standing) {
            // A ticket that has left the queue holds a permit.
            None => return true,
            Some(Waiting(Some(left))) if left.will_wake(waker) => return false,
            Some(_) => drop(state),
        }
        // Clone and drop wakers without the lock: both may run user code.
        let mut waker = Some(waker.clone());
        state = self.limit.lock();
        let waiting = state.waiting.get_mut(&self.standing);
        let held = waiting.is_none();
        if let Some(Waiting(left)) = waiting {
            mem::swap(left, &mut waker);
        }
        drop(state);
        discard(waker);
        held
    }
}

impl Drop for Ticket {
    #[inline]
    fn drop(&mut self) {
        if self.standing == LATER {
            return;
        }
        let mut state = self.limit.lock();
        let left = if self.is_held() { None } else { state.waiting.remove(&self.standing) };
        if left.is_some() {
            drop(state);
            return discard(left.map(|left| left.0));
        }
        state.held -= 1;
        let next = state.start_next();
        // Wake after unlocking: the waker may poll the task.
        drop(state);
        wake(next.and_then(|next| next.0));
    }
}

#[cfg(all(test, model))]
mod models;
