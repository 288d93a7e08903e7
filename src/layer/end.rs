//! The state that decides how a task with an observed end has ended.

use std::sync::Arc;

use crate::sync::atomic::{AtomicU8, Ordering};

/// Shared by the hooks and the handles of a task. An abort comes before the end and decides it, or comes
/// after it and does nothing.
///
/// Without this a decorator could be told that a task completed while its join says that it was cancelled.
#[derive(Clone)]
pub(crate) struct EndState(Arc<AtomicU8>);

const LIVE: u8 = 0;
const ENDED: u8 = 1;
const ABORTED: u8 = 2;

impl Default for EndState {
    fn default() -> EndState {
        EndState(Arc::new(AtomicU8::new(LIVE)))
    }
}

impl EndState {
    // The abort and the end race for one variable, which decides with any ordering. What is left to order is that a
    // task that was aborted sees what was done before the abort: `abort` releases it, the other two acquire it.

    /// Requests an abort. False if the task has ended.
    pub(crate) fn abort(&self) -> bool {
        match self.0.compare_exchange(LIVE, ABORTED, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => true,
            Err(now) => now == ABORTED,
        }
    }

    /// Ends the task. False if it was aborted before.
    pub(crate) fn end(&self) -> bool {
        // Relaxed if it succeeds: an abort that comes too late does nothing.
        match self.0.compare_exchange(LIVE, ENDED, Ordering::Relaxed, Ordering::Acquire) {
            Ok(_) => true,
            Err(now) => now == ENDED,
        }
    }

    pub(crate) fn is_aborted(&self) -> bool {
        self.0.load(Ordering::Acquire) == ABORTED
    }
}

#[cfg(all(test, model))]
mod models;
