//! Limiting the number of tasks.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::{Decorated, decorator};
use crate::backend;
use crate::handle::JoinHandle;
use crate::layer::{Layer, Limit, Ticket};
use crate::meta::SpawnMeta;
use crate::seam::Spawner;

/// A spawner with a limited number of permits: a task without a permit waits until another task ends.
///
/// A task holds a permit from its spawn until its future has been dropped. If there is none, it queues. Waiting
/// tasks and callers of [`acquire`](Limited::acquire) get permits in the order in which they queued. The
/// future of a waiting task is not polled; otherwise it is a task like any other:
///
/// - `spawn` returns at once, whatever the length of the queue, and never runs a future inline;
/// - dropping its handle detaches it, and it runs when its turn comes;
/// - aborting it, by handle or by a group, drops its future on its runtime without a poll; its join says
///   [`is_cancelled`](crate::JoinError::is_cancelled), and the queue moves on;
/// - when its runtime is shut down its future is dropped, its join says
///   [`is_shutdown`](crate::JoinError::is_shutdown), and the queue moves on;
/// - groups and counters include it, and a simulation reports it as waiting.
///
/// By the time a join resolves, the task's permit has been released. When the last clone is dropped, waiting
/// tasks go on waiting, and run as permits are released.
///
/// Blocking work is not limited: to limit it, use a [`BlockingPool`](crate::BlockingPool) with a number of
/// threads.
///
/// # Back-pressure
///
/// The queue is in memory and unbounded: a producer that spawns faster than its tasks end fills it. To slow the
/// producer down, let it wait for a permit with [`acquire`](Limited::acquire), and spawn with the [`Permit`];
/// to refuse work instead, call [`try_acquire`](Limited::try_acquire). Then only producers queue.
/// [`waiting`](Limited::waiting) returns the length of the queue.
///
/// # Deadlocks
///
/// A task keeps its permit while it waits. If every task with a permit waits for a child without one, spawned
/// through the same limit, all of them wait for ever: tasks that wait for their children must spawn them outside
/// the limit. Nested limits do not deadlock: a task takes the permit of the outermost limit first, and waits
/// for one at a time.
///
/// # Fairness
///
/// First come, first served, in the order of the spawn calls. Which of the tasks with a permit runs first is up
/// to the runtime.
///
/// # Cost
///
/// Two short critical sections per task, on one lock, and no allocation while permits are free. A waiting task
/// takes an entry in an ordered map and one more poll. A custom spawner must own its tasks, and not leave that
/// to their wakers: waiting tasks and their wakers would keep each other alive.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use async_runtime_compat::decorate::Limited;
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::smol::SmolSpawner;
///
/// /// Fetches all pages, at most eight at a time, and holds no more than that in memory.
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
    /// Wraps a spawner, and runs at most `limit` of the tasks that are spawned through the wrapper at a time.
    ///
    /// With a limit of zero all tasks wait until it is [raised](Limited::set_limit).
    pub fn new(spawner: S, limit: usize) -> Limited<S> {
        let limit = Limit::new(limit);
        let hook = Layer::Limit(limit.clone());
        Limited { decorated: Decorated::new(spawner, hook, None), limit }
    }
}

impl<S> Limited<S> {
    /// Waits for a permit, and reserves it.
    ///
    /// The future queues with the tasks at its first poll. Dropping it leaves the queue.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe, but dropping the future loses its slot in the queue: calling this again queues behind the
    /// others.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub fn acquire(&self) -> Acquire<S> {
        Acquire { spawner: self.clone(), ticket: None }
    }

    /// Reserves a permit if one is free.
    #[must_use = "dropping a permit releases it"]
    pub fn try_acquire(&self) -> Option<Permit<S>> {
        let ticket = self.limit.try_ticket()?;
        Some(Permit { spawner: self.clone(), ticket })
    }

    /// Waits until a permit is free, without reserving it.
    ///
    /// A single producer that spawns afterwards finds the permit free. Among several producers another may take
    /// it first; [`acquire`](Limited::acquire) reserves it.
    ///
    /// # Cancel safety
    ///
    /// The same as [`acquire`](Limited::acquire).
    pub async fn ready(&self) {
        drop(self.acquire().await);
    }

    /// Returns the number of permits.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit.limit()
    }

    /// Changes the number of permits.
    ///
    /// If it grows, waiting tasks get the new permits at once. If it shrinks, running tasks keep theirs, and no
    /// permit is granted until fewer than the new number are held.
    pub fn set_limit(&self, limit: usize) {
        self.limit.set_limit(limit);
    }

    /// Returns the number of permits held by tasks and by [`Permit`]s.
    #[must_use]
    pub fn running(&self) -> usize {
        self.limit.held()
    }

    /// Returns the number of tasks and of callers of [`acquire`](Limited::acquire) that wait for a permit.
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

/// Waits for a permit; returned by [`Limited::acquire`].
///
/// If it is polled after it resolved, it waits for another permit.
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

/// Permission for a task to run; returned by [`Limited::acquire`] and [`Limited::try_acquire`].
///
/// Dropping it releases the permit to the next waiter.
///
/// # Examples
///
/// A listener that refuses connections when there is no permit:
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
#[must_use = "dropping a permit releases it"]
pub struct Permit<S> {
    spawner: Limited<S>,
    ticket: Ticket,
}

impl<S> Permit<S> {
    /// Spawns a task with this permit, so that it does not wait.
    ///
    /// It is spawned through the permit's [`Limited`], and otherwise like
    /// [`SpawnerExt::spawn_with_handle`](crate::SpawnerExt::spawn_with_handle).
    #[track_caller]
    pub fn spawn_with_handle<F>(self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawn(SpawnMeta::new(), future)
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
        self.spawn(SpawnMeta::new().with_name(&name.into()), future)
    }

    /// Like [`spawn_with_handle`](Permit::spawn_with_handle), without a handle.
    #[track_caller]
    pub fn spawn_detached<F>(self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.spawn(SpawnMeta::new(), future).detach();
    }

    fn spawn<F>(self, meta: SpawnMeta<'_>, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let Permit { spawner, ticket } = self;
        let join = backend::spawn_reserved(spawner.decorated.spawner(), meta, ticket, future);
        JoinHandle::new(join.or_meta(meta), meta.location())
    }
}

impl<S> fmt::Debug for Permit<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}
