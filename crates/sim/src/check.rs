//! The entry of tests: many schedules, and what is to be said of the first one that fails.

mod environment;
mod explore;
mod progress;
mod report;
mod shrink;

use std::fmt;
use std::future::{Future, pending};
use std::num::NonZeroUsize;
use std::panic::Location;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use self::environment::Environment;
use crate::failure::FailureKind;
use crate::runtime::SimRuntime;
use crate::strategy::Strategy;
use crate::tape::Tape;
use crate::{Sim, hush};

pub use self::report::Counterexample;

/// Runs a program under many schedules, and panics if one of them fails.
///
/// This is [`Check::run`] with the defaults: [`Check`] says what they are, what the environment
/// changes, and what a failure shows.
///
/// # Panics
///
/// If a schedule fails, with a [`Counterexample`] as the message, and if a variable of the
/// environment has a value that is not accepted.
///
/// # Examples
///
/// ```
/// use async_runtime_compat::prelude::*;
///
/// async_runtime_compat_sim::check(|rt| async move {
///     let (sender, receiver) = async_channel::bounded(1);
///     let producer = rt.spawn_named("producer", async move { sender.send(7).await });
///     assert_eq!(receiver.recv().await, Ok(7));
///     producer.await.unwrap().unwrap();
/// });
/// ```
#[track_caller]
pub fn check<T, F>(f: impl Fn(SimRuntime) -> F + Sync)
where
    T: Verdict,
    F: Future<Output = T>,
{
    Check::new().run(f);
}

/// Many schedules of a program, as they are to be run.
///
/// # What is run
///
/// Run number i has the seed [`seed`](Check::seed) + i, and the strategy number i of
/// [`strategies`](Check::strategies), which are gone through again and again. By default they are
///
/// - [`RoundRobin`](Strategy::RoundRobin), once in eight: what most runtimes do. A bug that shows up
///   in it needs no further explanation;
/// - [`Random`](Strategy::Random), twice: every schedule can come up, and it is fair, so that a
///   livelock under it is one;
/// - [`Urw`](Strategy::Urw), twice: where tasks differ much in length, `Random` hardly ever lets a
///   long one come before a short one;
/// - [`Pct`](Strategy::Pct) with the depths 1, 2 and 3, once each: most known bugs take so few
///   ordering constraints, and its chance to meet them does not vanish in a long program.
///
/// The first eight runs, and one in sixty-one after that, are run twice and must be the same run.
///
/// `Pct` is not fair: it may starve the task that another one spins for. So a run of it that takes
/// 10,000 steps and twenty times those of an ordinary run is given up, and counts as no failure,
/// unless there are no other strategies.
///
/// The runs are spread over all cores, and end at the first failure in their order, which is the same
/// on any number of cores. On a terminal there is a line that says how far it is.
///
/// # What a failure shows
///
/// The schedule that has failed is shrunk: others are tried that fail in the same way, with the same
/// message, and switch less often from task to task. Then the [`Counterexample`] shows what went
/// wrong, a line to paste that replays it, and the interleaving as a [`Timeline`](crate::Timeline).
///
/// # Environment
///
/// | variable       | value                                                                       |
/// |----------------|-----------------------------------------------------------------------------|
/// | `DST_SEED`     | the first seed: a whole number, decimal or, with `0x`, hexadecimal          |
/// | `DST_RUNS`     | how many schedules to run                                                   |
/// | `DST_STRATEGY` | the only [`Strategy`], as `random`, `pct(depth=3)`, `urw`, `round-robin`, `dfs(max_preemptions=2)` |
/// | `DST_TAPE`     | a [`Tape`], or `@` and the path of a file with one: runs it alone, with the seed |
/// | `DST_SVG`      | where to write a picture of the schedule that fails                          |
///
/// They go before what the code says. An empty value is none. With a tape the strategy and the
/// number of runs mean nothing. A tape holds for one program and one seed, so run that test alone.
///
/// While `check` looks for a failure, panics on the simulations' threads print nothing; this takes a
/// panic hook, which passes all other panics on to the one that was there before.
///
/// # Examples
///
/// ```
/// use async_runtime_compat_sim::{Check, Strategy};
/// use async_runtime_compat::yield_now;
///
/// let checked = Check::new()
///     .runs(200)
///     .strategies([Strategy::Random, Strategy::Pct { depth: 2 }])
///     .max_steps(1_000)
///     .run(|_| yield_now());
/// assert_eq!(checked.runs, 200);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a check does nothing until it is run"]
pub struct Check {
    /// With the first seed.
    sim: Sim,
    runs: u64,
    strategies: Vec<Strategy>,
    tape: Option<Tape>,
    threads: Option<NonZeroUsize>,
    svg: Option<PathBuf>,
    command: Option<String>,
}

