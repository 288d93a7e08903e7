//! A bounded queue with many who emit and one who reads.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use crate::contain::{discard, wake};
use crate::waiters::Waiters;

/// The queue. It is fair: room goes to those who wait for it in the order in which they began to,
/// and to others only if nobody waits.
pub(super) struct Channel<E> {
    capacity: usize,
    state: Mutex<State<E>>,
}

struct State<E> {
    queue: VecDeque<E>,
    /// For how many there is room that was given to those who waited, and who have not used it.
    ///
    /// Together with the queue it is the capacity for as long as anybody waits.
    reserved: usize,
    emitting: Waiters,
    reading: Option<Waker>,
    /// Nothing is emitted any more.
    closed: bool,
    /// Nobody reads any more.
    left: bool,
}

/// Why an event was not taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Full,
    Closed,
}

impl<E> State<E> {
    /// Gives room to the next one who waits for it.
    #[must_use = "it is to be woken"]
    fn grant(&mut self) -> Option<Waker> {
        let waker = self.emitting.release_first();
        self.reserved += usize::from(waker.is_some());
        waker
    }
}

impl<E> Channel<E> {
    pub(super) fn new(capacity: usize) -> Channel<E> {
        Channel {
            capacity: capacity.max(1),
            state: Mutex::new(State {
                queue: VecDeque::new(),
                reserved: 0,
                emitting: Waiters::default(),
                reading: None,
                closed: false,
                left: false,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<E>> {
        // Nothing of the user's runs under the lock, so there is no panic that could poison it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_room(&self, state: &State<E>) -> bool {
        state.queue.len() + state.reserved < self.capacity
    }

    pub(super) fn try_emit(&self, event: E) -> Result<(), (E, Refusal)> {
        let state = self.lock();
        if state.closed || state.left {
            return Err((event, Refusal::Closed));
        }
        if !self.has_room(&state) {
            return Err((event, Refusal::Full));
        }
        Self::push(state, event);
        Ok(())
    }

    fn push(mut state: MutexGuard<'_, State<E>>, event: E) {
        state.queue.push_back(event);
        let reader = state.reading.take();
        drop(state);
        wake(reader);
    }

    /// Emits the event as soon as there is room for it. The key is the place among those who wait.
    pub(super) fn poll_emit(
        &self,
        key: &mut Option<u64>,
        event: &mut Option<E>,
        waker: &Waker,
    ) -> Poll<bool> {
        // Cloned and dropped without the lock: both may run code of the user's.
        let mut waker = Some(waker.clone());
        let mut state = self.lock();
        let done = if state.closed || state.left {
            let registered = key.take().and_then(|key| state.emitting.forget(key));
            drop(state);
            discard((registered, event.take()));
            Poll::Ready(false)
        } else if key.is_none() && self.has_room(&state) {
            Self::push(state, event.take().expect("an event is emitted once"));
            Poll::Ready(true)
        } else if state.emitting.wait(key, &mut waker) {
            Poll::Pending
        } else {
            state.reserved -= 1;
            Self::push(state, event.take().expect("an event is emitted once"));
            Poll::Ready(true)
        };
        discard(waker);
        done
    }

    /// Somebody waits for room no more.
    pub(super) fn give_up(&self, key: u64) {
        let mut state = self.lock();
        let mut next = None;
        if state.emitting.is_released(key) && !(state.closed || state.left) {
            // It had got room, and did not use it.
            state.reserved -= 1;
            next = state.grant();
        }
        let waker = state.emitting.forget(key);
        drop(state);
        discard(waker);
        wake(next);
    }

    pub(super) fn poll_next(&self, waker: &Waker) -> Poll<Option<E>> {
        let mut waker = Some(waker.clone());
        let mut state = self.lock();
        if let Some(event) = state.queue.pop_front() {
            let (next, reader) = (state.grant(), state.reading.take());
            drop(state);
            discard((waker, reader));
            wake(next);
            return Poll::Ready(Some(event));
        }
        let closed = state.closed;
        if !closed {
            mem::swap(&mut state.reading, &mut waker);
        }
        drop(state);
        discard(waker);
        if closed { Poll::Ready(None) } else { Poll::Pending }
    }

    /// Nothing is emitted any more; what was can be read.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let reader = state.reading.take();
        let emitting = state.emitting.drain();
        drop(state);
        wake(reader);
        for waker in emitting {
            wake(Some(waker));
        }
    }

    /// Nobody reads any more.
    pub(super) fn leave(&self) {
        let mut state = self.lock();
        state.left = true;
        let unread = (mem::take(&mut state.queue), state.reading.take());
        let emitting = state.emitting.drain();
        drop(state);
        for waker in emitting {
            wake(Some(waker));
        }
        let (events, reader) = unread;
        discard(reader);
        // One by one: each may panic when it is dropped.
        for event in events {
            discard(event);
        }
    }

    /// How many events there are, and how many who wait for room.
    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize) {
        let state = self.lock();
        (state.queue.len(), state.emitting.len())
    }
}
