//! The runtime that a simulation hands out.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::clock::SimSleep;
use super::engine::Engine;
use super::rng::SimRng;
use crate::backend::{Ending, Native, NativeBlocking, Output, discard};
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

    /// Spawns a task; `None` if the simulation is over.
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
