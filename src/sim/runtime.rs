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
use super::rng::SimRng;
use super::watch::Eventually;
use crate::backend::{Native, NativeBlocking, Output, discard};
use crate::blocking::{Blocking, BoxJob};
use crate::origin::Place;
use crate::spawner::{BoxFuture, Spawner};
use crate::time::{Sleep, Timer};

/// The runtime of a simulation: a [`Runtime`](crate::Runtime) on one thread, on virtual time, whose
/// every choice belongs to the seed.
///
/// Clones are the same runtime. It is valid while the simulation runs; afterwards what is spawned
/// is dropped, and its join says [`is_shutdown`](crate::JoinError::is_shutdown).
///
/// Blocking work is a step like any other: it runs on the simulation's thread, when the strategy
/// picks it, and nothing else runs meanwhile. A function that waits for another task waits for
/// ever.
#[derive(Clone)]
pub struct SimRuntime {
    engine: Arc<Engine>,
}

impl SimRuntime {
    pub(super) fn new(engine: Arc<Engine>) -> SimRuntime {
        SimRuntime { engine }
    }

    /// A generator of random numbers that depend on the seed and the label alone.
    ///
    /// What one component draws does not shift what another one gets, as long as their labels
    /// differ. Each call gives a generator of its own: the second one of a label is another than
    /// the first.
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
        self.engine.rng(label)
    }

    pub(crate) fn sleep_until(&self, deadline: Instant) -> SimSleep {
        SimSleep::until(self.engine.clone(), deadline)
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

    /// Spawns a task; `None` if the simulation is over.
    pub(crate) fn spawn_task<F>(
        &self,
        name: Option<Cow<'static, str>>,
        place: Place,
        future: F,
    ) -> Option<async_task::Task<Output<F::Output>>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match self.engine.spawn(name, place, future) {
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
        if let Some(task) = self.spawn_task(None, Location::caller(), future) {
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
        self.engine.clock().now()
    }

    fn system_time(&self) -> SystemTime {
        self.engine.clock().system_time()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        SimSleep::after(self.engine.clone(), duration).into()
    }

    #[inline]
    fn native_timer(&self) -> Native<'_> {
        Native::sim(self)
    }
}

impl Blocking for SimRuntime {
    #[track_caller]
    fn execute(&self, job: BoxJob) {
        if let Some(task) = self.spawn_task(None, Location::caller(), async move { job() }) {
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
