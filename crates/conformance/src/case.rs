//! One case: running it within a time limit, alone or as a `#[test]`.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::cases::cases;
use crate::clause::Clause;
use crate::kit::{Cx, Stop, Verdict, message};
use crate::subject::Subject;
use crate::suite::LIMIT;

/// One test of the suite.
#[derive(Clone, Copy)]
pub struct Case {
    pub(crate) clause: Clause,
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Cx) -> Verdict,
}

impl Case {
    /// The clause that the case belongs to.
    #[must_use]
    pub fn clause(&self) -> Clause {
        self.clause
    }

    /// The name of the case, such as `c3::abort_while_pending`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs the case on a thread of its own, and returns its outcome.
    ///
    /// A case that takes longer than `limit` fails; a thread that hangs is left behind.
    pub fn run(&self, limit: Duration, make: impl FnOnce() -> Subject) -> CaseResult {
        self.run_on(make(), limit)
    }

    /// Not generic: it is compiled once, and not for each subject.
    fn run_on(&self, subject: Subject, limit: Duration) -> CaseResult {
        let (done, outcome) = mpsc::channel();
        let case = *self;
        let runner = thread::Builder::new().name(case.name.to_owned()).spawn(move || {
            let cx = Cx::new(subject, limit);
            let verdict = catch_unwind(AssertUnwindSafe(|| (case.run)(&cx)));
            let _ = done.send(match verdict {
                Ok(Ok(())) => CaseResult::Passed,
                Ok(Err(Stop::Skipped(why))) => CaseResult::Skipped(why),
                Ok(Err(Stop::Failed(why))) => CaseResult::Failed(why),
                Err(payload) => CaseResult::Failed(format!(
                    "a call on the case's thread panicked: {}",
                    message(&*payload)
                )),
            });
            // Tearing down the subject may hang, too; the outcome must not wait for it.
            drop(cx);
        });
        if let Err(error) = runner {
            return CaseResult::Failed(format!("cannot start a thread for the case: {error}"));
        }
        // The case's own waits give up after `limit`, and name the event that did not happen. The
        // rest is for calls that do not return.
        match outcome.recv_timeout(limit + limit / 2) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Timeout) => CaseResult::Failed(format!(
                "a call did not return within {limit:?}: `spawn` blocks or runs the task inline, or \
                 the subject's shutdown hangs"
            )),
            Err(RecvTimeoutError::Disconnected) => {
                CaseResult::Failed("the case's thread ended without a verdict".to_owned())
            }
        }
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({})", self.name)
    }
}

/// The outcome of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CaseResult {
    /// The subject keeps to the clause.
    Passed,
    /// The subject lacks something that the case needs. Holds the reason.
    Skipped(String),
    /// The subject violates the clause. Holds the reason.
    Failed(String),
}

/// Runs one case as a test, for [`conformance_tests!`](crate::conformance_tests).
///
/// # Panics
///
/// If the case fails, if it is skipped unless the subject says so, if it is not skipped although
/// the subject says so, or if there is no case of this name.
#[doc(hidden)]
#[track_caller]
pub fn run_as_test(name: &str, make: fn() -> Subject) {
    let Some(case) = cases().iter().find(|case| case.name == name) else {
        panic!("the suite has no case `{name}`");
    };
    let subject = make();
    let declared = subject.is_skipped(name);
    match case.run_on(subject, LIMIT) {
        CaseResult::Passed if declared => {
            panic!("`{name}` is among the subject's `skips`, but was not skipped");
        }
        CaseResult::Passed => {}
        CaseResult::Skipped(why) if declared => println!("skipped: {why}"),
        CaseResult::Skipped(why) => {
            panic!("`{name}` was skipped, and is not among the subject's `skips`: {why}");
        }
        CaseResult::Failed(why) => panic!("{}: {why}", case.clause),
    }
}
