//! As many shards as there are cores, and a number for each thread.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The number of shards: about one per core, at most as many as a small program should pay for, and a
/// power of two.
pub(crate) fn shards() -> usize {
    static SHARDS: OnceLock<usize> = OnceLock::new();
    *SHARDS.get_or_init(|| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        threads.next_power_of_two().min(16)
    })
}

/// A number that identifies this thread.
#[inline]
pub(crate) fn this_thread() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(1);
    thread_local! {
        static THIS: Cell<usize> = const { Cell::new(0) };
    }
    THIS.with(|this| {
        if this.get() == 0 {
            // Relaxed: the numbers only have to differ.
            this.set(THREADS.fetch_add(1, Ordering::Relaxed));
        }
        this.get()
    })
}
