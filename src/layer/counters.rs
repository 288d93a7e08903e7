//! The counters of a counting decorator.

use std::sync::Arc;

use super::TaskEnd;
use crate::shards::{shards, this_thread};
use crate::sync::atomic::{AtomicU64, Ordering};

/// How many tasks were spawned, and how they ended.
pub(crate) struct Counters(Box<[Shard]>);

/// The counters of a few threads, on cache lines of their own, to avoid contention with the others.
#[derive(Default)]
#[repr(align(128))]
struct Shard {
    spawned: AtomicU64,
    finished: AtomicU64,
    panicked: AtomicU64,
    aborted: AtomicU64,
}

/// The sums over all threads. They are not read at a single instant.
pub(crate) struct Sums {
    pub(crate) spawned: u64,
    pub(crate) finished: u64,
    pub(crate) panicked: u64,
    pub(crate) aborted: u64,
}

impl Counters {
    pub(crate) fn new() -> Arc<Counters> {
        Arc::new(Counters((0..shards()).map(|_| Shard::default()).collect()))
    }

    #[inline]
    fn shard(&self) -> &Shard {
        &self.0[this_thread() & (self.0.len() - 1)]
    }

    #[inline]
    pub(crate) fn spawned(&self) {
        // Relaxed: the task comes after this, and its end is released by `ended`.
        self.shard().spawned.fetch_add(1, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn ended(&self, how: TaskEnd) {
        let shard = self.shard();
        let ended = match how {
            TaskEnd::Completed => &shard.finished,
            TaskEnd::Panicked => &shard.panicked,
            TaskEnd::Aborted | TaskEnd::Shutdown => &shard.aborted,
        };
        // Release, paired with the acquire in `sums`: sums with the end of a task have its spawn as well.
        ended.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn sums(&self) -> Sums {
        let ended = |of: fn(&Shard) -> &AtomicU64| -> u64 {
            // Acquire, paired with the release in `ended`: what is read after this has the spawns of these tasks.
            self.0.iter().map(|shard| of(shard).load(Ordering::Acquire)).sum()
        };
        let finished = ended(|shard| &shard.finished);
        let panicked = ended(|shard| &shard.panicked);
        let aborted = ended(|shard| &shard.aborted);
        // Read last: otherwise the sums could have more ends than spawns. Relaxed: nothing is read after them.
        let spawned = self.0.iter().map(|shard| shard.spawned.load(Ordering::Relaxed)).sum();
        Sums { spawned, finished, panicked, aborted }
    }
}

#[cfg(all(test, model))]
mod models;
