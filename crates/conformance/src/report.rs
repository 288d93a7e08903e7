//! The outcomes of a run.

use std::fmt;

use crate::case::{Case, CaseResult};
use crate::clause::Clause;

/// The outcomes of a run of the suite.
///
/// The [`Display`](fmt::Display) form has a line for each case that failed or was skipped, and
/// ends with the counts.
#[derive(Clone, Debug)]
pub struct Report {
    outcomes: Vec<(Case, CaseResult)>,
}

impl Report {
    pub(crate) fn new(outcomes: Vec<(Case, CaseResult)>) -> Report {
        Report { outcomes }
    }

    /// The cases that were run, each with its outcome.
    pub fn outcomes(&self) -> impl Iterator<Item = (&Case, &CaseResult)> {
        self.outcomes.iter().map(|(case, outcome)| (case, outcome))
    }

    /// The clauses that are violated, each once.
    #[must_use]
    pub fn failed(&self) -> Vec<Clause> {
        let failed = |(case, outcome): (&Case, &CaseResult)| {
            matches!(outcome, CaseResult::Failed(_)).then_some(case.clause)
        };
        let mut clauses: Vec<Clause> = self.outcomes().filter_map(failed).collect();
        clauses.sort();
        clauses.dedup();
        clauses
    }

    /// The names of the cases that were skipped.
    #[must_use]
    pub fn skipped(&self) -> Vec<&'static str> {
        let skipped = |(case, outcome): (&Case, &CaseResult)| {
            matches!(outcome, CaseResult::Skipped(_)).then_some(case.name)
        };
        self.outcomes().filter_map(skipped).collect()
    }

    /// Fails a test if a clause is violated. Skipped cases do not count; see
    /// [`skipped`](Report::skipped).
    ///
    /// # Panics
    ///
    /// If a case failed, with the report as the message.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(self.failed().is_empty(), "the subject violates the contract\n{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut passed, mut skipped, mut failed) = (0, 0, 0);
        for (case, outcome) in &self.outcomes {
            let (word, why) = match outcome {
                CaseResult::Passed => {
                    passed += 1;
                    continue;
                }
                CaseResult::Skipped(why) => {
                    skipped += 1;
                    ("skipped", why)
                }
                CaseResult::Failed(why) => {
                    failed += 1;
                    ("FAILED ", why)
                }
            };
            writeln!(f, "{word} {:<48} {}: {why}", case.clause.to_string(), case.name)?;
        }
        write!(f, "{passed} cases passed, {failed} failed, {skipped} skipped")
    }
}
