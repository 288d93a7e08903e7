//! Promises that no step can keep any more.

use std::sync::atomic::Ordering;

use super::Engine;
use super::state::State;
use crate::clock::Nanos;
use crate::failure::FailureKind;

impl Engine {
    /// Whether time would pass, until then or for ever, beyond the end of a promise: nothing changes
    /// meanwhile, so it is broken.
    #[inline]
    pub(super) fn is_late(&self, state: &mut State, until: Option<Nanos>) -> bool {
        self.watched.load(Ordering::Relaxed) && self.breaks(state, until)
    }

    #[cold]
    fn breaks(&self, state: &mut State, until: Option<Nanos>) -> bool {
        let Some((deadline, broken)) = self.promises.first() else { return false };
        // Without a timer it is a deadlock, and with other threads they may act at any time.
        if until.is_none_or(|until| until <= deadline) || deadline > self.limits.time {
            return false;
        }
        // A step that takes time may have passed it.
        self.clock.advance(deadline.max(self.clock.nanos()));
        state.fail(FailureKind::Invariant, broken);
        true
    }

    /// The name of a promise that the end of the run breaks.
    #[inline]
    pub(super) fn unfulfilled(&self) -> Option<String> {
        self.watched.load(Ordering::Relaxed).then(|| self.promises.unfulfilled()).flatten()
    }
}