/// What a [`Check`] without a failure has done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// How many schedules were run.
    pub runs: u64,
    /// How many steps they took altogether.
    pub steps: u64,
    /// How many of them were given up, because [`Strategy::Pct`] starved a task.
    pub starved: u64,
    /// Whether there is no schedule left that was not run; only [`Strategy::Dfs`] can know.
    pub exhausted: bool,
}

/// How the future of a [`check`](check()) has gone: an `Err` is a failure of the kind
/// [`Error`](FailureKind::Error).
pub trait Verdict {
    /// What went wrong, if anything did.
    fn error(self) -> Option<String>;
}

impl Verdict for () {
    fn error(self) -> Option<String> {
        None
    }
}

impl<T, E: fmt::Debug> Verdict for Result<T, E> {
    fn error(self) -> Option<String> {
        self.err().map(|error| format!("{error:?}"))
    }
}

/// What is checked, without its types.
type Program<'a> = dyn Fn(SimRuntime) -> Pin<Box<dyn Future<Output = ()> + 'a>> + Sync + 'a;

impl Check {
    /// A thousand schedules from seed 0 on, and limits of 1,000,000 steps and a hundred years of
    /// virtual time for each.
    pub fn new() -> Check {
        Check {
            sim: Sim::new(0).max_steps(1_000_000),
            runs: 1000,
            strategies: vec![
                Strategy::RoundRobin,
                Strategy::Random,
                Strategy::Pct { depth: 1 },
                Strategy::Urw,
                Strategy::Pct { depth: 2 },
                Strategy::Random,
                Strategy::Pct { depth: 3 },
                Strategy::Urw,
            ],
            tape: None,
            threads: None,
            svg: None,
            command: None,
        }
    }

    /// Runs so many schedules, and at least one.
    pub fn runs(self, runs: u64) -> Check {
        Check { runs: runs.max(1), ..self }
    }

    /// The seed of the first run; each further run has the next one.
    pub fn seed(self, seed: u64) -> Check {
        Check { sim: Sim { seed, ..self.sim }, ..self }
    }

    /// Goes through these strategies, again and again, in place of the usual ones.
    ///
    /// # Panics
    ///
    /// If there is none; if one is [`Strategy::Pct`] with a depth of 0; and if [`Strategy::Dfs`] or
    /// [`Strategy::Replay`] is one of several: the first goes through its schedules one after the
    /// other, until it has run them all, and the second is a single schedule.
    pub fn strategies(self, strategies: impl IntoIterator<Item = Strategy>) -> Check {
        let strategies: Vec<_> = strategies.into_iter().collect();
        assert!(!strategies.is_empty(), "a check needs a strategy");
        for strategy in &strategies {
            let alone = matches!(strategy, Strategy::Dfs { .. } | Strategy::Replay(_));
            assert!(
                !alone || strategies.len() == 1,
                "`{strategy}` cannot be one of several strategies: it decides itself what is run"
            );
            strategy.check();
        }
        Check { strategies, ..self }
    }

    /// Fails a run that takes more steps.
    pub fn max_steps(self, steps: u64) -> Check {
        Check { sim: self.sim.max_steps(steps), ..self }
    }

    /// Fails a run that would take more virtual time.
    pub fn max_time(self, time: Duration) -> Check {
        Check { sim: self.sim.max_time(time), ..self }
    }

