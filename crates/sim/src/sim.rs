//! Deterministic simulation: one seed, one schedule, one trace.
//!
//! Code that takes an `Arc<dyn Runtime>` runs in production on any backend, and in a test on a
//! [`SimRuntime`]: one thread, virtual time, and a [`Strategy`] that chooses at each step which of
//! the ready tasks goes next. The same seed gives the same run, bit for bit, in any process; another
//! seed gives another schedule. No compiler flag and no global state is involved: simulations run
//! beside each other, on as many threads as there are, in the very binary that serves.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use async_runtime_compat::prelude::*;
//! use async_runtime_compat::sim::Sim;
//!
//! /// Takes what it is given: tokio in production, a simulation here.
//! async fn heartbeat(runtime: Arc<dyn Runtime>, beats: u32) -> u32 {
//!     for _ in 0..beats {
//!         runtime.sleep(Duration::from_secs(3600)).await;
//!     }
//!     beats
//! }
//!
//! let report = Sim::new(7).run(|rt| heartbeat(Arc::new(rt), 24)).unwrap();
//! assert_eq!(report.value, 24);
//! assert_eq!(report.elapsed, Duration::from_secs(24 * 3600));
//! ```
//!
//! # Tests
//!
//! A test calls [`check()`], which looks for a schedule that fails, under many seeds and strategies
//! and on all cores. What it finds it shrinks, prints as a table of steps, and says which line to
//! paste to replay it:
//!
//! ```should_panic
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicU64, Ordering};
//!
//! use async_runtime_compat::prelude::*;
//! use async_runtime_compat::{sim, yield_now};
//!
//! sim::check(|rt| async move {
//!     let counter = Arc::new(AtomicU64::new(0));
//!     let mut tasks = Vec::new();
//!     for name in ["one", "two"] {
//!         let counter = counter.clone();
//!         tasks.push(rt.spawn_named(name, async move {
//!             let value = counter.load(Ordering::SeqCst);
//!             yield_now().await;
//!             counter.store(value + 1, Ordering::SeqCst);
//!         }));
//!     }
//!     for task in tasks {
//!         task.await.unwrap();
//!     }
//!     assert_eq!(counter.load(Ordering::SeqCst), 2, "an update was lost");
//! });
//! ```
//!
//! What is to hold at all times is an [`invariant`](SimRuntime::invariant), and what is to happen at
//! some time is awaited with [`eventually`](SimRuntime::eventually).
//!
//! # Nodes and faults
//!
//! [`SimRuntime::node`] makes a [`Node`]: a process, in effect, with a runtime of its own, that the
//! test kills, pauses and restarts, and whose clocks it sets wrong. [`SimRuntime::buggify`] and
//! [`buggify`] are points in the program where the seed decides whether something goes wrong.
//!
//! # What gets in from outside
//!
//! A run is a function of its seed as long as nothing gets in that the simulation does not control.
//! What is noticed fails the run, unless [`Sim::foreign_threads`] allows it:
//!
//! - another thread that wakes a task, spawns one, awaits a sleep, or does something to a node:
//!   [`FailureKind::ForeignThread`];
//! - the sleeps, time limits and blocking pools of this crate's other backends, and
//!   [`BlockingPool`](crate::BlockingPool), when they are used on the simulation's thread:
//!   [`FailureKind::RealTime`].
//!
//! The rest is not noticed, and shows when the same seed gives different runs; [`check()`] runs some
//! seeds twice to find it:
//!
//! | what | why it is not allowed | instead |
//! |------|-----------------------|---------|
//! | `tokio::select!`, `futures::select!`, `futures_lite::future::race` | the order of the branches is drawn from the thread's own randomness | `tokio::select!` with `biased;`, `select_biased!`, `futures_lite::future::or` |
//! | iterating over a [`HashMap`](std::collections::HashMap) or a `HashSet` | each has an order of its own, in each run | a `BTreeMap`, sorting, or a hasher without a seed; to look up is fine |
//! | threads: `thread::spawn`, `thread::scope`, `rayon` | they run when they like | [`spawn_with_handle`](crate::SpawnerExt::spawn_with_handle); [`spawn_blocking`](crate::BlockingExt::spawn_blocking), which is one step here |
//! | tasks on another runtime: `tokio::spawn`, `smol::spawn` | the same | the runtime that was passed in |
//! | waiting on the thread: `thread::sleep`, `block_on`, a `Condvar`, `mpsc::Receiver::recv` | nobody else can take a step meanwhile: it stops the simulation, often for ever | [`sleep`](crate::Timer::sleep), a channel that is awaited |
//! | the clocks: [`Instant::now`](std::time::Instant::now), `SystemTime::now`, `elapsed`, `tokio::time` | they show real time | [`now`](crate::Timer::now), [`system_time`](crate::Timer::system_time), a [`Timer`](crate::Timer) |
//! | values that outlive a run: statics that change, `LazyLock`, `thread_local!` | the next run on the thread, or in the process, finds them as they were left | a field of what the run makes |
//! | the system's randomness: `rand::rng`, `fastrand::u32`, `getrandom`, `Uuid::new_v4` | it is different in each run | a generator that is passed in: [`SimRuntime::rng`], or one of `rand`'s that is seeded from it |
//! | the network, other processes | they take real time, and answer as they like | a connection as a trait (`AsyncRead`, `AsyncWrite`), channels in its place |
//! | the order of addresses, `thread::current().id()`, `process::id()` | it is different in each process | numbers that the program gives |
//!
//! Allowed are locks that are not held over an await, channels and locks that are awaited and need no
//! runtime (async-channel, async-lock, futures, `tokio::sync`), reading files, and all that computes.
//!
//! `migration/clippy-sim.toml` in the repository makes clippy find what a lint can see of this, and say
//! what to use in its place. It cannot see statics of atomics, and what dependencies do.

