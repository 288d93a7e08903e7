//! Limiting how many tasks there are.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::{Decorated, decorator};
use crate::backend;
use crate::handle::JoinHandle;
use crate::layer::{Layer, Limit, Ticket};
use crate::meta::SpawnMeta;
use crate::seam::Spawner;

/// A spawner with permits for so many tasks: a task beyond that waits until another one ends.
///
/// A task has a permit from its spawn until its future has been dropped. If there is none for it, it
/// queues. Permits go to those who wait in the order in which they came, tasks and
/// [`acquire`](Limited::acquire) alike. The future of a task that waits is not polled; apart from that
/// it is a task as any other:
///
/// - `spawn` returns at once, whatever the queue is like, and never runs anything inline;
/// - dropping its handle detaches it, and it is run when its turn comes;
/// - aborting it, by handle or by a group, drops its future on its runtime without a poll; its join
///   says [`is_cancelled`](crate::JoinError::is_cancelled), and the queue moves on;
/// - when its runtime is shut down its future is dropped, its join says
///   [`is_shutdown`](crate::JoinError::is_shutdown), and the queue moves on;
/// - groups and counters know it, and the simulation shows it among those that wait.
///
/// By the time a join resolves, the task's permit is free, or another's. When the last clone is dropped,
/// the tasks that wait go on waiting, and are run as permits become free.
///
/// Work that blocks is not limited: [`BlockingPool`](crate::BlockingPool) has a number of threads.
///
/// # Back-pressure
///
/// The queue is in memory and has no end: a producer that spawns faster than its tasks end fills it.
/// One that is to be slowed down waits for a permit first, with [`acquire`](Limited::acquire), and then
/// spawns with the [`Permit`]; one that would rather refuse work asks
/// [`try_acquire`](Limited::try_acquire). With that, nothing queues but producers.
/// [`waiting`](Limited::waiting) tells how long the queue is.
///
/// # Tasks that wait for each other
///
/// A task keeps its permit while it waits for whatever it likes. If all those with a permit wait for
/// tasks without one, which they have spawned through the same limit, then all wait for ever: let
/// tasks that wait for their children spawn them past the limit. Several limits around each other are
/// no such danger: a task takes the permit of the outermost first, and waits for one at a time.
///
/// # Fairness
///
/// First come, first served, in the order of the spawn calls. Which of those with a permit runs first
/// is up to the runtime.
///
/// # What it costs
///
/// Two short locks per task that all of them share, and no allocation as long as there are permits. A
/// task that waits has an entry in an ordered map and one poll more. A spawner of the caller's must
/// not leave it to the wakers to drop its tasks, which would keep those that wait, and they their
/// wakers.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use async_runtime_compat::decorate::Limited;
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::smol::SmolSpawner;
///
/// /// Fetches all, eight at a time, and holds no more than that in memory.
/// async fn crawl(spawner: &Limited<SmolSpawner>, urls: impl Iterator<Item = String>) {
///     for url in urls {
///         let permit = spawner.acquire().await;
///         permit.spawn_detached(async move { /* fetch */ drop(url) });
///     }
/// }
///
/// let spawner = Limited::new(SmolSpawner, 8);
/// smol::block_on(crawl(&spawner, (0..100).map(|page| format!("/{page}"))));
/// # }
/// ```
pub struct Limited<S> {
    pub(super) decorated: Arc<Decorated<S>>,
    limit: Arc<Limit>,
}

decorator!(Limited);

impl<S: Spawner + 'static> Limited<S> {
    /// Lets no more than `limit` tasks live that are spawned through it.
    ///
    /// With a limit of zero they all wait, until it is [raised](Limited::set_limit).
    pub fn new(spawner: S, limit: usize) -> Limited<S> {
        let limit = Limit::new(limit);
        let hook = Layer::Limit(limit.clone());
        Limited { decorated: Decorated::new(spawner, hook, None), limit }
    }
}

impl<S> Limited<S> {
    /// Waits for a permit, and reserves it.
    ///
    /// It queues with the tasks, when it is first polled.
    ///
    /// Dropping the future gives up its turn in the queue.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe, but the turn in the queue is lost: one that waits again waits behind the others.
    #[must_use = "a future does nothing unless it is awaited"]
    pub fn acquire(&self) -> Acquire<S> {
        Acquire { spawner: self.clone(), ticket: None }
    }

    /// Reserves a permit if there is one now.
    #[must_use = "dropping it gives up the permit"]
    pub fn try_acquire(&self) -> Option<Permit<S>> {
        let ticket = self.limit.try_ticket()?;
        Some(Permit { spawner: self.clone(), ticket })
    }

