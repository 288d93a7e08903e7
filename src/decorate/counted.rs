//! Counting what is spawned.

use std::fmt;
use std::sync::Arc;

use super::{Decorated, decorator};
use crate::layer::{Counters, Layer, Sums};
use crate::seam::Spawner;

/// A spawner that counts its tasks: those that were spawned, and how they ended.
///
/// Put it around what a program, or a part of it, spawns on, keep a clone, and read its
/// [`counts`](Counted::counts) whenever they are wanted: for a metric, for a log line, or in a test
/// that is to leave nothing behind. Work that blocks is counted beside it, if what is decorated is
/// [`Blocking`](crate::Blocking).
///
/// Dropping it does nothing to the tasks; they are counted by those clones that are left.
///
/// # What it costs
///
/// Two additions to numbers that the threads share in groups, and no allocation. A task that is
/// polled often pays nothing for each poll.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use async_runtime_compat::decorate::Counted;
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::tokio::TokioSpawner;
///
/// # let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # tokio.block_on(async {
/// let spawner = Counted::new(TokioSpawner::current().unwrap());
/// spawner.spawn_with_handle(async {}).await.unwrap();
/// let waits = spawner.spawn_with_handle(std::future::pending::<()>());
/// assert_eq!(spawner.counts().to_string(), "1 live of 2: 1 finished, 0 aborted, 0 panicked");
///
/// waits.cancel().await.unwrap_err();
/// let counts = spawner.counts();
/// assert_eq!((counts.live(), counts.aborted), (0, 1));
/// # });
/// # }
/// ```
pub struct Counted<S> {
    decorated: Arc<Decorated<S>>,
    tasks: Arc<Counters>,
    jobs: Arc<Counters>,
}

decorator!(Counted);

impl<S: Spawner + 'static> Counted<S> {
    /// Counts what is spawned through it, from now on, on the spawner.
    pub fn new(spawner: S) -> Counted<S> {
        let (tasks, jobs) = (Counters::new(), Counters::new());
        let task = Layer::Count(tasks.clone());
        let job = Layer::Count(jobs.clone());
        Counted { decorated: Decorated::new(spawner, task, Some(job)), tasks, jobs }
    }
}

impl<S> Counted<S> {
    /// The tasks so far.
    ///
    /// By the time a join resolves, the end of its task is counted. While tasks are spawned and end,
    /// the numbers are of moments close to each other; no task has ended in them that was not
    /// spawned.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts::of(&self.tasks)
    }

    /// The same of work that blocks.
    ///
    /// What is aborted before it runs counts when it is dropped, and what is aborted while it runs
    /// finishes.
    #[must_use]
    pub fn blocking_counts(&self) -> Counts {
        Counts::of(&self.jobs)
    }
}

impl<S> Clone for Counted<S> {
    fn clone(&self) -> Counted<S> {
        Counted {
            decorated: self.decorated.clone(),
            tasks: self.tasks.clone(),
            jobs: self.jobs.clone(),
        }
    }
}

impl<S> fmt::Debug for Counted<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counted").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

/// How many tasks a [`Counted`] has had, as it was when it was asked.
///
/// The [`Display`](fmt::Display) form is `1 live of 4: 2 finished, 1 aborted, 0 panicked`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// How many were spawned, those that were refused among them.
    pub spawned: u64,
    /// How many completed.
    pub finished: u64,
    /// How many panicked.
    pub panicked: u64,
    /// How many were dropped before they completed: aborted, refused, or dropped by their runtime.
    ///
    /// A task that is aborted while it is polled, and completes in that poll, counts as finished,
    /// though its join says that it was cancelled.
    pub aborted: u64,
}

impl Counts {
    fn of(counters: &Counters) -> Counts {
        let Sums { spawned, finished, panicked, aborted } = counters.sums();
        Counts { spawned, finished, panicked, aborted }
    }

    /// How many there are whose future has not been dropped yet.
    #[must_use]
    pub fn live(&self) -> u64 {
        self.spawned - self.ended()
    }

