//! Tests in a simulation: not one run, but as many schedules as a check goes through.

use std::fmt::Debug;
use std::future::Future;
use std::panic::Location;
use std::process::ExitCode;
use std::sync::Arc;

use super::{Test, on_its_thread};
use crate::seam::Blocking;
use crate::seam::Runtime;
use crate::seam::Spawner;
use crate::seam::Timer;
use crate::sim::{SimRuntime, Strategy, Verdict};

pub use crate::sim::Check;

/// Reads the name of a strategy.
///
/// # Panics
///
/// If it is none.
#[track_caller]
#[must_use]
pub fn strategy(text: &str) -> Strategy {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// What the function of a test may take in a simulation.
#[diagnostic::on_unimplemented(
    message = "a test cannot take a `{Self}`",
    label = "nothing of this type to pass",
    note = "it takes nothing, or one of `Arc<dyn Runtime>`, `Arc<dyn Spawner>`, `Arc<dyn Timer>`, `Arc<dyn Blocking>`, or, on `sim` alone, `SimRuntime`"
)]
pub trait SimArgument {
    fn of(runtime: SimRuntime) -> Self;
}

impl SimArgument for SimRuntime {
    fn of(runtime: SimRuntime) -> SimRuntime {
        runtime
    }
}

macro_rules! arguments {
    ($($part:ident),*) => {$(
        impl SimArgument for Arc<dyn $part> {
            fn of(runtime: SimRuntime) -> Self {
                Arc::new(runtime)
            }
        }
    )*};
}

arguments!(Runtime, Spawner, Timer, Blocking);

/// What the function of a test may return in a simulation. Not whatever is a `Termination`: that
/// prints its error, which the report is to show, and no more than once.
#[diagnostic::on_unimplemented(
    message = "a test in a simulation cannot return a `{Self}`",
    label = "does not say whether the test has passed",
    note = "it returns nothing, an `ExitCode`, or a `Result` of these whose error is `Debug`"
)]
pub trait SimOutcome {
    fn error(self) -> Option<String>;
}

impl SimOutcome for () {
    fn error(self) -> Option<String> {
        None
    }
}

impl SimOutcome for ExitCode {
    fn error(self) -> Option<String> {
        (self != ExitCode::SUCCESS).then(|| format!("the exit code is {self:?}"))
    }
}

impl<T: SimOutcome, E: Debug> SimOutcome for Result<T, E> {
    fn error(self) -> Option<String> {
        match self {
            Ok(output) => output.error(),
            Err(error) => Some(format!("{error:?}")),
        }
    }
}

/// What has gone wrong in a run, in words.
struct Said(Option<String>);

impl Verdict for Said {
    fn error(self) -> Option<String> {
        self.0
    }
}

/// Runs a test under many schedules.
///
/// # Panics
///
/// If one of them fails, if they take too long altogether, and if a variable of the environment has
/// a value that is not accepted.
#[track_caller]
pub fn simulate<F, Fut>(test: Test, check: Check, body: F)
where
    F: Fn(SimRuntime) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Option<String>>,
{
    let place = Location::caller();
    let check = check.with_environment();
    let searched = on_its_thread(test, move || {
        check.search_from(place, true, &|rt| {
            let run = body(rt);
            async move { Said(run.await) }
        })
    });
    // Here and not there, so that the message stands at the test.
    if let Err(found) = searched {
        panic!("{found}");
    }
}
