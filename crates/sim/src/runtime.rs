//! The runtime that a simulation hands out.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use async_runtime_compat::{Blocking, BoxFuture, BoxJob, Sleep, SpawnMeta, Spawner, Timer};

use crate::clock::Nanos;
use crate::engine::Engine;
use crate::failure::FailureKind;
use crate::node::{Home, Node};
use crate::rng::SimRng;
use crate::sleep::SimSleep;
use crate::watch::Eventually;

/// The runtime of a simulation: a [`Runtime`](async_runtime_compat::Runtime) on one thread and
/// virtual time, whose every choice follows from the seed.
///
/// Clones are the same runtime. Within the simulation [`current`](async_runtime_compat::current)
/// returns it, or the runtime of the node that the running task belongs to. After the simulation a
/// spawned future is dropped, and its join says
/// [`is_shutdown`](async_runtime_compat::JoinError::is_shutdown).
///
/// Each task has an [id](async_runtime_compat::task), its [number](crate::TaskReport::number) in the reports: handles,
/// errors, traces and reports agree on it, and it is the same in each run of a seed.
///
/// Blocking work is a step like any other: it runs on the simulation's thread when the strategy
/// picks it, and nothing else runs meanwhile. A function that waits for another task waits for
/// ever.
#[derive(Clone)]
pub struct SimRuntime {
    engine: Arc<Engine>,
    /// Where its tasks belong.
    home: Home,
}

impl SimRuntime {
    pub(crate) fn new(engine: Arc<Engine>) -> SimRuntime {
        SimRuntime::on(engine, Home::NONE)
    }