mod check;
mod clock;
mod determinism;
mod engine;
mod failure;
mod fault;
mod hush;
mod node;
mod record;
mod rng;
mod runtime;
mod schedule;
mod strategy;
mod tape;
mod task;
mod timeline;
mod watch;

use std::future::Future;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use self::clock::Nanos;
use self::engine::{Engine, Limits, Outcome};
use self::failure::Details;
use self::schedule::{Profile, Schedule, Search};
use crate::origin::Place;

pub use self::check::{Check, Checked, Counterexample, Verdict, check};
pub use self::clock::Offset;
pub(crate) use self::clock::SimSleep;
pub use self::failure::{Failure, FailureKind, TaskReport, Waking};
pub use self::node::Node;
pub use self::rng::SimRng;
pub use self::runtime::SimRuntime;
pub use self::strategy::{InvalidStrategy, Strategy};
pub use self::tape::{InvalidTape, Tape};
pub use self::timeline::Timeline;
pub use self::watch::Eventually;

/// A simulation to be run: a seed, a [`Strategy`] and limits.
///
/// # Examples
///
/// ```
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::sim::{FailureKind, Sim};
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
    seed: u64,
    strategy: Strategy,
    max_steps: u64,
    max_time: Duration,
    allow_leaks: bool,
    allow_panics: bool,
    foreign_threads: bool,
    /// Whether to keep a record of all that happens.
    record: bool,
    buggify: (f64, f64),
}

/// A run that went well.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report<T> {
    /// What the future gave.
    pub value: T,
    /// How many steps were taken. A step is one poll.
    pub steps: u64,
    /// How much virtual time passed.
    pub elapsed: Duration,
    /// A hash of all that happened, in its order. Two runs with the same hash were the same run.
    pub trace_hash: u64,
}

/// What many runs have found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exploration {
    /// How many schedules were run.
    pub runs: u64,
    /// How many of them failed.
    pub failures: u64,
    /// The first failure, in the order of the seeds.
    pub first: Option<Failure>,
    /// Whether there is no schedule left that was not run; only [`Strategy::Dfs`] can know.
    pub exhausted: bool,
}

