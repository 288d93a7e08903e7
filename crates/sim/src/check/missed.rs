//! A check whose runs all succeeded, but showed too little.

use std::time::Duration;

use super::command::command;
use super::report::{Counterexample, Of, Parts};
use super::{Check, Checked};
use crate::failure::{Details, Failure, FailureKind};
use crate::goals::Goals;
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

    /// Fails if a fault that was asked for was injected in no run, or if there are goals that no run
    /// has reached.
    pub(super) fn judge(&self, checked: Checked, goals: &Goals) -> Result<Checked, Counterexample> {
        if self.is_partial {
            return Ok(checked);
        }
        // A goal may be missed for want of faults.
        let missed = self.unmet(&checked).map(|message| (FailureKind::NoFault, message));
        let missed = missed.or_else(|| {
            unreached(goals, checked.runs).map(|message| (FailureKind::Unreached, message))
        });
        match missed {
            Some((kind, message)) => Err(self.shows_nothing(&checked, kind, message)),
            None => Ok(checked),
        }
    }

    /// Says which faults were asked for, and injected in no run.
    fn unmet(&self, checked: &Checked) -> Option<String> {
        let none = self.asks && checked.faults == 0;
        self.sim.rules.unmet().or_else(|| {
            let message = "no buggify point was reached, or none of them fired";
            none.then(|| message.to_owned())
        })
    }

    fn shows_nothing(
        &self,
        checked: &Checked,
        kind: FailureKind,
        message: String,
    ) -> Counterexample {
        let failure = Failure::new(Details {
            kind,
            message,
            origin: None,
            seed: self.sim.seed,
            strategy: self.strategies[0].clone(),
            tape: Tape::default(),
            steps: checked.steps,
            elapsed: Duration::ZERO,
            tasks: Vec::new(),
        });
        Counterexample::new(Parts {
            of: Of::All(checked.runs),
            failure,
            timeline: Timeline::empty(),
            whole: false,
            replay: command(self.command.as_deref()),
            built: None,
            shrunk: None,
            svg: None,
        })
    }
}

/// Says which goals no run has reached.
fn unreached(goals: &Goals, runs: u64) -> Option<String> {
    let missed = goals.missed();
    (!missed.is_empty()).then(|| {
        format!(
            "none of {runs} runs reached {}: the test says nothing about it. Make it more likely, run \
             more schedules, or call `reached` where it happens",
            missed.join(", ")
        )
    })
}
