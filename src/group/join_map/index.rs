//! A hash index over keys that are stored elsewhere.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::group::joins::Joins;
use crate::group::slots::Key as Slot;

/// A key of a map, stored with its task.
pub(super) struct Keyed<K> {
    pub(super) key: K,
    hash: u64,
    /// The next task whose key has the same hash.
    next: Option<Slot>,
}

/// Finds tasks by their keys.
///
/// The keys stand with their tasks, so that both a task and a key lead to the other without a copy of the key. Here,
/// a hash leads to the first of the tasks that have it.
#[derive(Default)]
pub(super) struct Index {
    first: HashMap<u64, Slot, BuildHasherDefault<Hashed>>,
    len: usize,
}

impl Index {
    /// The number of keys.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn find<K, T, Q>(
        &self,
        tasks: &Joins<Option<Keyed<K>>, T>,
        hash: u64,
        key: &Q,
    ) -> Option<Slot>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let mut at = self.first.get(&hash).copied();
        while let Some(slot) = at {
            let keyed = tasks.get(slot)?.mark.as_ref()?;
            if keyed.key.borrow() == key {
                return Some(slot);
            }
            at = keyed.next;
        }
        None
    }

    /// Adds the key of the task in the slot. There must be no other task with this key.
    pub(super) fn insert<K>(&mut self, slot: Slot, hash: u64, key: K) -> Keyed<K> {
        self.len += 1;
        Keyed { key, hash, next: self.first.insert(hash, slot) }
    }

    /// Removes the key of the task in the slot. The task has been removed, or has no mark any more.
    pub(super) fn remove<K, T>(
        &mut self,
        tasks: &mut Joins<Option<Keyed<K>>, T>,
        slot: Slot,
        Keyed { key, hash, next }: Keyed<K>,
    ) -> K {
        self.len -= 1;
        let first = self.first.get(&hash).copied();
        if first == Some(slot) {
            match next {
                Some(next) => self.first.insert(hash, next),
                None => self.first.remove(&hash),
            };
            return key;
        }
        let mut at = first;
        while let Some(keyed) = at.and_then(|at| tasks.get_mut(at)?.mark.as_mut()) {
            if keyed.next == Some(slot) {
                keyed.next = next;
                break;
            }
            at = keyed.next;
        }
        key
    }
}

/// Passes on hashes as they are.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, _: &[u8]) {
        unreachable!("a hash is an `u64`");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
