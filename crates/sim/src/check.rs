//! The entry point of tests: many schedules, and a report on the first that fails.

mod command;
mod environment;
mod explore;
mod missed;
mod progress;
mod report;
mod same;
mod shrink;
mod suspensions;
mod target;

use std::borrow::Cow;
use std::fmt;
use std::future::{Future, pending};
use std::num::NonZeroUsize;
use std::panic::Location;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use self::environment::Environment;
use crate::failure::FailureKind;
use crate::fault::Injection;
use crate::runtime::SimRuntime;
use crate::strategy::Strategy;
use crate::tape::Tape;
use crate::{Sim, hush};

pub use self::report::Counterexample;

/// Runs a program under many schedules, and panics if one of them fails.
///
/// This is [`Check::run`] with the defaults. See [`Check`] for these, for the environment variables
/// that override them, and for what a failure shows.
///
/// # Panics
///
/// If a schedule fails, with a [`Counterexample`] as the message, and if an environment variable has
/// an invalid value.
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

/// A search through many schedules of a program, to be run.
///
/// # What is run
///
/// Run number i uses the seed [`seed`](Check::seed) + i, and the strategies of
/// [`strategies`](Check::strategies) in turn. In each eight runs the defaults are
///
/// - [`RoundRobin`](Strategy::RoundRobin), once: what most runtimes do. A bug that it finds needs no
///   further explanation;
/// - [`Random`](Strategy::Random), twice: it may produce any schedule, and it is fair, so a livelock
///   under it is real;
/// - [`Urw`](Strategy::Urw), twice: if tasks differ much in length, `Random` hardly ever runs a long
///   one before a short one;
/// - [`Pct`](Strategy::Pct) with the depths 1, 2 and 3, once each: most known bugs need so few
///   ordering constraints, and its probability of meeting them does not vanish in long programs.
///
/// The first eight runs, and one in sixty-one after that, are done twice and must be identical.
///
/// `Pct` is not fair: it may starve the task that another one spins for. So its runs are abandoned,
/// without counting as failures, after 10,000 steps plus twenty times those of an ordinary run, unless
/// there are no other strategies.
///
/// The runs are spread over all cores, and end at the first failure in their order, which does not
/// depend on the number of cores. On a terminal, a line shows the progress.
///
/// # What a failure shows
///
/// The failing run is shrunk. The search tries others that fail in the same way: with the same message
/// except for its numbers, for a panic at the same place, and for a deadlock or a leak with no other
/// tasks. It first switches [faults](crate::Fault) off, all and then one by one, then looks for smaller
/// amounts and earlier visits, then for fewer suspensions of ready operations, and then for a schedule
/// that switches between tasks less often.
///
/// The [`Counterexample`] then shows what went wrong, a command that replays it, the interleaving as a
/// [`Timeline`](crate::Timeline), and at the end the faults without which it does not fail.
///
/// The command names the package, the test target, the features and the profile, so that nothing else
/// is compiled. All but the package is known from the notes that cargo keeps in its target folder;
/// [`command`](Check::command) sets another one.
///
/// # Environment
///
/// | variable       | value                                                                       |
/// |----------------|-----------------------------------------------------------------------------|
/// | `DST_SEED`     | the first seed: a whole number, decimal or, with `0x`, hexadecimal          |
/// | `DST_RUNS`     | how many schedules to run                                                   |
/// | `DST_STRATEGY` | the only [`Strategy`]: `random`, `pct(depth=3)`, `urw`, `round-robin`, `dfs(max_preemptions=2)` |
/// | `DST_TAPE`     | a [`Tape`], or `@` and the path of a file with one: runs only this schedule, with the seed |
/// | `DST_SVG`      | where to write a picture of the failing schedule                             |
/// | `DST_TIMELINE` | `all` to show every row of the interleaving; `causes`, the default, leaves some out |
///
/// They override the settings in the code. An empty value counts as unset. With a tape, the strategy
/// and the number of runs are ignored. A tape is valid for one program and one seed, so run only that
/// test.
///
/// During the search, panics on the simulations' threads are not printed. For this a panic hook is
/// installed, which passes all other panics on to the previous hook.
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
    /// Whether buggify points must fire.
    asks: bool,
    /// Whether the environment has lowered the number of runs.
    is_partial: bool,
    svg: Option<PathBuf>,
    /// Whether to show every row of the timeline.
    whole: bool,
    command: Option<String>,
    sometimes: Vec<Cow<'static, str>>,
}

