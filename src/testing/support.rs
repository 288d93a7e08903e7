//! Called by the expansion of the test attribute. Private and unstable.
#![expect(missing_docs, missing_debug_implementations, reason = "it is hidden")]

#[cfg(feature = "async-executor")]
mod async_executor;
#[cfg(feature = "async-std")]
mod async_std;
#[cfg(feature = "smol")]
mod smol;
#[cfg(feature = "tokio")]
mod tokio;

use std::env;
use std::fmt::Display;
use std::future::Future;
use std::process::{ExitCode, Termination};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::runtime::{Ambient, Runtime};
use crate::seam::Timer;
use crate::seam::{Blocking, Spawner};

/// Keeps a test whose backend is enabled.
#[doc(hidden)]
#[macro_export]
macro_rules! __async_runtime_compat_enabled {
    ($($mode:ident $feature:literal { $($test:tt)* })?) => { $($($test)*)? };
}

/// Removes a test whose backend is not enabled, unless it was requested by name.
#[doc(hidden)]
#[macro_export]
macro_rules! __async_runtime_compat_disabled {
    (optional $feature:literal { $($test:tt)* }) => {};
    (required $feature:literal { $($test:tt)* }) => {
        ::core::compile_error!(::core::concat!(
            "this backend is not enabled: add the feature `",
            $feature,
            "` of `async-runtime-compat`"
        ));
    };
    () => {
        ::core::compile_error!(
            "no backend is enabled, so there is nothing to run this test on: add one of the \
             features `tokio`, `smol`, `async-std`, `async-executor` of `async-runtime-compat`, \
             or name the simulation, as in `test(sim)`, with the crate `async-runtime-compat-sim`"
        );
    };
}

/// A line for each backend: its feature, its module, and what the module exports.
///
/// Under the name of the module there is a macro, too: it keeps or removes a test on the backend.
macro_rules! backends {
    ($($feature:literal $backend:ident { $($export:ident),* })*) => {
        $(
            #[cfg(feature = $feature)]
            pub use self::$backend::{$($export),*};
            #[cfg(feature = $feature)]
            pub use crate::__async_runtime_compat_enabled as $backend;
            #[cfg(not(feature = $feature))]
            pub use crate::__async_runtime_compat_disabled as $backend;
        )*
        #[cfg(not(any($(feature = $feature),*)))]
        pub use crate::__async_runtime_compat_disabled as at_least_one;
        #[cfg(any($(feature = $feature),*))]
        pub use crate::__async_runtime_compat_enabled as at_least_one;
    };
}

backends! {
    "tokio" tokio { Tokio, TokioBuilder, TokioFeatures }
    "smol" smol { Smol }
    "async-std" async_std { AsyncStd }
    "async-executor" async_executor { AsyncExecutor }
}

/// The types that a test function may take.
#[diagnostic::on_unimplemented(
    message = "a test cannot take a `{Self}`",
    label = "not a type that a test can take",
    note = "it takes nothing, or one of `Arc<dyn Runtime>`, `Arc<dyn Spawner>`, `Arc<dyn Timer>`, `Arc<dyn Blocking>`"
)]
pub trait Argument {
    fn of(runtime: Arc<dyn Runtime>) -> Self;
}

macro_rules! arguments {
    ($($part:ident),*) => {$(
        impl Argument for Arc<dyn $part> {
            fn of(runtime: Arc<dyn Runtime>) -> Self {
                runtime
            }
        }
    )*};
}

arguments!(Runtime, Spawner, Timer, Blocking);

/// The types that a test function may return, which are those of a function under `#[test]`.
#[diagnostic::on_unimplemented(
    message = "a test cannot return a `{Self}`",
    label = "does not say whether the test has passed",
    note = "it returns nothing, or a `Result<(), E>` whose error is `Debug`, or whatever else is `std::process::Termination`"
)]
pub trait Returned {
    /// Prints an error, and returns the exit code.
    fn report(self) -> ExitCode;
}

#[diagnostic::do_not_recommend]
impl<T: Termination> Returned for T {
    fn report(self) -> ExitCode {
        Termination::report(self)
    }
}

/// A test on one backend.
#[derive(Clone, Copy)]
pub struct Test {
    path: &'static str,
    backend: &'static str,
    limit: Limit,
}

#[derive(Clone, Copy)]
enum Limit {
    Default,
    Chosen(Duration),
    Never,
}