    pub(crate) fn on(engine: Arc<Engine>, home: Home) -> SimRuntime {
        SimRuntime { engine, home }
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The node with that name. It is created, alive, on the first call.
    ///
    /// Names are global to the simulation, even if a node asks.
    ///
    /// # Panics
    ///
    /// If it is the 65,536th.
    #[track_caller]
    #[must_use]
    pub fn node(&self, name: impl Into<Cow<'static, str>>) -> Node {
        self.engine.node(name.into())
    }

    /// The node that this runtime belongs to; `None` for the runtime that the simulation handed out.
    #[must_use]
    pub fn host(&self) -> Option<Node> {
        self.engine.host(self.home)
    }

    /// Whether to inject a fault here: true in some runs, at some of the times, depending on the
    /// seed.
    ///
    /// `FoundationDB` calls this `BUGGIFY`. A point is identified by its label. In each run it is
    /// enabled with a probability of 1/4, and otherwise never fires; an enabled point fires each time
    /// with a probability of 1/4. So a run has some faults often and others not at all, and each run
    /// has different ones. [`Sim::buggify`](crate::Sim::buggify) sets the two probabilities.
    ///
    /// The result depends on the seed, the label, and how many times the point was reached, counted
    /// per node; whether a point is enabled is the same on all nodes. It shifts no other draw:
    /// neither those of [`rng`](SimRuntime::rng) nor the schedule. A [tape](crate::Tape) that is
    /// replayed, or a rule of [`Check::faults`](crate::Check::faults), decides instead. Code that does
    /// not know that it is simulated calls the function [`buggify`](crate::buggify).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use async_runtime_compat::prelude::*;
    /// use async_runtime_compat_sim::Sim;
    ///
    /// let found = Sim::new(1).explore(100, |rt| async move {
    ///     if rt.buggify("slow disk") {
    ///         rt.sleep(Duration::from_secs(10)).await;
    ///     }
    ///     assert_eq!(rt.timeout(Duration::from_secs(1), async { 7 }).await, Ok(7));
    /// });
    /// assert_eq!(found.failures, 0);
    /// ```
    #[must_use]
    pub fn buggify(&self, label: &str) -> bool {
        self.engine.buggify(self.home, label, None)
    }

    /// Like [`buggify`](SimRuntime::buggify), with the probability that an enabled point fires: 0 is
    /// never, 1 is always.
    ///
    /// # Panics
    ///
    /// If the probability is not between 0 and 1.
    #[track_caller]
    #[must_use]
    pub fn buggify_with(&self, label: &str, fires: f64) -> bool {
        assert!((0.0..=1.0).contains(&fires), "a probability is between 0 and 1");
        self.engine.buggify(self.home, label, Some(fires))
    }

    /// How long to delay here: zero, unless this [buggify](SimRuntime::buggify) point fires. Then it is
    /// a duration from the range, to the nanosecond, all equally likely.
    ///
    /// A failure that needs the delay is shrunk to one that is hardly longer than it takes.
    ///
    /// # Panics
    ///
    /// If the range is empty.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use async_runtime_compat::prelude::*;
    /// use async_runtime_compat_sim::Sim;
    ///
    /// let run = Sim::new(1).buggify(1.0, 1.0).run(|rt| async move {
    ///     let range = Duration::from_millis(1)..=Duration::from_secs(10);
    ///     rt.sleep(rt.buggify_delay("slow disk", range)).await;
    /// });
    /// assert!(run.unwrap().elapsed >= Duration::from_millis(1));
    /// ```
    #[track_caller]
    #[must_use]
    pub fn buggify_delay(&self, label: &str, range: RangeInclusive<Duration>) -> Duration {
        assert!(!range.is_empty(), "the shortest delay is longer than the longest");
        let nanos = |delay: &Duration| Nanos::try_from(delay.as_nanos()).unwrap_or(Nanos::MAX);
        let range = nanos(range.start())..=nanos(range.end());
        Duration::from_nanos(self.engine.delay(self.home, label, range))
    }

    /// A random number generator seeded from the simulation's seed and the label; on the runtime of
    /// a [node](Node), from the node's name as well.
    ///
    /// Draws of one component do not shift those of another as long as their labels, or nodes,
    /// differ. Each call returns a new generator: the second one of a label differs from the first,
    /// even after the node was restarted.
    ///
    /// # Examples
    ///
    /// ```
    /// use async_runtime_compat_sim::Sim;
    ///
    /// let draw = |seed| {
    ///     Sim::new(seed).run(|rt| async move { rt.rng("network").below(1_000_000) }).unwrap().value
    /// };
    /// assert_eq!(draw(7), draw(7));
    /// assert_ne!(draw(7), draw(8));
    /// ```
    #[must_use]
    pub fn rng(&self, label: &str) -> SimRng {
        self.engine.rng(self.home, label)
    }

    /// Fails the simulation after the first step that leaves the condition false, and names the task
    /// that took it.
    ///
    /// The condition is checked after every step, until the simulation is over. Keep it quick and
    /// free of side effects: it runs on the simulation's thread, between the steps. A panic in it
    /// counts as false.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicI64, Ordering};
    ///
    /// use async_runtime_compat::prelude::*;
    /// use async_runtime_compat_sim::{FailureKind, Sim};
    ///
    /// let failure = Sim::new(1).run(|rt| async move {
    ///     let balance = Arc::new(AtomicI64::new(10));
    ///     let seen = balance.clone();
    ///     rt.invariant("nobody is in debt", move || seen.load(Ordering::SeqCst) >= 0);
    ///     let spender = rt.spawn_named("spender", async move {
    ///         balance.fetch_sub(25, Ordering::SeqCst);
    ///     });
    ///     spender.await
    /// });
    /// let failure = failure.unwrap_err();
    /// assert_eq!(failure.kind(), FailureKind::Invariant);
    /// assert!(failure.message().contains("task 1 'spender'"));
    /// ```
    pub fn invariant(
        &self,
        name: impl Into<String>,
        condition: impl FnMut() -> bool + Send + 'static,
    ) {
        self.engine.watches().invariant(name.into(), Box::new(condition));
    }

    /// Waits until the condition holds; fails the simulation if it does not within that much
    /// virtual time.
    ///
    /// The condition is checked when this is first polled, and then after every step. Keep it quick
    /// and free of side effects. The future does nothing until it is polled; dropping it ends the
    /// wait.
    ///
    /// # Panics
    ///
    /// If the condition panics in the first poll. A later panic fails the simulation.
    ///
    /// # Cancel safety
    ///
    /// Polling it by reference is cancel safe.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicBool, Ordering};
    /// use std::time::Duration;
    ///
    /// use async_runtime_compat::prelude::*;
    /// use async_runtime_compat_sim::Sim;
    ///
    /// let run = Sim::new(1).run(|rt| async move {
    ///     let elected = Arc::new(AtomicBool::new(false));
    ///     let (timer, flag) = (rt.clone(), elected.clone());
    ///     rt.spawn_detached(async move {
    ///         timer.sleep(Duration::from_secs(3)).await;
    ///         flag.store(true, Ordering::SeqCst);
    ///     });
    ///     rt.eventually(Duration::from_secs(10), move || elected.load(Ordering::SeqCst)).await;
    /// });
    /// assert_eq!(run.unwrap().elapsed, Duration::from_secs(3));
    /// ```
    #[track_caller]
    pub fn eventually(
        &self,
        within: Duration,
        condition: impl FnMut() -> bool + Send + 'static,
    ) -> Eventually {
        let (engine, sleep) = (self.engine.clone(), self.sleep(within));
        Eventually::new(engine, sleep, within, Location::caller(), Box::new(condition))
    }

    /// Adds a note to the trace. It is shown in a [`Timeline`](crate::Timeline), and runs with
    /// different notes are not the same run.
    ///
    /// Note a computed value, for example, to reveal a difference that affects no schedule.
    pub fn note(&self, text: impl Into<Cow<'static, str>>) {
        self.engine.note(text.into());
    }

    pub(crate) fn fail(&self, kind: FailureKind, message: String) {
        self.engine.fail(kind, message);
    }
}

impl Spawner for SimRuntime {
    #[track_caller]
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.spawn_with(SpawnMeta::new(), future);
    }

    fn spawn_with(&self, meta: SpawnMeta<'_>, future: BoxFuture<'static, ()>) {
        let contained = meta.is_contained(&*future);
        self.engine.spawn(self.home, meta, contained, future);
    }
}

impl Timer for SimRuntime {
    fn now(&self) -> Instant {
        self.engine.now(self.home)
    }

    fn system_time(&self) -> SystemTime {
        self.engine.system_time(self.home)
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let engine = &self.engine;
        let duration = Nanos::try_from(duration.as_nanos()).ok();
        let deadline = duration.and_then(|duration| engine.shown(self.home).checked_add(duration));
        let deadline = deadline.map(|deadline| engine.clock().instant(deadline));
        Sleep::new(SimSleep::new(engine.clone(), self.home), deadline)
    }
}

impl Blocking for SimRuntime {
    #[track_caller]
    fn execute(&self, job: BoxJob) {
        self.execute_with(SpawnMeta::new(), job);
    }

    fn execute_with(&self, meta: SpawnMeta<'_>, job: BoxJob) {
        let contained = meta.is_contained(&*job);
        self.engine.spawn(self.home, meta, contained, Box::pin(async move { job() }));
    }
}

impl fmt::Debug for SimRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimRuntime").finish_non_exhaustive()
    }
}
