//! The state that decides how a task with an observed end has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

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
    // One variable, and nothing else is published through it: `Relaxed` would decide the race as well.
    // With `AcqRel`, a thread that sees the end or the abort also sees everything before it.
    fn set(&self, to: u8) -> bool {
        match self.0.compare_exchange(LIVE, to, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(now) => now == to,
        }
    }

    /// Requests an abort. False if the task has ended.
    pub(crate) fn abort(&self) -> bool {
        self.set(ABORTED)
    }

    /// Ends the task. False if it was aborted before.
    pub(crate) fn end(&self) -> bool {
        self.set(ENDED)
    }

    pub(crate) fn is_aborted(&self) -> bool {
        self.0.load(Ordering::Acquire) == ABORTED
    }
}
