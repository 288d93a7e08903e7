//! Settings that make a run less orderly: ready operations that wait, and steps that take time.

use std::future::Future;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::clock::Nanos;
use crate::{Check, Sim, engine};

impl Sim {
    /// Suspends operations of tokio's channels and locks although they are ready, each with that
    /// probability.
    ///
    /// A step is one poll, and an uncontended `lock().await` does not suspend. So between two such
    /// locks no other task can run, as long as nobody makes it wait. On a runtime with several
    /// threads others do run there. With this setting they do here, too, and the program need not be
    /// changed: tokio's channels and locks ask for the cooperative budget of the task, which is drawn.
    /// An operation that was suspended is ready at once, and the [`Strategy`](crate::Strategy) chooses
    /// the task that continues. An operation is suspended once at most.
    ///
    /// The probability is exact where one task runs at a time. Once an operation is suspended, those of
    /// other tasks are, too, until the first has continued.
    ///
    /// The suspensions are on the [`Tape`](crate::Tape), and a [`Check`] removes those that a failure
    /// does not need. A program that does not use such operations runs as without this setting.
    ///
    /// tokio's locks are suspended once they are taken (since tokio 1.54; before that, before they are
    /// taken). So no other task runs between the release of one lock and the next one; put a
    /// [`point`](crate::point()) there to allow it.
    ///
    /// It has no effect on locks and channels of other crates (async-lock, async-channel, futures),
    /// which know no budget; use [`point`](crate::point()) there. Neither has it any on futures within
    /// `tokio::task::unconstrained`. As on tokio itself, an operation is suspended after at most 127
    /// that were not.
    ///
    /// Requires the feature `preempt`, which depends on tokio 1.49 or later. Replaying a tape needs the
    /// same setting.
    ///
    /// # Panics
    ///
    /// If the probability is not between 0 and 1. A run panics if the version of tokio does not let the
    /// budget be set.
    ///
    /// # Examples
    ///
    /// Two locks that are taken in different orders:
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use async_runtime_compat::prelude::*;
    /// use async_runtime_compat_sim::{FailureKind, Sim, SimRuntime};
    /// use tokio::sync::Mutex;
    ///
    /// async fn transfers(rt: SimRuntime) {
    ///     let (alice, bob) = (Arc::new(Mutex::new(10)), Arc::new(Mutex::new(10)));
    ///     let transfer = |from: &Arc<Mutex<i64>>, to: &Arc<Mutex<i64>>| {
    ///         let (from, to) = (from.clone(), to.clone());
    ///         rt.spawn_with_handle(async move {
    ///             let mut from = from.lock().await;
    ///             let mut to = to.lock().await;
    ///             *from -= 1;
    ///             *to += 1;
    ///         })
    ///     };
    ///     for transfer in [transfer(&alice, &bob), transfer(&bob, &alice)] {
    ///         transfer.await.unwrap();
    ///     }
    /// }
    ///
    /// assert_eq!(Sim::new(0).explore(1000, transfers).failures, 0);
    /// let found = Sim::new(0).preempt_ready(0.5).explore(1000, transfers);
    /// assert_eq!(found.first.unwrap().kind(), FailureKind::Stall);
    /// ```
    #[cfg(feature = "preempt")]
    #[cfg_attr(docsrs, doc(cfg(feature = "preempt")))]
    #[track_caller]
    pub fn preempt_ready(self, probability: f64) -> Sim {
        assert!((0.0..=1.0).contains(&probability), "a probability is between 0 and 1");
        // Without any, nothing is to be drawn.
        Sim { preempt: Some(probability).filter(|it| *it > 0.0), ..self }
    }

    /// Makes each step take a time between these two, all equally likely.
    ///
    /// By default steps take no time, and virtual time passes only while no task is ready. So a
    /// timeout can elapse only if the future waits for something else, and never because there is too
    /// much to do. With this setting, the clock advances after each step. Sleeps that end by then wake
    /// their tasks, which compete with the others.
    ///
    /// The time that a step takes follows from the seed, the task and the number of the task's step.
    /// So it is the same in every schedule and needs no place on a [`Tape`](crate::Tape). Replaying one
    /// needs the same setting.
    ///
    /// # Panics
    ///
    /// If the range is empty, or if its end is beyond 584 years.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use async_runtime_compat::prelude::*;
    /// use async_runtime_compat::yield_now;
    /// use async_runtime_compat_sim::Sim;
    ///
    /// let work = |rt: async_runtime_compat_sim::SimRuntime| async move {
    ///     let busy = async {
    ///         for _ in 0..100 {
    ///             yield_now().await;
    ///         }
    ///     };
    ///     rt.timeout(Duration::from_millis(5), busy).await.is_err()
    /// };
    /// assert!(!Sim::new(1).run(work).unwrap().value);
    /// let slow = Duration::from_micros(10)..=Duration::from_micros(190);
    /// assert!(Sim::new(1).step_cost(slow).run(work).unwrap().value);
    /// ```
    #[track_caller]
    pub fn step_cost(self, range: RangeInclusive<Duration>) -> Sim {
        let nanos = |duration: &Duration| Nanos::try_from(duration.as_nanos()).ok();
        let (Some(least), Some(most)) = (nanos(range.start()), nanos(range.end())) else {
            panic!("a step takes at most 584 years");
        };
        assert!(least <= most, "the range of the step cost is empty: it ends before it begins");
        Sim { step_cost: Some((least, most)), ..self }
    }
}

impl Check {
    /// Suspends operations of tokio's channels and locks although they are ready; see
    /// [`Sim::preempt_ready`].
    ///
    /// # Panics
    ///
    /// If the probability is not between 0 and 1.
    #[cfg(feature = "preempt")]
    #[cfg_attr(docsrs, doc(cfg(feature = "preempt")))]
    #[track_caller]
    pub fn preempt_ready(self, probability: f64) -> Check {
        self.with_sim(|sim| sim.preempt_ready(probability))
    }

    /// Makes each step take a time between these two; see [`Sim::step_cost`].
    ///
    /// # Panics
    ///
    /// If the range is empty, or if its end is beyond 584 years.
    #[track_caller]
    pub fn step_cost(self, range: RangeInclusive<Duration>) -> Check {
        self.with_sim(|sim| sim.step_cost(range))
    }
}

/// A place at which another task may run in a simulation. In production it costs one read of a
/// thread-local variable, and never waits.
///
/// Use it beside locks and channels that do not suspend when they are ready, and that
/// [`Sim::preempt_ready`](crate::Sim) does not know. In a simulation it is
/// [`yield_now`](async_runtime_compat::yield_now).
///
/// # Cancel safety
///
/// Cancel safe.
///
/// # Examples
///
/// ```
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat_sim::{Sim, point};
///
/// let found = Sim::new(1).explore(100, |rt| async move {
///     let (sender, receiver) = async_channel::bounded(10);
///     let producer = rt.spawn_with_handle(async move {
///         sender.send(1).await.unwrap();
///         point().await; // the consumer may run here
///         sender.send(2).await.unwrap();
///     });
///     rt.spawn_with_handle(async move {
///         let first = receiver.recv().await;
///         assert!(first.is_ok() && receiver.len() == 1, "both were sent");
///     })
///     .await
///     .unwrap();
///     producer.await.unwrap();
/// });
/// assert!(found.failures > 0 && found.failures < 100);
/// ```
pub fn point() -> Point {
    Point { passed: false }
}

/// Returned by [`point`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Point {
    passed: bool,
}

impl Future for Point {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.passed || !engine::is_simulated() {
            return Poll::Ready(());
        }
        self.passed = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
