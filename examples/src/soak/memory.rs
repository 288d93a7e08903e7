//! Memory usage.

use stats_alloc::INSTRUMENTED_SYSTEM;

/// The bytes that are allocated and not freed. The allocator's reserves and the stacks of threads do
/// not count.
///
/// Zero unless the program has `INSTRUMENTED_SYSTEM` as its global allocator.
pub(super) fn in_use() -> usize {
    let stats = INSTRUMENTED_SYSTEM.stats();
    stats.bytes_allocated.wrapping_sub(stats.bytes_deallocated)
}
