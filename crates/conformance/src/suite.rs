//! Running all cases, or those of one clause.

use std::time::Duration;

use crate::case::Case;
use crate::cases::cases;
use crate::clause::Clause;
use crate::report::Report;
use crate::subject::Subject;

/// How long a case may take if nothing else is set.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// The suite and its settings.
#[derive(Clone, Debug)]
pub struct Suite {
    limit: Duration,
}

impl Suite {
    /// The suite with a limit of 60 seconds per case.
    #[must_use]
    pub fn new() -> Suite {
        Suite { limit: LIMIT }
    }

    /// Sets how long a case may take before it fails.
    #[must_use]
    pub fn limit(self, limit: Duration) -> Suite {
        Suite { limit }
    }

    /// Runs all cases, each on a subject of its own.
    pub fn run(&self, make: impl Fn() -> Subject) -> Report {
        self.run_where(make, |_| true)
    }

    /// Runs the cases of one clause, each on a subject of its own.
    pub fn run_clause(&self, clause: Clause, make: impl Fn() -> Subject) -> Report {
        self.run_where(make, |case| case.clause() == clause)
    }

    fn run_where(&self, make: impl Fn() -> Subject, which: impl Fn(&Case) -> bool) -> Report {
        let run = |case: &Case| (*case, case.run(self.limit, &make));
        Report::new(cases().iter().filter(|case| which(case)).map(run).collect())
    }
}

impl Default for Suite {
    fn default() -> Suite {
        Suite::new()
    }
}
