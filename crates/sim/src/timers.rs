//! The pending sleeps.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::mem;
use std::task::Waker;

use slab::Slab;

use crate::clock::Nanos;

/// The pending sleeps, by deadline.
#[derive(Default)]
pub(crate) struct Timers {
    /// Every registration, by time, and for the same time in the order of registration. Entries of
    /// removed registrations stay until their time comes or there are too many of them.
    order: BinaryHeap<Reverse<Entry>>,
    waiting: Slab<Registration>,
    made: u32,
}

struct Registration {
    key: Key,
    at: Nanos,
    /// Whose clock applies.
    node: u32,
    waker: Waker,
}

/// A time and a key in one word, because a heap compares and moves its entries a lot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry(u128);

impl Entry {
    fn new(at: Nanos, key: Key) -> Entry {
        Entry(u128::from(at) << 64 | u128::from(key.number) << 32 | u128::from(key.index))
    }

    #[expect(clippy::cast_possible_truncation, reason = "three words are packed into one")]
    fn parts(self) -> (Nanos, Key) {
        let key = Key { number: (self.0 >> 32) as u32, index: self.0 as u32 };
        ((self.0 >> 64) as Nanos, key)
    }
}

/// Identifies a registration. Indices are reused at once; numbers only after 2<sup>32</sup> others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    number: u32,
    index: u32,
}

impl Timers {
    /// The time of the next sleep that ends.
    pub(crate) fn next(&mut self) -> Option<Nanos> {
        while let Some(Reverse(entry)) = self.order.peek() {
            let (at, key) = entry.parts();
            if is_waiting(&self.waiting, key) {
                return Some(at);
            }
            self.order.pop();
        }
        None
    }

    /// Takes the wakers of the sleeps whose time has come.
    pub(crate) fn take_due(&mut self, now: Nanos, due: &mut Vec<Waker>) {
        while let Some(Reverse(entry)) = self.order.peek() {
            let (at, key) = entry.parts();
            if at > now {
                break;
            }
            self.order.pop();
            due.extend(take(&mut self.waiting, key));
        }
    }

    /// Registers a waker, or replaces it. Drop the old one once the lock is released.
    #[must_use]
    pub(crate) fn register(
        &mut self,
        registered: &mut Option<Key>,
        at: Nanos,
        node: u32,
        waker: Waker,
    ) -> Option<Waker> {
        if let Some(key) = registered.filter(|key| is_waiting(&self.waiting, *key)) {
            let registration = &mut self.waiting[key.index as usize];
            return Some(mem::replace(&mut registration.waker, waker));
        }
        self.made = self.made.wrapping_add(1);
        let index = self.waiting.vacant_key();
        let index = u32::try_from(index).expect("memory runs out before there are so many sleeps");
        let key = Key { number: self.made, index };
        self.waiting.insert(Registration { key, at, node, waker });
        self.order.push(Reverse(Entry::new(at, key)));
        *registered = Some(key);
        None
    }

    /// Removes a registration. Drop its waker once the lock is released.
    #[must_use]
    pub(crate) fn remove(&mut self, key: Key) -> Option<Waker> {
        let waker = take(&mut self.waiting, key)?;
        // Amortized: each entry that goes was paid for by its removal.
        if self.order.len() > 2 * self.waiting.len() + 64 {
            let waiting = &self.waiting;
            self.order.retain(|Reverse(entry)| is_waiting(waiting, entry.parts().1));
        }
        Some(waker)
    }

    /// When the sleep ends; `None` if it is not pending.
    pub(crate) fn due(&self, key: Key) -> Option<Nanos> {
        self.waiting.get(key.index as usize).filter(|it| it.key == key).map(|it| it.at)
    }

    /// Takes the wakers of all sleeps by a node's clock, in the order of their deadlines. This looks
    /// at every pending sleep.
    #[must_use]
    pub(crate) fn take_node(&mut self, node: u32) -> Vec<Waker> {
        let its = self.waiting.iter().filter(|(_, it)| it.node == node);
        let mut due: Vec<_> = its.map(|(_, it)| Entry::new(it.at, it.key)).collect();
        due.sort_unstable();
        due.into_iter().filter_map(|entry| self.remove(entry.parts().1)).collect()
    }

    pub(crate) fn clear(&mut self) -> Vec<Waker> {
        self.order.clear();
        mem::take(&mut self.waiting).into_iter().map(|(_, it)| it.waker).collect()
    }
}

fn is_waiting(waiting: &Slab<Registration>, key: Key) -> bool {
    waiting.get(key.index as usize).is_some_and(|it| it.key == key)
}

fn take(waiting: &mut Slab<Registration>, key: Key) -> Option<Waker> {
    is_waiting(waiting, key).then(|| waiting.remove(key.index as usize).waker)
}