    /// Lets tasks be alive at the end; see [`Sim::allow_leaks`].
    pub fn allow_leaks(self, allow: bool) -> Check {
        Check { sim: self.sim.allow_leaks(allow), ..self }
    }

    /// Lets tasks panic whose panic no join hands out; see [`Sim::allow_panics`].
    pub fn allow_panics(self, allow: bool) -> Check {
        Check { sim: self.sim.allow_panics(allow), ..self }
    }

    /// Uses so many threads, and not one for each core. What is found is the same.
    pub fn threads(self, threads: NonZeroUsize) -> Check {
        Check { threads: Some(threads), ..self }
    }

    /// Where to write a picture of the schedule that fails, as `DST_SVG` does.
    pub fn svg(self, path: impl Into<PathBuf>) -> Check {
        Check { svg: Some(path.into()), ..self }
    }

    /// What the line that replays a failure runs. Otherwise it is `cargo test` with the name of the
    /// test, or, where that is not known, the command that this process was started with.
    pub fn command(self, command: impl Into<String>) -> Check {
        Check { command: Some(command.into()), ..self }
    }

    /// Runs the schedules.
    ///
    /// The future need be neither `Send` nor `'static`. Its output is `()` or a `Result`, of which an
    /// `Err` is a failure.
    ///
    /// # Panics
    ///
    /// If a schedule fails, with a [`Counterexample`] as the message, and if a variable of the
    /// environment has a value that is not accepted.
    #[track_caller]
    pub fn run<T, F>(self, f: impl Fn(SimRuntime) -> F + Sync) -> Checked
    where
        T: Verdict,
        F: Future<Output = T>,
    {
        match self.with_environment().search_from(Location::caller(), true, &f) {
            Ok(checked) => checked,
            Err(found) => panic!("{found}"),
        }
    }

    /// Runs the schedules, and gives a failure to the caller.
    ///
    /// # Errors
    ///
    /// The first schedule that fails, shrunk.
    ///
    /// # Panics
    ///
    /// If a variable of the environment has a value that is not accepted.
    #[track_caller]
    pub fn try_run<T, F>(
        self,
        f: impl Fn(SimRuntime) -> F + Sync,
    ) -> Result<Checked, Counterexample>
    where
        T: Verdict,
        F: Future<Output = T>,
    {
        self.with_environment().search_from(Location::caller(), false, &f)
    }

    /// Runs the schedules as they are set up, as if called at a place.
    pub(crate) fn search_from<T, F>(
        &self,
        location: &'static Location<'static>,
        aloud: bool,
        f: &(impl Fn(SimRuntime) -> F + Sync),
    ) -> Result<Checked, Counterexample>
    where
        T: Verdict,
        F: Future<Output = T>,
    {
        self.checked(location, &program(f), aloud)
    }

    /// Lets the environment have its say.
    #[track_caller]
    pub(crate) fn with_environment(mut self) -> Check {
        let environment = match Environment::read() {
            Ok(environment) => environment,
            Err(error) => panic!("{error}"),
        };
        self.sim.seed = environment.seed.unwrap_or(self.sim.seed);
        self.runs = environment.runs.unwrap_or(self.runs);
        self.svg = environment.svg.or(self.svg);
        if let Some(strategy) = environment.strategy {
            self.strategies = vec![strategy];
        }
        if let [Strategy::Replay(tape)] = &*self.strategies {
            self.tape = Some(tape.clone());
        }
        self.tape = environment.tape.or(self.tape);
        self
    }
}

impl Default for Check {
    fn default() -> Check {
        Check::new()
    }
}

fn program<'a, T, F>(
    f: &'a (impl Fn(SimRuntime) -> F + Sync),
) -> impl Fn(SimRuntime) -> Pin<Box<dyn Future<Output = ()> + 'a>> + Sync + 'a
where
    T: Verdict + 'a,
    F: Future<Output = T> + 'a,
{
    hush::install();
    move |rt| {
        let future = f(rt.clone());
        Box::pin(async move {
            if let Some(message) = future.await.error() {
                rt.fail(FailureKind::Error, message);
                // The simulation ends with this step.
                pending::<()>().await;
            }
        })
    }
}
