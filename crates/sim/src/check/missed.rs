//! A check whose runs all succeeded, but said too little.

use std::time::Duration;

use super::Check;
use super::report::{Counterexample, Parts};
use crate::failure::{Details, Failure, FailureKind};
use crate::goals::Goals;
use crate::record::Record;
use crate::tape::Tape;
use crate::timeline::Timeline;

impl Check {
    /// What the check itself wants to be reached.
    pub(super) fn goals(&self) -> Goals {
        let goals = Goals::default();
        for name in &self.sometimes {
            goals.want(name.clone());
        }
        goals
    }

    /// An error if there are goals that no run has reached.
    pub(super) fn judge(&self, goals: &Goals, runs: u64) -> Result<(), Counterexample> {
        let missed = goals.missed();
        if missed.is_empty() {
            return Ok(());
        }
        let message = format!(
            "none of {runs} runs reached {}: the test says nothing about it. Make it more likely, run \
             more schedules, or call `reached` where it happens",
            missed.join(", ")
        );
        let failure = Failure::new(Details {
            kind: FailureKind::Unreached,
            message: message.clone(),
            seed: self.sim.seed,
            strategy: self.sim.strategy.clone(),
            tape: Tape::default(),
            steps: 0,
            elapsed: Duration::ZERO,
            tasks: Vec::new(),
        });
        let end = Some((FailureKind::Unreached, message));
        let timeline = Timeline::new(&Record::default(), end);
        let replay = String::new();
        let parts = Parts { run: None, failure, timeline, replay, shrunk: None, svg: None };
        Err(Counterexample::new(parts))
    }
}
