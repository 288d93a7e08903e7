//! One simulation: its settings, and a run of it.

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Nanos;
use crate::engine::{Engine, Limits, RunEnd};
use crate::failure::{Details, Failure};
use crate::fault::{self, Fault, Points, Rules};
use crate::hush;
use crate::runtime::SimRuntime;
use crate::schedule::{Profile, Schedule};
use crate::strategy::Strategy;
use crate::timeline::Timeline;

/// A simulation: a seed, a [`Strategy`] and limits.
///
/// # Examples
///
/// ```
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat_sim::{FailureKind, Sim};
///
/// // Nobody sends.
/// let failure = Sim::new(1)
///     .run(|rt| async move {
///         let (sender, receiver) = async_channel::bounded::<()>(1);
///         let waiting = rt.spawn_named("reader", async move { receiver.recv().await });
///         waiting.await.ok();
///         drop(sender);
///     })
///     .unwrap_err();
/// assert_eq!(failure.kind(), FailureKind::Stall);
/// assert!(failure.to_string().contains("task 1 'reader', spawned at "));
/// ```
#[derive(Clone, Debug)]
#[must_use = "a simulation does nothing until it is run"]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch with a method of its own")]
pub struct Sim {
    pub(crate) seed: u64,
    pub(crate) strategy: Strategy,
    pub(crate) max_steps: u64,
    pub(crate) max_time: Duration,
    pub(crate) allow_leaks: bool,
    pub(crate) allow_panics: bool,
    pub(crate) foreign_threads: bool,
    /// Whether to keep a record of every event.
    pub(crate) record: bool,
    pub(crate) buggify: (f64, f64),
    /// How often to inject faults, by label.
    pub(crate) rules: Rules,
    /// The only faults to inject; `None` if the seed decides.
    pub(crate) only: Option<Arc<[Fault]>>,
    pub(crate) preempt: Option<f64>,
    pub(crate) step_cost: Option<(Nanos, Nanos)>,
}

/// A run that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report<T> {
    /// The output of the future.
    pub value: T,
    /// How many steps were taken. A step is one poll.
    pub steps: u64,
    /// How much virtual time passed.
    pub elapsed: Duration,
    /// A hash of all events, in order. Two runs with the same hash were the same run.
    pub trace_hash: u64,
}

impl Sim {
    /// A simulation with a seed, and [`Strategy::Random`].
    ///
    /// It is limited to 10,000,000 steps and a hundred years of virtual time.
    pub fn new(seed: u64) -> Sim {
        Sim {
            seed,
            strategy: Strategy::Random,
            max_steps: 10_000_000,
            max_time: Duration::from_secs(100 * 365 * 24 * 3600),
            allow_leaks: false,
            allow_panics: false,
            foreign_threads: false,
            record: false,
            buggify: fault::CHANCES,
            rules: Rules::default(),
            only: None,
            preempt: None,
            step_cost: None,
        }
    }

    /// Sets how to choose among the ready tasks.
    ///
    /// # Panics
    ///
    /// If it is [`Strategy::Pct`] with a depth of 0.
    #[track_caller]
    pub fn strategy(self, strategy: Strategy) -> Sim {
        strategy.check();
        Sim { strategy, ..self }
    }

    /// Fails a run that takes more steps.
    pub fn max_steps(self, steps: u64) -> Sim {
        Sim { max_steps: steps, ..self }
    }

    /// Fails a run that would take more virtual time.
    pub fn max_time(self, time: Duration) -> Sim {
        Sim { max_time: time, ..self }
    }

    /// Whether tasks may be alive at the end. They are dropped.
    ///
    /// The end is when the future has completed and no task is ready any more. By default a task
    /// that is still alive then is a failure.
    pub fn allow_leaks(self, allow: bool) -> Sim {
        Sim { allow_leaks: allow, ..self }
    }

    /// Whether tasks may panic without a join that receives the panic.
    pub fn allow_panics(self, allow: bool) -> Sim {
        Sim { allow_panics: allow, ..self }
    }

    /// Lets other threads spawn, wake and sleep here, and waits for them when nothing is ready.
    ///
    /// Also allows real time on the simulation's thread: timers and pools of other runtimes. Such a
    /// run is not deterministic. Use it for code that is half ported, or to execute a program rather
    /// than explore it.
    pub fn foreign_threads(self, allow: bool) -> Sim {
        Sim { foreign_threads: allow, ..self }
    }