    /// How many have ended, in whatever way.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.finished + self.panicked + self.aborted
    }

    /// All numbers, for whoever reports them.
    ///
    /// For OpenTelemetry see [`Metric`], for Prometheus [`Exposition`](super::Exposition).
    ///
    /// # Examples
    ///
    /// ```
    /// # use async_runtime_compat::decorate::Counts;
    /// # let counts = Counts::default();
    /// for (metric, value) in counts.metrics() {
    ///     println!("{}:{value}", metric.name());
    /// }
    /// ```
    pub fn metrics(&self) -> impl Iterator<Item = (Metric, u64)> + use<> {
        let counts = *self;
        Metric::ALL.into_iter().map(move |metric| (metric, metric.of(&counts)))
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { spawned, finished, panicked, aborted } = self;
        let live = self.live();
        write!(
            f,
            "{live} live of {spawned}: {finished} finished, {aborted} aborted, {panicked} panicked"
        )
    }
}

/// One of the numbers of [`Counts`], as a metric.
///
/// # Examples
///
/// OpenTelemetry asks for a number whenever it collects, by a callback for each instrument:
///
/// ```
/// use async_runtime_compat::decorate::{Counted, Metric, MetricKind};
/// use async_runtime_compat::prelude::*;
/// use opentelemetry::metrics::Meter;
///
/// fn observe<S: Spawner + 'static>(meter: &Meter, counted: &Counted<S>) {
///     for metric in Metric::ALL {
///         let (name, help) = (metric.name(), metric.help());
///         let counted = counted.clone();
///         let number = move || metric.of(&counted.counts());
///         match metric.kind() {
///             MetricKind::Counter => drop(
///                 meter
///                     .u64_observable_counter(name)
///                     .with_description(help)
///                     .with_callback(move |observer| observer.observe(number(), &[]))
///                     .build(),
///             ),
///             MetricKind::Gauge => drop(
///                 meter
///                     .u64_observable_gauge(name)
///                     .with_description(help)
///                     .with_callback(move |observer| observer.observe(number(), &[]))
///                     .build(),
///             ),
///         }
///     }
/// }
/// # let meter = opentelemetry::global::meter("tasks");
/// # observe(&meter, &Counted::new(async_runtime_compat::FnSpawner::new(drop)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    /// [`Counts::spawned`].
    Spawned,
    /// [`Counts::live`].
    Live,
    /// [`Counts::finished`].
    Finished,
    /// [`Counts::aborted`].
    Aborted,
    /// [`Counts::panicked`].
    Panicked,
}

impl Metric {
    /// All there are.
    pub const ALL: [Metric; 5] =
        [Metric::Spawned, Metric::Live, Metric::Finished, Metric::Aborted, Metric::Panicked];

    /// What it is called, such as `tasks_spawned`: without a prefix, and without the `_total` that
    /// Prometheus has behind counters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Metric::Spawned => "tasks_spawned",
            Metric::Live => "tasks_live",
            Metric::Finished => "tasks_finished",
            Metric::Aborted => "tasks_aborted",
            Metric::Panicked => "tasks_panicked",
        }
    }

    /// What it says, in a sentence.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Metric::Spawned => "Tasks that were spawned.",
            Metric::Live => "Tasks that have not ended.",
            Metric::Finished => "Tasks that completed.",
            Metric::Aborted => "Tasks that were dropped before they completed.",
            Metric::Panicked => "Tasks that panicked.",
        }
    }

    /// Whether it may fall.
    #[must_use]
    pub fn kind(self) -> MetricKind {
        if self == Metric::Live { MetricKind::Gauge } else { MetricKind::Counter }
    }

    /// Its number among these.
    #[must_use]
    pub fn of(self, counts: &Counts) -> u64 {
        match self {
            Metric::Spawned => counts.spawned,
            Metric::Live => counts.live(),
            Metric::Finished => counts.finished,
            Metric::Aborted => counts.aborted,
            Metric::Panicked => counts.panicked,
        }
    }
}

/// Whether a [`Metric`] may fall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricKind {
    /// It only grows.
    Counter,
    /// It grows and falls.
    Gauge,
}