impl Sim {
    /// A simulation with a seed, and [`Strategy::Random`].
    ///
    /// There are limits of 10,000,000 steps and a hundred years of virtual time.
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
        }
    }

    /// Chooses among the ready tasks in another way.
    ///
    /// # Panics
    ///
    /// If it is [`Strategy::Pct`] with a depth of 0.
    pub fn strategy(self, strategy: Strategy) -> Sim {
        assert!(
            !matches!(strategy, Strategy::Pct { depth: 0 }),
            "the depth of PCT is the number of ordering constraints, and at least 1"
        );
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

    /// Lets tasks be alive at the end. They are dropped.
    ///
    /// The end is when the future has completed and nothing is ready any more. Otherwise a task
    /// that is left then is a failure.
    pub fn allow_leaks(self, allow: bool) -> Sim {
        Sim { allow_leaks: allow, ..self }
    }

    /// Lets tasks panic whose panic no join hands out.
    pub fn allow_panics(self, allow: bool) -> Sim {
        Sim { allow_panics: allow, ..self }
    }

    /// Lets other threads spawn, wake and sleep here, and waits for them when nothing else is to be
    /// done.
    ///
    /// The same goes for what takes real time on the simulation's thread: timers and pools of other
    /// runtimes. Such a run is not deterministic. It is for code that is half ported, and for executing a
    /// program rather than exploring it.
    pub fn foreign_threads(self, allow: bool) -> Sim {
        Sim { foreign_threads: allow, ..self }
    }

    /// Sets with what probability a [buggify point](SimRuntime::buggify) is enabled in a run, and
    /// with what it fires where it is: 1/4 and 1/4 if this is not called.
    ///
    /// `buggify(0.0, 0.0)` is without faults, `buggify(1.0, 1.0)` has them all, each time.
    ///
    /// # Panics
    ///
    /// If one of them is not between 0 and 1.
    #[track_caller]
    pub fn buggify(self, enabled: f64, fires: f64) -> Sim {
        let is_chance = |probability| (0.0..=1.0).contains(&probability);
        assert!(is_chance(enabled) && is_chance(fires), "a probability is between 0 and 1");
        Sim { buggify: (enabled, fires), ..self }
    }

    /// Runs one schedule to its end, on this thread.
    ///
    /// The future need be neither `Send` nor `'static`. What it spawns on the [`SimRuntime`] runs
    /// on this thread, too. When the run is over, what is left of it is dropped.
    ///
    /// # Errors
    ///
    /// A [`Failure`] if the future panicked, or anything else went wrong that
    /// [`FailureKind`] lists.
    #[track_caller]
    pub fn run<T, F>(self, f: impl FnOnce(SimRuntime) -> F) -> Result<Report<T>, Failure>
    where
        F: Future<Output = T>,
    {
        let schedule = Schedule::new(&self.strategy, self.seed, Profile::default());
        let outcome = self.execute(self.seed, schedule, false, Location::caller(), f);
        self.report(self.seed, outcome)
    }

    /// As [`run`](Sim::run), and writes down what happened.
    ///
    /// # Examples
    ///
    /// ```
    /// use async_runtime_compat::prelude::*;
    /// use async_runtime_compat::sim::Sim;
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
        let mut outcome = sim.execute(sim.seed, schedule, false, Location::caller(), f);
        let record = outcome.record.take().unwrap_or_default();
        let result = sim.report(sim.seed, outcome);
        let end = result.as_ref().err().map(|it| (it.kind(), it.message().to_owned()));
        (result, Timeline::new(&record, end))
    }

    /// Runs many schedules, on all cores, with the seeds from this simulation's on.
    ///
    /// All of them are run, also after a failure. What is found does not depend on the number of
    /// cores. [`Strategy::Dfs`] goes through the schedules of the first seed instead, on this
    /// thread, and stops when there is none left.
    #[track_caller]
    pub fn explore<T, F>(self, runs: u64, f: impl Fn(SimRuntime) -> F + Sync) -> Exploration
    where
        F: Future<Output = T>,
    {
        let place = Location::caller();
        if let Strategy::Dfs { max_preemptions } = self.strategy {
            return self.search(runs, max_preemptions, place, &f);
        }
        let profile = self.profile(place, &f);
        let (next, found) = (AtomicU64::new(0), Mutex::new((0, None::<(u64, Failure)>)));
        let work = || {
            loop {
                let run = next.fetch_add(1, Ordering::Relaxed);
                if run >= runs {
                    return;
                }
                let seed = self.seed.wrapping_add(run);
                let schedule = Schedule::new(&self.strategy, seed, profile.clone());
                let outcome = self.execute(seed, schedule, false, place, &f);
                if let Err(failure) = self.report(seed, outcome) {
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    found.0 += 1;
                    if found.1.as_ref().is_none_or(|(first, _)| run < *first) {
                        found.1 = Some((run, failure));
                    }
                }
            }
        };
        let cores = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            for _ in 1..cores.min(usize::try_from(runs).unwrap_or(usize::MAX)) {
                scope.spawn(work);
            }
            work();
        });
        let (failures, first) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        Exploration { runs, failures, first: first.map(|(_, failure)| failure), exhausted: false }
    }

    fn search<T, F>(
        &self,
        runs: u64,
        max_preemptions: u32,
        place: Place,
        f: &impl Fn(SimRuntime) -> F,
    ) -> Exploration
    where
        F: Future<Output = T>,
    {
        let mut found = Exploration { runs: 0, failures: 0, first: None, exhausted: false };
        let mut search = Search::new(max_preemptions);
        while found.runs < runs && !search.is_done() {
            let schedule = Schedule::search(search.clone());
            let mut outcome = self.execute(self.seed, schedule, false, place, f);
            let after = std::mem::replace(&mut outcome.schedule, Schedule::done());
            found.runs += 1;
            if let Err(failure) = self.report(self.seed, outcome) {
                found.failures += 1;
                let diverged = failure.kind() == FailureKind::Diverged;
                found.first.get_or_insert(failure);
                if diverged {
                    return found;
                }
            }
            if let Some(after) = after.into_search() {
                search = after;
            }
        }
        found.exhausted = search.is_done();
        found
    }

    /// What the strategy must know of the program, from a run that does not count.
    fn profile<T, F>(&self, place: Place, f: &impl Fn(SimRuntime) -> F) -> Profile
    where
        F: Future<Output = T>,
    {
        if !matches!(self.strategy, Strategy::Pct { .. } | Strategy::Urw) {
            return Profile::default();
        }
        let schedule = Schedule::new(&Strategy::Random, self.seed, Profile::default());
        let outcome = self.execute(self.seed, schedule, true, place, f);
        Profile { steps: Some(outcome.steps), tasks: Arc::new(outcome.profile) }
    }

    fn execute<T, F>(
        &self,
        seed: u64,
        schedule: Schedule,
        profile: bool,
        place: Place,
        f: impl FnOnce(SimRuntime) -> F,
    ) -> Outcome<T>
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
        };
        let engine = Engine::new(seed, schedule, limits, profile);
        if self.record {
            engine.keep_record();
        }
        engine.run(place, || f(SimRuntime::new(engine.clone())))
    }

    fn report<T>(&self, seed: u64, outcome: Outcome<T>) -> Result<Report<T>, Failure> {
        let Outcome { end, steps, elapsed, hash, tape, tasks, .. } = outcome;
        match end {
            Ok(value) => Ok(Report { value, steps, elapsed, trace_hash: hash }),
            Err((kind, message)) => Err(Failure::new(Details {
                kind,
                message,
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

/// The runtime of the task that is polled on this thread, if that is a simulation's.
pub(crate) fn current() -> Option<SimRuntime> {
    engine::running().map(|engine| engine.current())
}

pub(crate) fn takes_real_time(what: &str) {
    if let Some(engine) = engine::running() {
        engine.left(what);
    }
}

/// Whether a fault shall be here; false outside of simulations.
///
/// It is [`SimRuntime::buggify`], of the simulation whose task runs on this thread, for code that
/// runs in production, too, and knows its runtime as an `Arc<dyn Runtime>` only. There it costs to
/// read a thread-local variable.
///
/// # Examples
///
/// ```
/// use async_runtime_compat::sim;
///
/// fn write(page: &[u8]) -> std::io::Result<usize> {
///     // Short writes are legal and rare.
///     if sim::buggify("short write") {
///         return Ok(page.len() / 2);
///     }
///     Ok(page.len())
/// }
/// assert_eq!(write(&[0; 512]).unwrap(), 512);
/// ```
#[must_use]
pub fn buggify(label: &str) -> bool {
    engine::running().is_some_and(|engine| engine.current().buggify(label))
}