    /// Sets the probability that a [buggify point](SimRuntime::buggify) is enabled in a run, and the
    /// probability that an enabled point fires. Both are 1/4 by default.
    ///
    /// `buggify(0.0, 0.0)` injects no faults; `buggify(1.0, 1.0)` injects every fault, every time.
    ///
    /// # Panics
    ///
    /// If a probability is not between 0 and 1.
    #[track_caller]
    pub fn buggify(self, enabled: f64, fires: f64) -> Sim {
        let is_chance = |probability| (0.0..=1.0).contains(&probability);
        assert!(is_chance(enabled) && is_chance(fires), "a probability is between 0 and 1");
        Sim { buggify: (enabled, fires), ..self }
    }

    /// Runs one schedule to its end, on this thread.
    ///
    /// The future need be neither `Send` nor `'static`. Tasks that it spawns on the [`SimRuntime`]
    /// run on this thread, too. Tasks that are alive at the end are dropped.
    ///
    /// # Errors
    ///
    /// A [`Failure`] if the future panicked, or for any other reason listed at [`FailureKind`].
    ///
    /// [`FailureKind`]: crate::FailureKind
    #[track_caller]
    pub fn run<T, F>(self, f: impl FnOnce(SimRuntime) -> F) -> Result<Report<T>, Failure>
    where
        F: Future<Output = T>,
    {
        let schedule = Schedule::new(&self.strategy, self.seed, Profile::default());
        let outcome = self.execute(self.seed, schedule, false, Location::caller(), f);
        self.report(self.seed, outcome)
    }

    /// Like [`run`](Sim::run), and records every event.
    ///
    /// # Examples
    ///
    /// ```
    /// use async_runtime_compat::prelude::*;
    /// use async_runtime_compat_sim::Sim;
    ///
    /// let (result, timeline) = Sim::new(3).timeline(|rt| async move {
    ///     let child = rt.spawn_named("child", async { 1 });
    ///     child.await
    /// });
    /// assert!(result.is_ok());
    /// println!("{timeline}");
    /// ```
    #[track_caller]
    pub fn timeline<T, F>(
        self,
        f: impl FnOnce(SimRuntime) -> F,
    ) -> (Result<Report<T>, Failure>, Timeline)
    where
        F: Future<Output = T>,
    {
        let schedule = Schedule::new(&self.strategy, self.seed, Profile::default());
        let sim = Sim { record: true, ..self };
        hush::install();
        let mut outcome = sim.execute(sim.seed, schedule, false, Location::caller(), f);
        let record = outcome.record.take().unwrap_or_default();
        let result = sim.report(sim.seed, outcome);
        let end = result.as_ref().err().map(|it| (it.kind(), it.message().to_owned()));
        (result, Timeline::new(&record, end))
    }

    pub(crate) fn execute<T, F>(
        &self,
        seed: u64,
        schedule: Schedule,
        profile: bool,
        location: &'static Location<'static>,
        f: impl FnOnce(SimRuntime) -> F,
    ) -> RunEnd<T>
    where
        F: Future<Output = T>,
    {
        let limits = Limits {
            steps: self.max_steps,
            time: Nanos::try_from(self.max_time.as_nanos()).unwrap_or(Nanos::MAX),
            leaks: self.allow_leaks,
            panics: self.allow_panics,
            foreign_threads: self.foreign_threads,
            buggify: self.buggify,
            preempt: self.preempt,
            step_cost: self.step_cost,
        };
        let only = match &self.strategy {
            Strategy::Replay(tape) => tape.only(),
            _ => self.only.clone(),
        };
        let points = Points::new(seed, only, &self.rules);
        let engine = Engine::new(seed, schedule, limits, points, profile);
        if self.record {
            engine.keep_record();
        }
        engine.run(location, || f(SimRuntime::new(engine.clone())))
    }

    pub(crate) fn report<T>(&self, seed: u64, outcome: RunEnd<T>) -> Result<Report<T>, Failure> {
        let RunEnd { end, origin, steps, elapsed, hash, tape, tasks, .. } = outcome;
        match end {
            Ok(value) => Ok(Report { value, steps, elapsed, trace_hash: hash }),
            Err((kind, message)) => Err(Failure::new(Details {
                kind,
                message,
                origin,
                seed,
                strategy: self.strategy.clone(),
                tape,
                steps,
                elapsed,
                tasks,
            })),
        }
    }
}
