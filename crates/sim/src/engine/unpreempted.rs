//! The engine without the feature `preempt`: no operation that is ready is suspended.

use std::task::Waker;

use super::Engine;
use crate::schedule::Schedule;
use crate::tape::Tape;

/// The suspensions on a tape, none of which can happen.
pub(super) struct Preempt(usize);

#[derive(Default)]
pub(super) struct Watching {}

impl Preempt {
    pub(super) fn new(_seed: u64, _chance: Option<f64>, schedule: &mut Schedule) -> Preempt {
        Preempt(schedule.take_suspensions().map_or(0, |planned| planned.len()))
    }

    #[expect(clippy::unused_self, reason = "with the feature it is used")]
    pub(super) fn finish(&self, _tape: &mut Tape) {}

    pub(super) fn left_over(&self) -> usize {
        self.0
    }
}

impl Engine {
    #[expect(clippy::unused_self, reason = "with the feature it is used")]
    pub(super) fn with_budget<R>(&self, run: impl FnOnce() -> R) -> R {
        run()
    }

    #[expect(clippy::unused_self, reason = "with the feature it is used")]
    #[inline]
    pub(super) fn poll<T, R>(
        &self,
        task: T,
        _waker: impl FnOnce(&T) -> Waker,
        poll: impl FnOnce(T) -> R,
    ) -> R {
        poll(task)
    }
}
