//! The sleeps that are waiting for their time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::mem;
use std::task::Waker;

use slab::Slab;

use crate::clock::Nanos;

/// Who waits for what time.
#[derive(Default)]
pub(crate) struct Timers {
    /// Each registration, the earliest first, and of those for one time the first that was made.
    /// One that was removed stays until its time comes or too many have been.
    order: BinaryHeap<Reverse<Entry>>,
    waiting: Slab<Registration>,
    made: u32,
}

struct Registration {
    key: Key,
    at: Nanos,
    /// By whose clock.
    node: u32,
    waker: Waker,
}

/// A time, and whose it is, in one word: there is much comparing and moving in a heap.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry(u128);

impl Entry {
    fn new(at: Nanos, key: Key) -> Entry {
        Entry(u128::from(at) << 64 | u128::from(key.number) << 32 | u128::from(key.place))
    }

    #[expect(clippy::cast_possible_truncation, reason = "it is three words in one")]
    fn parts(self) -> (Nanos, Key) {
        let key = Key { number: (self.0 >> 32) as u32, place: self.0 as u32 };
        ((self.0 >> 64) as Nanos, key)
    }
}

/// A registration: which it is, and where. Places are used again; numbers are, too, but not before
/// there have been 2<sup>32</sup> others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    number: u32,
    place: u32,
}

impl Timers {
    /// The time of the first.
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

    /// Takes those whose time has come.
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

    /// What it gives is to be dropped, once the lock is released.
    #[must_use]
    pub(crate) fn register(
        &mut self,
        registered: &mut Option<Key>,
        at: Nanos,
        node: u32,
        waker: Waker,
    ) -> Option<Waker> {
        if let Some(key) = registered.filter(|key| is_waiting(&self.waiting, *key)) {
            let registration = &mut self.waiting[key.place as usize];
            return Some(mem::replace(&mut registration.waker, waker));
        }
        self.made = self.made.wrapping_add(1);
        let place = self.waiting.vacant_key();
        let place = u32::try_from(place).expect("there is no memory for so many sleeps");
        let key = Key { number: self.made, place };
        self.waiting.insert(Registration { key, at, node, waker });
        self.order.push(Reverse(Entry::new(at, key)));
        *registered = Some(key);
        None
    }

    /// What it gives is to be dropped, once the lock is released.
    #[must_use]
    pub(crate) fn remove(&mut self, key: Key) -> Option<Waker> {
        let waker = take(&mut self.waiting, key)?;
        // Each of those that go has been paid for by its removal.
        if self.order.len() > 2 * self.waiting.len() + 64 {
            let waiting = &self.waiting;
            self.order.retain(|Reverse(entry)| is_waiting(waiting, entry.parts().1));
        }
        Some(waker)
    }

    /// When it is due; `None` if it does not wait any more.
    pub(crate) fn due(&self, key: Key) -> Option<Nanos> {
        self.waiting.get(key.place as usize).filter(|it| it.key == key).map(|it| it.at)
    }

    /// Takes those that wait by the clock of a node, in the order in which they would be due. This
    /// looks at all there are.
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
    waiting.get(key.place as usize).is_some_and(|it| it.key == key)
}

fn take(waiting: &mut Slab<Registration>, key: Key) -> Option<Waker> {
    is_waiting(waiting, key).then(|| waiting.remove(key.place as usize).waker)
}
