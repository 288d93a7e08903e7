//! The runtime that a simulation hands out.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::clock::SimSleep;
use super::engine::Engine;
use super::failure::FailureKind;
use super::node::{Home, Node};
use super::rng::SimRng;
use super::watch::Eventually;
use crate::backend::{Ending, Native, NativeBlocking, Output, discard};
use crate::blocking::{Blocking, BoxJob};
use crate::origin::Place;
use crate::spawner::{BoxFuture, Spawner};
use crate::time::{Sleep, Timer};

/// The runtime of a simulation: a [`Runtime`](crate::Runtime) on one thread, on virtual time, whose
/// every choice belongs to the seed.
///
/// Clones are the same runtime. Inside of the simulation [`current`](crate::current) finds it: the
/// one of the node that the running task belongs to. It is valid while the simulation runs; afterwards what is spawned
/// is dropped, and its join says [`is_shutdown`](crate::JoinError::is_shutdown).
///
/// Blocking work is a step like any other: it runs on the simulation's thread, when the strategy
/// picks it, and nothing else runs meanwhile. A function that waits for another task waits for
/// ever.
#[derive(Clone)]
pub struct SimRuntime {
    engine: Arc<Engine>,
    /// To what its tasks belong.
    home: Home,
}

impl SimRuntime {
    pub(super) fn new(engine: Arc<Engine>) -> SimRuntime {
        SimRuntime::on(engine, Home::NONE)
    }

    pub(super) fn on(engine: Arc<Engine>, home: Home) -> SimRuntime {
        SimRuntime { engine, home }
    }

    /// The node of a name; it is made, and alive, if there was none.
    ///
    /// Names are those of the whole simulation, also when a node asks.
    ///
    /// # Panics
    ///
    /// If it is the 65,536th.
    #[track_caller]
    #[must_use]
    pub fn node(&self, name: impl Into<Cow<'static, str>>) -> Node {
        self.engine.node(name.into())
    }

    /// The node that this runtime belongs to; `None` for the one that the simulation handed out.
    #[must_use]
    pub fn host(&self) -> Option<Node> {
        self.engine.host(self.home)
    }

    /// Whether a fault shall be here: true in some runs, at some of the times, by the seed.
    ///
    /// It is what `FoundationDB` calls `BUGGIFY`. A point is known by its label. In each run it is
    /// enabled with a probability of 1/4, or else never fires; one that is enabled fires each time
    /// with a probability of 1/4. So a run has some faults often, and others not at all, and different runs
    /// have different ones. [`Sim::buggify`](crate::sim::Sim::buggify) sets the two numbers.
    ///
    /// It depends on the seed, the label, and how often the point was come to, by each node for
    /// itself; whether it is enabled is the same on all nodes. It shifts no other draw: neither
    /// those of [`rng`](SimRuntime::rng) nor the schedule. In code that does not know that it is
    /// simulated, there is [`sim::buggify`](crate::sim::buggify).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use async_runtime_compat::prelude::*;
    /// use async_runtime_compat::sim::Sim;
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

    /// Like [`buggify`](SimRuntime::buggify), for a point that, where it is enabled, fires with
    /// another probability: 0 for never, and 1 for always.
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

    /// A generator of random numbers that depend on the seed and the label alone; on the runtime of
    /// a [node](Node), on the node's name as well.
    ///
    /// What one component draws does not shift what another one gets, as long as their labels, or
    /// nodes, differ. Each call gives a generator of its own: the second one of a label is another
    /// than the first, also after the node was restarted.
    ///
    /// # Examples
    ///
    /// ```
    /// use async_runtime_compat::sim::Sim;
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

    pub(crate) fn sleep_until(&self, deadline: Instant) -> SimSleep {
        SimSleep::until(self.engine.clone(), self.home, deadline)
    }

    /// Fails the simulation after the first step after which the condition does not hold, and
    /// names the task that took it.
    ///
    /// The condition is looked at after every step, until the simulation is over. Keep it quick,
    /// and let it only look: it runs on the simulation's thread, between the steps. A panic in it is
    /// a condition that does not hold.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicI64, Ordering};
    ///
    /// use async_runtime_compat::prelude::*;
    /// use async_runtime_compat::sim::{FailureKind, Sim};
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
    /// The condition is looked at when this is polled first, and then after every step. Keep it
    /// quick, and let it only look. It does nothing until it is polled, and what is dropped is not
    /// waited for any more.
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
    /// use async_runtime_compat::sim::Sim;
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

    /// Writes something into the trace: it shows up in a [`Timeline`](crate::sim::Timeline), and
    /// two runs that note different things are not the same run.
    ///
    /// So it makes a difference visible that has no other effect on what is run when, such as a
    /// value that was computed.
    pub fn note(&self, text: impl Into<Cow<'static, str>>) {
        self.engine.note(text.into());
    }

    pub(super) fn fail(&self, kind: FailureKind, message: String) {
        self.engine.fail(kind, message);
    }

    /// Spawns a task; `None` if the simulation, or the node's life, is over.
    pub(crate) fn spawn_task<T, F>(
        &self,
        name: Option<Cow<'static, str>>,
        place: Place,
        future: F,
    ) -> Option<async_task::Task<Output<T>>>
    where
        T: Send + 'static,
        F: Future + Send + 'static,
        F::Output: Ending<T>,
    {
        match self.engine.spawn(self.home, name, place, future) {
            Ok(task) => Some(task),
            Err(future) => {
                discard(future);
                None
            }
        }
    }
}

impl Spawner for SimRuntime {
    #[track_caller]
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        if let Some(task) = self.spawn_task::<(), _>(None, Location::caller(), future) {
            task.detach();
        }
    }

    #[inline]
    fn native(&self) -> Native<'_> {
        Native::sim(self)
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
        SimSleep::after(self.engine.clone(), self.home, duration).into()
    }

    #[inline]
    fn native_timer(&self) -> Native<'_> {
        Native::sim(self)
    }
}

impl Blocking for SimRuntime {
    #[track_caller]
    fn execute(&self, job: BoxJob) {
        let job = async move { job() };
        if let Some(task) = self.spawn_task::<(), _>(None, Location::caller(), job) {
            task.detach();
        }
    }

    #[inline]
    fn native_blocking(&self) -> NativeBlocking<'_> {
        NativeBlocking::sim(self)
    }
}

impl fmt::Debug for SimRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimRuntime").finish_non_exhaustive()
    }
}
