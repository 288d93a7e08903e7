//! The permits behind a limiting decorator.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::contain::{discard, wake};

/// A number of permits, and a queue of those who wait for one.
pub(crate) struct Limit(Mutex<State>);

struct State {
    limit: usize,
    held: usize,
    /// Who waits, by number.
    waiting: BTreeMap<u64, Waiting>,
    /// The number of the next one to wait.
    next: u64,
}

/// One that waits, and whom to wake for it: nobody before its first poll.
#[derive(Default)]
struct Waiting(Option<Waker>);

impl State {
    /// Gives a permit to the first one that waits, if there are both.
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
        // Nothing of the user's runs under the lock, so there is no panic that could poison it.
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

    /// A permit, or a turn in the queue; that which is reserved here, if there is one.
    #[inline]
    pub(crate) fn ticket(self: &Arc<Self>, reserved: &mut Option<Ticket>) -> Ticket {
        if reserved.as_ref().is_some_and(|ticket| Arc::ptr_eq(&ticket.limit, self)) {
            if let Some(ticket) = reserved.take() {
                return ticket;
            }
        }
        Ticket { standing: self.enter(), limit: self.clone() }
    }

    /// Nothing yet: it takes or queues for a permit when it is asked for one.
    pub(crate) fn later(self: &Arc<Self>) -> Ticket {
        Ticket { standing: LATER, limit: self.clone() }
    }

    /// A permit, if nobody else waits for one.
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
        // If there is a permit, nobody waits.
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

/// It has a permit.
const HELD: u64 = 0;
/// It has no permit, and does not wait for one.
const LATER: u64 = 1;
/// From here on: it waits, under this number.
const FIRST: u64 = 2;

/// A permit, or a turn in the queue for one. Dropping it gives up either.
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

    /// Whether there is a permit. If not, this is woken when there is.
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

    /// Leaves whom to wake; true if there is a permit already.
    fn leave_waker(&self, waker: &Waker) -> bool {
        let mut state = self.limit.lock();
        match state.waiting.get(&self.standing) {
            // Whoever waits no more has a permit.
            None => return true,
            Some(Waiting(Some(left))) if left.will_wake(waker) => return false,
            Some(_) => drop(state),
        }
        // Cloned and dropped without the lock: both may run code of the user's.
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