    /// Waits until there is a permit, and leaves it.
    ///
    /// A single producer that spawns after it finds the permit. Where there are several, another may
    /// be faster, and the task wait: [`acquire`](Limited::acquire) keeps the permit.
    ///
    /// # Cancel safety
    ///
    /// As [`acquire`](Limited::acquire).
    pub async fn ready(&self) {
        drop(self.acquire().await);
    }

    /// How many permits there are.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit.limit()
    }

    /// Changes how many permits there are.
    ///
    /// If there are more, those who wait get them at once. If there are fewer, those who have one
    /// keep it, and nobody gets one until there are few enough.
    pub fn set_limit(&self, limit: usize) {
        self.limit.set_limit(limit);
    }

    /// How many permits are taken: by tasks, and by [`Permit`]s.
    #[must_use]
    pub fn running(&self) -> usize {
        self.limit.held()
    }

    /// How many wait for a permit: tasks, and those who [`acquire`](Limited::acquire) one.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.limit.waiting()
    }
}

impl<S> Clone for Limited<S> {
    fn clone(&self) -> Limited<S> {
        Limited { decorated: self.decorated.clone(), limit: self.limit.clone() }
    }
}

impl<S> fmt::Debug for Limited<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limited")
            .field("limit", &self.limit())
            .field("running", &self.running())
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}

/// Waits for a permit; made by [`Limited::acquire`].
///
/// Polled after it resolved, it waits for another one.
pub struct Acquire<S> {
    spawner: Limited<S>,
    ticket: Option<Ticket>,
}

impl<S> Future for Acquire<S> {
    type Output = Permit<S>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit<S>> {
        let this = self.get_mut();
        let limit = &this.spawner.limit;
        let ticket = this.ticket.get_or_insert_with(|| limit.ticket(&mut None));
        if !ticket.poll_held(cx.waker()) {
            return Poll::Pending;
        }
        match this.ticket.take() {
            Some(ticket) => Poll::Ready(Permit { spawner: this.spawner.clone(), ticket }),
            None => Poll::Pending,
        }
    }
}

impl<S> fmt::Debug for Acquire<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acquire").finish_non_exhaustive()
    }
}

/// Permission for a task to run; made by [`Limited::acquire`] and [`Limited::try_acquire`].
///
/// Dropping it gives the permit to the next one.
///
/// # Examples
///
/// A listener that refuses what it has no permit for:
///
/// ```
/// use async_runtime_compat::decorate::Limited;
/// use async_runtime_compat::prelude::*;
///
/// fn accepted<S: Spawner + 'static>(spawner: &Limited<S>) -> Result<(), &'static str> {
///     let permit = spawner.try_acquire().ok_or("503 Service Unavailable")?;
///     permit.spawn_detached(async { /* serve */ });
///     Ok(())
/// }
/// # let spawner = async_runtime_compat::FnSpawner::new(drop);
/// # accepted(&Limited::new(spawner.clone(), 1)).unwrap();
/// # accepted(&Limited::new(spawner, 0)).unwrap_err();
/// ```
#[must_use = "dropping it gives up the permit"]
pub struct Permit<S> {
    spawner: Limited<S>,
    ticket: Ticket,
}

impl<S> Permit<S> {
    /// Spawns a task that has this permit, so that it does not wait.
    ///
    /// It is spawned through the [`Limited`] that the permit is of, otherwise as by
    /// [`SpawnerExt::spawn_with_handle`](crate::SpawnerExt::spawn_with_handle).
    #[track_caller]
    pub fn spawn_with_handle<F>(self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawn(None, Location::caller(), future)
    }

    /// Like [`spawn_with_handle`](Permit::spawn_with_handle), for a task with a name.
    #[track_caller]
    pub fn spawn_named<F>(
        self,
        name: impl Into<Cow<'static, str>>,
        future: F,
    ) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawn(Some(name.into()), Location::caller(), future)
    }

    /// Like [`spawn_with_handle`](Permit::spawn_with_handle), for a task that nobody waits for.
    #[track_caller]
    pub fn spawn_detached<F>(self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.spawn(None, Location::caller(), future).detach();
    }

    fn spawn<F>(
        self,
        name: Option<Cow<'static, str>>,
        location: &'static Location<'static>,
        future: F,
    ) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let Permit { spawner, ticket } = self;
        let meta = SpawnMeta::of(name.as_ref(), location);
        let join = backend::spawn_reserved(spawner.decorated.spawner(), meta, ticket, future);
        JoinHandle::new(join.or_meta(meta), location)
    }
}

impl<S> fmt::Debug for Permit<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}
