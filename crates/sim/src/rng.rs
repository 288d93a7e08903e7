//! Seeded randomness.

use std::fmt;
use std::hash::{Hash, Hasher};

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng};

/// A seeded random number generator: xoshiro256++.
///
/// The same seed gives the same numbers, in every process and on every platform.
///
/// # With the crate `rand`
///
/// For its distributions, and for code that takes one of its generators, seed one from this. Choose a
/// named algorithm, such as `ChaCha12Rng` of `rand_chacha`, or accept that an update of `rand` may
/// change `StdRng`'s numbers, and with them the runs of a seed. Do not use `rand::rng()` in a
/// simulation: the operating system seeds it.
///
/// ```
/// use async_runtime_compat_sim::Sim;
/// use rand::SeedableRng;
/// use rand::rngs::StdRng;
/// use rand::seq::SliceRandom;
///
/// let shuffled = |seed| {
///     let run = Sim::new(seed).run(|rt| async move {
///         let mut rng = StdRng::from_seed(rt.rng("gossip").seed());
///         let mut peers: Vec<u32> = (0..100).collect();
///         peers.shuffle(&mut rng);
///         peers
///     });
///     run.unwrap().value
/// };
/// assert_eq!(shuffled(7), shuffled(7));
/// assert_ne!(shuffled(7), shuffled(8));
/// ```
#[derive(Clone)]
pub struct SimRng {
    generator: Xoshiro256PlusPlus,
    /// Forks are derived from this, so that draws do not shift them.
    seed: u64,
}

impl SimRng {
    pub(crate) fn new(seed: u64) -> SimRng {
        SimRng { generator: Xoshiro256PlusPlus::seed_from_u64(seed), seed }
    }

    /// Derives a separate generator for a component.
    ///
    /// It depends on this generator's seed and the label, not on earlier draws: a component that
    /// draws more does not shift the numbers of another.
    #[must_use]
    pub fn fork(&self, label: &str) -> SimRng {
        SimRng::new(derive(self.seed, label, 0))
    }

    /// Draws a number between 0 and [`u64::MAX`].
    pub fn next_u64(&mut self) -> u64 {
        self.generator.next_u64()
    }

    /// Draws a number below `bound`, all equally likely to within 2<sup>-64</sup> · `bound`.
    ///
    /// # Panics
    ///
    /// If `bound` is 0.
    #[track_caller]
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "there is no number below 0");
        let product = u128::from(self.next_u64()) * u128::from(bound);
        (product >> 64) as u64
    }

    /// Draws `true` with the given probability: 0 is never, 1 is always.
    ///
    /// # Panics
    ///
    /// If the probability is not between 0 and 1.
    #[track_caller]
    pub fn chance(&mut self, probability: f64) -> bool {
        assert!((0.0..=1.0).contains(&probability), "a probability is between 0 and 1");
        #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
        let draw = (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        draw < probability
    }

    /// Draws one of the items; `None` if there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        if items.is_empty() {
            return None;
        }
        let index = self.below(items.len() as u64);
        items.get(usize::try_from(index).unwrap_or_default())
    }

    /// Shuffles the items.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1);
            items.swap(last, usize::try_from(other).unwrap_or_default());
        }
    }

    /// Draws a seed for another generator, such as `rand`'s `StdRng`.
    pub fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        for bytes in seed.chunks_exact_mut(8) {
            bytes.copy_from_slice(&self.next_u64().to_le_bytes());
        }
        seed
    }
}

impl fmt::Debug for SimRng {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimRng").finish_non_exhaustive()
    }
}

/// Derives a seed from another one, a label and a number, the same in every process.
pub(crate) fn derive(seed: u64, label: &str, number: u64) -> u64 {
    let mut hash = Trace::new(seed);
    label.as_bytes().hash(&mut hash);
    hash.write_u64(number);
    hash.finish()
}

/// A hash that is the same in every process, and to which a word is added quickly.
#[derive(Clone, Copy)]
pub(crate) struct Trace {
    hash: u64,
    /// What was mixed in since the last word was added.
    mixed: u64,
}

impl Trace {
    pub(crate) fn new(seed: u64) -> Trace {
        Trace { hash: seed ^ 0x9E37_79B9_7F4A_7C15, mixed: 0 }
    }

    #[inline]
    pub(crate) fn add(&mut self, word: u64) {
        let word = word ^ std::mem::take(&mut self.mixed);
        let product = u128::from(self.hash ^ word) * u128::from(0xD6E8_FEB8_6659_FD93_u64);
        #[expect(clippy::cast_possible_truncation, reason = "both halves are used")]
        {
            self.hash =
                ((product >> 64) as u64 ^ product as u64).wrapping_add(0xA076_1D64_78BD_642F);
        }
    }

    /// Changes the next word. Quicker than adding a word, for a few small numbers.
    #[inline]
    pub(crate) fn mix(&mut self, word: u64) {
        self.mixed = (self.mixed ^ word).rotate_left(23);
    }
}

impl Hasher for Trace {
    fn finish(&self) -> u64 {
        let mut last = *self;
        last.add(0x5851_F42D_4C95_7F2D);
        last.hash
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.add(u64::from_le_bytes(word));
        }
        self.add(bytes.len() as u64);
    }

    fn write_u64(&mut self, word: u64) {
        self.add(word);
    }
}