const DEFAULT: Duration = Duration::from_secs(60);

/// The environment variable that overrides every limit.
const VARIABLE: &str = "ASYNC_RUNTIME_TEST_TIMEOUT_SECS";

impl Test {
    #[must_use]
    pub fn new(path: &'static str, backend: &'static str) -> Test {
        Test { path, backend, limit: Limit::Default }
    }

    #[must_use]
    pub fn timeout(self, limit: Duration) -> Test {
        Test { limit: Limit::Chosen(limit), ..self }
    }

    #[must_use]
    pub fn without_timeout(self) -> Test {
        Test { limit: Limit::Never, ..self }
    }

    /// The name that the test runner shows: the path without the crate's name.
    fn name(&self) -> &'static str {
        self.path.split_once("::").map_or(self.path, |(_, name)| name)
    }

    /// The timeout, and where it is set.
    #[track_caller]
    fn limit(&self) -> Option<(Duration, &'static str)> {
        if let Some(value) = env::var_os(VARIABLE) {
            let secs = value.to_str().and_then(|secs| secs.parse().ok());
            let Some(secs) = secs else {
                panic!(
                    "the environment variable `{VARIABLE}` is {value:?}, which is not a whole number of seconds (0 means no timeout)"
                )
            };
            return (secs > 0).then_some((Duration::from_secs(secs), VARIABLE));
        }
        match self.limit {
            Limit::Default => Some((DEFAULT, "the default")),
            Limit::Chosen(limit) => Some((limit, "its `timeout`")),
            Limit::Never => None,
        }
    }
}

/// Somewhere to run a test.
pub trait Backend {
    /// Runs a test's future to its end on this thread, and then shuts down a runtime of the test's own.
    fn block_on<F, Fut>(self, body: F) -> Fut::Output
    where
        F: FnOnce(Arc<dyn Runtime>) -> Fut,
        Fut: Future;
}

/// Runs a test.
///
/// # Panics
///
/// Panics if the test does, or if it exceeds its timeout.
#[track_caller]
pub fn run<B, F, Fut>(test: Test, backend: B, body: F) -> ExitCode
where
    B: Backend + Send + 'static,
    F: FnOnce(Arc<dyn Runtime>) -> Fut + Send + 'static,
    Fut: Future<Output = ExitCode>,
{
    on_its_thread(test, move || backend.block_on(body))
}

/// Runs the search of a simulated test for a schedule that fails.
///
/// # Panics
///
/// If it finds one, and if it hangs.
#[track_caller]
pub fn search<E, S>(test: Test, search: S)
where
    E: Display + Send + 'static,
    S: FnOnce() -> Result<(), E> + Send + 'static,
{
    // Here and not on the test's thread, so that the message stands at the test.
    if let Err(found) = on_its_thread(test, search) {
        panic!("{found}");
    }
}

/// Runs a test on a thread of its own, so that this one can report a timeout.
#[track_caller]
fn on_its_thread<T: Send + 'static>(test: Test, run: impl FnOnce() -> T + Send + 'static) -> T {
    let limit = test.limit();
    // Nothing is sent. Dropping the sender signals the end, also by a panic.
    let (running, ended) = mpsc::channel::<()>();
    let runner = thread::Builder::new().name(test.name().to_owned()).spawn(move || {
        let _running = running;
        run()
    });
    let runner =
        runner.unwrap_or_else(|error| panic!("cannot start a thread for the test: {error}"));
    if let Some((limit, whose)) = limit {
        let hangs = ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
        assert!(
            !hangs,
            "test `{}` did not end on the backend `{}` within {limit:?} ({whose}); allow it more \
             with `timeout = \"5m\"` in its attribute, or for one run with `{VARIABLE}=300` in the \
             environment, where 0 is no timeout",
            test.name(),
            test.backend,
        );
    }
    match runner.join() {
        Ok(output) => output,
        // The panic hook has reported it, on the other thread.
        Err(payload) => std::panic::resume_unwind(payload),
    }
}

/// Calls a function with the runtime, which `current` finds in it.
pub fn as_current<T>(
    runtime: impl Runtime + 'static,
    run: impl FnOnce(Arc<dyn Runtime>) -> T,
) -> T {
    let runtime = Ambient::new(runtime);
    runtime.in_scope(|| run(runtime.clone()))
}
