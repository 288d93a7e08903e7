//! What the test attribute's expansion for `sim` calls: a test is not one run, but a check.
#![expect(missing_docs, reason = "hidden, and not for other use")]

use std::fmt::Debug;
use std::future::Future;
use std::panic::Location;
use std::process::ExitCode;
use std::sync::Arc;

use async_runtime_compat::{Blocking, Runtime, Spawner, Timer};

use crate::check::{Check, Counterexample, Verdict};
use crate::runtime::SimRuntime;
use crate::strategy::Strategy;

/// Parses the name of a strategy.
///
/// # Panics
///
/// If there is no such strategy.
#[track_caller]
#[must_use]
pub fn strategy(text: &str) -> Strategy {
    // Not in a closure, which does not know the caller's location.
    match text.parse() {
        Ok(strategy) => strategy,
        Err(error) => panic!("{error}"),
    }
}

/// An argument that a simulated test function may take.
#[diagnostic::on_unimplemented(
    message = "a test cannot take a `{Self}`",
    label = "cannot be passed to a test",
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

/// What a simulated test function may return. Not every `Termination`: that prints its error, which
/// the report is to show, and no more than once.
#[diagnostic::on_unimplemented(
    message = "a test in a simulation cannot return a `{Self}`",
    label = "does not say whether the test has passed",
    note = "it returns nothing, an `ExitCode`, or a `Result` of these whose error is `Debug`"
)]
pub trait SimReturned {
    fn error(self) -> Option<String>;
}

impl SimReturned for () {
    fn error(self) -> Option<String> {
        None
    }
}

impl SimReturned for ExitCode {
    fn error(self) -> Option<String> {
        (self != ExitCode::SUCCESS).then(|| format!("the exit code is {self:?}"))
    }
}

impl<T: SimReturned, E: Debug> SimReturned for Result<T, E> {
    fn error(self) -> Option<String> {
        match self {
            Ok(output) => output.error(),
            Err(error) => Some(format!("{error:?}")),
        }
    }
}

/// The error of a run, in words.
struct Said(Option<String>);

impl Verdict for Said {
    fn error(self) -> Option<String> {
        self.0
    }
}

/// Makes a search for a schedule under which a test fails, for the attribute to run.
///
/// # Panics
///
/// If an environment variable has a value that is not accepted.
#[track_caller]
pub fn search<F, Fut>(
    check: Check,
    body: F,
) -> impl FnOnce() -> Result<(), Counterexample> + Send + 'static
where
    F: Fn(SimRuntime) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Option<String>>,
{
    let location = Location::caller();
    // Here, and not on the thread of the test: its panic has to stand at the attribute.
    let check = check.with_environment();
    move || {
        let program = |rt| {
            let run = body(rt);
            async move { Said(run.await) }
        };
        check.search_from(location, true, &program).map(|_| ())
    }
}
