//! Keys, and the memory behind them.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use super::{CHUNK, Key, Slots};

impl<T> Slots<T> {
    fn add(&mut self, value: T) -> Key {
        let key = self.next_key();
        self.insert(key, value);
        key
    }

    fn chunks_in_memory(&self) -> usize {
        self.chunks.iter().chain([&self.spare]).flatten().count()
    }
}

#[test]
fn values_are_found_by_their_keys_whatever_came_and_went() {
    let (mut slots, mut model) = (Slots::new(), BTreeMap::new());
    let mut random = StdRng::seed_from_u64(1);
    for round in 0..20_000_u64 {
        // Grows for a while, then shrinks, and so on.
        let grows = round / 500 % 2 == 0;
        if (random.random_range(0..3) == 0) == grows {
            let keys: Vec<_> = model.keys().copied().collect();
            let Some(&key) = keys.choose(&mut random) else { continue };
            assert_eq!(slots.remove(key), model.remove(&key));
            assert_eq!(slots.remove(key), None);
        } else {
            let key = slots.add(round);
            assert_eq!(model.insert(key, round), None, "a key that was taken");
        }
        assert_eq!(slots.len(), model.len());
    }
    assert!(slots.iter().eq(model.values()));
    for (key, value) in &mut model {
        assert_eq!(slots.get(*key), Some(&*value));
        assert_eq!(slots.get_mut(*key), Some(value));
    }
}

#[test]
fn memory_goes_with_the_values() {
    let mut slots = Slots::new();
    let keys: Vec<_> = (0..CHUNK * 1000).map(|value| slots.add(value)).collect();
    assert_eq!(slots.chunks_in_memory(), 1000);
    let (last, others) = keys.split_last().unwrap();
    for key in others {
        slots.remove(*key);
    }
    assert!(slots.chunks_in_memory() <= 2, "the last value keeps more than its chunk");
    slots.remove(*last);
    assert!(slots.chunks_in_memory() <= 1);
    assert!(slots.chunks.capacity() <= 1 && slots.room.capacity() <= 1);

    for value in 0..CHUNK * 1000 {
        let key = slots.add(value);
        slots.remove(key);
    }
    assert!(slots.chunks_in_memory() <= 1);
}
