//! The time that steps take.

use std::mem;
use std::task::Waker;
use std::time::Duration;

use super::Engine;
use super::drive::Next;
use super::state::{State, Task};
use crate::clock::Nanos;
use crate::failure::FailureKind;
use crate::record::What;
use crate::rng::{SimRng, derive};

/// The cost of a step. It follows from the task and from how many steps it has taken, so that it is
/// the same in every schedule, and shifts no other draw.
pub(super) fn drawn(seed: u64, task: &Task, (least, most): (Nanos, Nanos)) -> Nanos {
    let key = derive(derive(seed, "step cost", task.path), "", task.steps);
    match most.wrapping_sub(least).checked_add(1) {
        Some(values) => least + SimRng::new(key).below(values),
        None => SimRng::new(key).next_u64(),
    }
}

impl Engine {
    /// Lets the time of the last step pass. Sleeps that end meanwhile wake their tasks before the
    /// next step is chosen.
    #[inline]
    pub(super) fn charge(&self, state: &mut State, due: &mut Vec<Waker>) -> Option<Next> {
        self.limits.step_cost?;
        let cost = mem::take(&mut state.cost);
        let now = self.clock.nanos().saturating_add(cost);
        if now > self.limits.time {
            let limit = Duration::from_nanos(self.limits.time);
            state.fail(FailureKind::TimeLimit, format!("the limit of {limit:?} was reached"));
            return Some(Next::Stop);
        }
        state.trace.mix(cost);
        self.clock.advance(now);
        state.timers.next().filter(|deadline| *deadline <= now)?;
        state.event(now << 8 | 3, now, || What::Time);
        state.timers.take_due(now, due);
        Some(Next::Wake)
    }
}
