//! A bounded queue with many emitters and one reader.

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::sync::{Mutex, MutexGuard};
use std::task::{Poll, Waker};

use crate::services::contain::{discard, lock, wake};

/// The queue. It is fair: room goes to waiting emitters in the order in which they began to wait,
/// and to others only if none waits.
///
/// Wakers are cloned, woken and dropped without the lock: each of these may run user code.
pub(super) struct Channel<E> {
    capacity: usize,
    state: Mutex<State<E>>,
}

struct State<E> {
    queue: VecDeque<E>,
    /// How much room was given to emitters that waited for it and have not used it yet.
    ///
    /// Together with the queue it is the capacity for as long as an emitter waits.
    reserved: usize,
    /// The waiting emitters by their keys, which grow. One whose key is missing has got room, unless
    /// the channel was closed.
    emitting: BTreeMap<u64, Waker>,
    next_key: u64,
    reading: Option<Waker>,
    /// Nothing is emitted any more.
    closed: bool,
    /// The reader is gone.
    left: bool,
}

/// Why an event was not taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Full,
    Closed,
}

impl<E> State<E> {
    fn is_open(&self) -> bool {
        !self.closed && !self.left
    }

    /// Gives room to the emitter that has waited for longest.
    #[must_use = "it is to be woken"]
    fn grant(&mut self) -> Option<Waker> {
        let (_, waker) = self.emitting.pop_first()?;
        self.reserved += 1;
        Some(waker)
    }
}

impl<E> Channel<E> {
    pub(super) fn new(capacity: usize) -> Channel<E> {
        Channel {
            capacity: capacity.max(1),
            state: Mutex::new(State {
                queue: VecDeque::new(),
                reserved: 0,
                emitting: BTreeMap::new(),
                next_key: 0,
                reading: None,
                closed: false,
                left: false,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<E>> {
        lock(&self.state)
    }

    fn has_room(&self, state: &State<E>) -> bool {
        state.queue.len() + state.reserved < self.capacity
    }

    pub(super) fn try_emit(&self, event: E) -> Result<(), (E, Refusal)> {
        let state = self.lock();
        if !state.is_open() {
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

    /// Emits the event as soon as there is room for it. The key is that of a waiting emitter.
    pub(super) fn poll_emit(
        &self,
        key: &mut Option<u64>,
        event: &mut Option<E>,
        waker: &Waker,
    ) -> Poll<bool> {
        let waker = waker.clone();
        let mut state = self.lock();
        if !state.is_open() {
            *key = None;
            drop(state);
            discard(waker);
            discard(event.take());
            return Poll::Ready(false);
        }
        let may_push = match key {
            None => self.has_room(&state),
            Some(key) => !state.emitting.contains_key(key),
        };
        if may_push {
            state.reserved -= usize::from(key.take().is_some());
            Self::push(state, event.take().expect("an event is emitted once"));
            discard(waker);
            return Poll::Ready(true);
        }
        let key = *key.get_or_insert_with(|| {
            state.next_key += 1;
            state.next_key
        });
        let replaced = state.emitting.insert(key, waker);
        drop(state);
        discard(replaced);
        Poll::Pending
    }

    /// An emitter stops waiting for room.
    pub(super) fn give_up(&self, key: u64) {
        let mut state = self.lock();
        let waker = state.emitting.remove(&key);
        let mut next = None;
        if waker.is_none() && state.is_open() {
            // It had got room and did not use it.
            state.reserved -= 1;
            next = state.grant();
        }
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
            discard(waker);
            discard(reader);
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

    /// Whether all events were read, and none will come.
    pub(super) fn is_at_end(&self) -> bool {
        let state = self.lock();
        state.closed && state.queue.is_empty()
    }

    /// Nothing is emitted any more; buffered events can still be read.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let reader = state.reading.take();
        let emitting = mem::take(&mut state.emitting);
        drop(state);
        wake(reader);
        for waker in emitting.into_values() {
            wake(Some(waker));
        }
    }

    /// The reader is gone.
    pub(super) fn leave(&self) {
        let mut state = self.lock();
        state.left = true;
        let (events, reader) = (mem::take(&mut state.queue), state.reading.take());
        let emitting = mem::take(&mut state.emitting);
        drop(state);
        for waker in emitting.into_values() {
            wake(Some(waker));
        }
        discard(reader);
        // One by one: each may panic when it is dropped.
        for event in events {
            discard(event);
        }
    }

    /// How many events are buffered, and how many emitters wait for room.
    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize) {
        let state = self.lock();
        (state.queue.len(), state.emitting.len())
    }
}
