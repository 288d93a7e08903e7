//! Counting tasks.

use std::fmt;
use std::sync::Arc;

use super::{Decorated, decorator};
use crate::layer::{Counters, Layer, Sums};
use crate::seam::Spawner;

/// A spawner that counts the tasks that it spawns, and how they end.
///
/// Wrap the spawner of a program, or of a part of it, keep a clone, and read its
/// [`counts`](Counted::counts) at any time: for a metric, for a log line, or in a test that checks for leaked
/// tasks. If the decorated spawner is [`Blocking`](crate::Blocking), blocking work is counted separately.
///
/// Dropping it does not affect the tasks; the remaining clones go on counting.
///
/// # Cost
///
/// Two additions to sharded counters per task, no allocation, and nothing per poll.
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
    /// Wraps a spawner, and counts the tasks that are spawned through the wrapper.
    pub fn new(spawner: S) -> Counted<S> {
        let (tasks, jobs) = (Counters::new(), Counters::new());
        let task = Layer::Count(tasks.clone());
        let job = Layer::Count(jobs.clone());
        Counted { decorated: Decorated::new(spawner, task, Some(job)), tasks, jobs }
    }
}

impl<S> Counted<S> {
    /// Returns the counts of tasks.
    ///
    /// By the time a join resolves, the end of its task is counted. While tasks are being spawned and end, the
    /// numbers are not read at a single instant; no more tasks have ended in them than were spawned.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts::of(&self.tasks)
    }

    /// Returns the counts of blocking work.
    ///
    /// Work that is aborted before it runs counts as aborted when it is dropped; work that is aborted while it
    /// runs counts as finished.
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

/// A snapshot of the numbers of tasks of a [`Counted`].
///
/// The [`Display`](fmt::Display) form is `1 live of 4: 2 finished, 1 aborted, 0 panicked`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Tasks that were spawned, including those that were refused.
    pub spawned: u64,
    /// Tasks that completed.
    pub finished: u64,
    /// Tasks that panicked.
    pub panicked: u64,
    /// Tasks that were dropped before they completed: aborted, refused, or dropped by their runtime.
    ///
    /// A task that is aborted during a poll, and completes in that poll, counts as finished, although its join
    /// says that it was cancelled.
    pub aborted: u64,
}

impl Counts {
    fn of(counters: &Counters) -> Counts {
        let Sums { spawned, finished, panicked, aborted } = counters.sums();
        Counts { spawned, finished, panicked, aborted }
    }

    /// Returns the number of tasks whose future has not been dropped yet.
    #[must_use]
    pub fn live(&self) -> u64 {
        self.spawned - self.ended()
    }

    /// Returns the number of tasks that have ended in any way.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.finished + self.panicked + self.aborted
    }

    /// Returns all numbers with their metrics.
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
/// OpenTelemetry reads each instrument through a callback whenever it collects:
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
    /// All metrics.
    pub const ALL: [Metric; 5] =
        [Metric::Spawned, Metric::Live, Metric::Finished, Metric::Aborted, Metric::Panicked];

    /// Returns the metric's name, such as `tasks_spawned`, without a prefix, and without the suffix `_total`
    /// that Prometheus requires for counters.
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

    /// Returns a description, which is one sentence.
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

    /// Returns whether the metric is a counter or a gauge.
    #[must_use]
    pub fn kind(self) -> MetricKind {
        if self == Metric::Live { MetricKind::Gauge } else { MetricKind::Counter }
    }

    /// Returns the metric's value in the counts.
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

/// The kind of a [`Metric`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricKind {
    /// Only increases.
    Counter,
    /// Increases and decreases.
    Gauge,
}