/// The summary of a [`Check`] that found no failure.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// How many schedules were run.
    pub runs: u64,
    /// How many steps they took in total.
    pub steps: u64,
    /// How many faults were injected in total.
    pub faults: u64,
    /// How many runs were abandoned, because [`Strategy::Pct`] starved a task.
    pub starved: u64,
    /// Whether every schedule was run; only [`Strategy::Dfs`] can know.
    pub exhausted: bool,
}

/// The output of a checked future: an `Err` is a failure of the kind [`Error`](FailureKind::Error).
pub trait Verdict {
    /// A description of the error, if there is one.
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

/// The checked program, without its types.
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
            asks: false,
            is_partial: false,
            svg: None,
            whole: false,
            command: None,
            sometimes: Vec::new(),
        }
    }

    /// Sets the number of schedules, at least one.
    pub fn runs(self, runs: u64) -> Check {
        Check { runs: runs.max(1), ..self }
    }

    /// Sets the seed of the first run; each further run uses the next one.
    pub fn seed(self, seed: u64) -> Check {
        Check { sim: Sim { seed, ..self.sim }, ..self }
    }

    /// Sets the strategies, which are used in turn.
    ///
    /// # Panics
    ///
    /// If there are none; if one is [`Strategy::Pct`] with a depth of 0; and if [`Strategy::Dfs`] or
    /// [`Strategy::Replay`] is one of several: the first runs its own sequence of schedules, and the
    /// second is a single schedule.
    #[track_caller]
    pub fn strategies(self, strategies: impl IntoIterator<Item = Strategy>) -> Check {
        let strategies: Vec<_> = strategies.into_iter().collect();
        assert!(!strategies.is_empty(), "a check needs a strategy");
        for strategy in &strategies {
            let alone = matches!(strategy, Strategy::Dfs { .. } | Strategy::Replay(_));
            assert!(
                !alone || strategies.len() == 1,
                "`{strategy}` cannot be one of several strategies: it determines the schedules alone"
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

    /// Whether tasks may be alive at the end; see [`Sim::allow_leaks`].
    pub fn allow_leaks(self, allow: bool) -> Check {
        Check { sim: self.sim.allow_leaks(allow), ..self }
    }

    /// Whether tasks may panic without a join that receives the panic; see [`Sim::allow_panics`].
    pub fn allow_panics(self, allow: bool) -> Check {
        Check { sim: self.sim.allow_panics(allow), ..self }
    }

    pub(crate) fn with_sim(self, set: impl FnOnce(Sim) -> Sim) -> Check {
        Check { sim: set(self.sim), ..self }
    }

    /// Fails the check if none of its runs [reaches](crate::reached) the place with that name; see
    /// [`SimRuntime::sometimes`].
    ///
    /// A replayed tape is a single run, which need not reach it. Neither need one of fewer runs than the
    /// code sets, by `DST_RUNS`.
    pub fn sometimes(mut self, name: impl Into<Cow<'static, str>>) -> Check {
        self.sometimes.push(name.into());
        self
    }

    /// Sets how often to inject faults where the label matches a pattern, in each run. In the pattern,
    /// `*` stands for any characters.
    ///
    /// The labels are those of [buggify points](SimRuntime::buggify), and `kill`, `crash`, `restart`,
    /// `pause`, `freeze`, `skew`, `drift` and `jump` for what the program or a
    /// [`Storm`](crate::Storm) does to a [`Node`](crate::Node), and `partition` for those of a storm.
    /// These faults otherwise always happen. `kv get@a` is the label on the node `a`; a pattern without
    /// `@` matches on all nodes. If several patterns match, the last counts.
    ///
    /// A check that asks for faults and gets none of them, in all of its runs, fails: the pattern may
    /// be misspelt, or the program may not get there. With fewer runs than the code sets, by
    /// `DST_RUNS`, it does not fail.
    ///
    /// # Panics
    ///
    /// If the rate is not between 0 and 1.
    ///
    /// # Examples
    ///
    /// ```
    /// use async_runtime_compat::prelude::*;
    /// use async_runtime_compat_sim::{Check, FailureKind, Rate};
    ///
    /// let check = Check::new().runs(50).faults("kv *", Rate(0.2).at_most(3));
    /// let checked = check.clone().run(|rt| async move {
    ///     let lost = (0..100).filter(|_| rt.buggify("kv get")).count();
    ///     assert!(lost <= 3);
    /// });
    /// assert!(checked.faults > 0);
    ///
    /// let never = check.try_run(|rt| async move { let _ = rt.buggify("vk get"); }).unwrap_err();
    /// assert_eq!(never.failure().kind(), FailureKind::NoFault);
    /// assert!(never.to_string().contains("no fault that matches `kv *` was injected"));
    /// ```
    #[track_caller]
    pub fn faults(mut self, pattern: impl Into<String>, injection: impl Into<Injection>) -> Check {
        let injection = injection.into();
        assert!((0.0..=1.0).contains(&injection.rate), "a rate is between 0 and 1");
        self.sim.rules.push(pattern.into(), injection);
        self
    }

    /// Sets the probabilities of [buggify points](SimRuntime::buggify) that
    /// [`faults`](Check::faults) does not match; see [`Sim::buggify`].
    ///
    /// Unless one of them is 0, a check in which no fault was injected at all fails.
    ///
    /// # Panics
    ///
    /// If a probability is not between 0 and 1.
    #[track_caller]
    pub fn buggify(self, enabled: f64, fires: f64) -> Check {
        let asks = enabled > 0.0 && fires > 0.0;
        Check { sim: self.sim.buggify(enabled, fires), asks, ..self }
    }

    /// Sets the number of threads, instead of one per core. The result does not depend on it.
    pub fn threads(self, threads: NonZeroUsize) -> Check {
        Check { threads: Some(threads), ..self }
    }

    /// Sets where to write a picture of the failing schedule, like `DST_SVG`.
    pub fn svg(self, path: impl Into<PathBuf>) -> Check {
        Check { svg: Some(path.into()), ..self }
    }

    /// Sets the command in the line that replays a failure. By default it is `cargo test` with the
    /// package, the test target, the features, the profile and the name of the test, or, if that is
    /// unknown, the command line of this process.
    pub fn command(self, command: impl Into<String>) -> Check {
        Check { command: Some(command.into()), ..self }
    }

    /// Runs the schedules.
    ///
    /// The future need be neither `Send` nor `'static`. Its output is `()` or a `Result`, whose `Err`
    /// is a failure.
    ///
    /// # Panics
    ///
    /// If a schedule fails, with a [`Counterexample`] as the message, and if an environment variable
    /// has an invalid value.
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

    /// Runs the schedules, and returns a failure.
    ///
    /// # Errors
    ///
    /// The first schedule that fails, shrunk.
    ///
    /// # Panics
    ///
    /// If an environment variable has an invalid value.
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

    /// Runs the schedules, as if called at that location.
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

    /// Applies the environment variables.
    #[track_caller]
    pub(crate) fn with_environment(mut self) -> Check {
        let environment = match Environment::read() {
            Ok(environment) => environment,
            Err(error) => panic!("{error}"),
        };
        self.sim.seed = environment.seed.unwrap_or(self.sim.seed);
        self.is_partial = environment.runs.is_some_and(|runs| runs < self.runs);
        self.runs = environment.runs.unwrap_or(self.runs);
        self.svg = environment.svg.or(self.svg);
        self.whole = environment.whole;
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
