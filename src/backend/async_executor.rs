//! Spawning on an async-executor that the caller drives.

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;

use ::async_executor::Executor;

use super::async_task::TaskJoin;
use super::contained_task::{ContainedTask, DetachedTask};
use super::ending::Ending;
use super::{Join, Known, async_io, unblock};
use crate::contain::{Contained, PollCaught, discard};
use crate::meta::SpawnMeta;
use crate::seam::{
    Blocking, BlockingKind, BoxFuture, BoxJob, Kind, Native, NativeBlocking, Owner, Spawner,
};

/// An [`Executor`] as a [`Spawner`].
///
/// The caller drives the executor: tasks run while some thread is in [`Executor::run`] or
/// [`Executor::tick`].
///
/// # Shutdown
///
/// The spawner does not keep the executor alive, so that a task may hold a spawner without creating a cycle: the
/// executor belongs to whoever drives it. When its last [`Arc`] is dropped, pending tasks are dropped and their joins
/// say [`is_shutdown`](crate::JoinError::is_shutdown), as do the joins of tasks spawned later.
///
/// Stop the threads that wake tasks before that: async-executor 1.14 loses a task that another thread wakes or aborts
/// at the very moment at which the executor is dropped. Its future is leaked, and its join waits for ever. During the
/// drop, [`JoinHandle::is_finished`](crate::JoinHandle::is_finished) turns true as a future's destructor starts.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use async_executor::Executor;
/// use async_runtime_compat::async_executor::ExecutorSpawner;
/// use async_runtime_compat::prelude::*;
///
/// let executor = Arc::new(Executor::new());
/// let spawner = ExecutorSpawner::new(executor.clone());
/// let sum = spawner.spawn_with_handle(async { 1 + 2 });
/// assert_eq!(futures_lite::future::block_on(executor.run(sum))?, 3);
///
/// drop(executor);
/// let late = futures_lite::future::block_on(spawner.spawn_with_handle(async {}));
/// assert!(late.is_err_and(|error| error.is_shutdown()));
/// # Ok::<(), JoinError>(())
/// ```
#[derive(Clone)]
pub struct ExecutorSpawner {
    executor: Owner,
}

impl ExecutorSpawner {
    /// Creates a spawner onto the executor, which another [`Arc`] must keep alive.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "every other spawner's `new` takes its runtime by value"
    )]
    pub fn new(executor: Arc<Executor<'static>>) -> ExecutorSpawner {
        ExecutorSpawner { executor: Owner::Caller(Arc::downgrade(&executor)) }
    }

    /// Creates a spawner onto an executor that is never dropped, such as one in a `static`.
    #[must_use]
    pub fn from_static(executor: &'static Executor<'static>) -> ExecutorSpawner {
        ExecutorSpawner { executor: Owner::Static(executor) }
    }

    fn is_gone(&self) -> bool {
        match &self.executor {
            Owner::Caller(executor) => executor.strong_count() == 0,
            Owner::Static(_) => false,
        }
    }
}

/// Spawns a task; `None` if the executor is gone.
#[inline]
pub(super) fn spawn<T, F, C>(
    owner: &Owner,
    future: F,
    contain: impl FnOnce(F) -> C,
) -> Option<TaskJoin<T>>
where
    T: Send + 'static,
    C: PollCaught + Send + 'static,
    C::Output: Ending<T>,
{
    Some(TaskJoin::new(
        executor(owner)?.spawn(ContainedTask::<_, _, ExecutorSpawner>::new(contain(future))),
    ))
}

/// Spawns a task for each of the futures, under one lock of the executor, which the futures do not get to see.
pub(super) fn spawn_many<F>(owner: &Owner, futures: Vec<F>) -> Vec<Join<F::Output>>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let Some(executor) = executor(owner) else {
        let refuse = |future| {
            discard(future);
            Join::refused()
        };
        return futures.into_iter().map(refuse).collect();
    };
    let mut tasks = Vec::with_capacity(futures.len());
    let contained = futures
        .into_iter()
        .map(|it| ContainedTask::<_, _, ExecutorSpawner>::new(Contained::new(it)));
    executor.spawn_many(contained, &mut tasks);
    tasks.into_iter().map(|task| TaskJoin::new(task).into()).collect()
}

/// Spawns a detached task; drops it if the executor is gone.
#[inline(always)]
pub(super) fn spawn_detached<F, C>(owner: &Owner, future: F, contain: impl FnOnce(F) -> C)
where
    C: PollCaught + Send + 'static,
{
    if let Some(executor) = executor(owner) {
        executor.spawn(DetachedTask::<_, ExecutorSpawner>::new(contain(future))).detach();
    } else {
        discard(future);
    }
}

/// The executor, kept alive while something is spawned on it.
enum Alive {
    Caller(Arc<Executor<'static>>),
    Static(&'static Executor<'static>),
}

impl Deref for Alive {
    type Target = Executor<'static>;

    #[inline]
    fn deref(&self) -> &Executor<'static> {
        match self {
            Alive::Caller(executor) => executor,
            Alive::Static(executor) => executor,
        }
    }
}

/// `None` if the executor is gone.
// It does not take the future: each function that a large future goes through copies it once more.
#[inline]
fn executor(owner: &Owner) -> Option<Alive> {
    match owner {
        Owner::Caller(executor) => executor.upgrade().map(Alive::Caller),
        Owner::Static(executor) => Some(Alive::Static(executor)),
    }
}

pub(super) const KNOWN: Known =
    Known { name: "async-executor", entered: || None, missing: None, global: None };

impl Spawner for ExecutorSpawner {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        spawn_detached(&self.executor, future, Contained::new);
    }

    fn spawn_with(&self, meta: SpawnMeta<'_>, future: BoxFuture<'static, ()>) {
        if !meta.is_contained(&*future) {
            self.spawn(future);
        } else if let Some(executor) = executor(&self.executor) {
            executor.spawn(future).detach();
        }
    }

    #[inline]
    fn native(&self) -> Native<'_> {
        Native(Kind::Executor(&self.executor))
    }
}

/// The pool of the crate `blocking`, which smol uses as well.
///
/// The pool belongs to the process and not to the executor: submitted jobs run even if the executor is dropped
/// meanwhile. Later jobs are dropped, and their joins say [`is_shutdown`](crate::JoinError::is_shutdown).
impl Blocking for ExecutorSpawner {
    fn execute(&self, job: BoxJob) {
        if self.is_gone() {
            discard(job);
        } else {
            unblock::execute(job);
        }
    }

    #[inline]
    fn native_blocking(&self) -> NativeBlocking<'_> {
        NativeBlocking(if self.is_gone() { BlockingKind::Gone } else { BlockingKind::Unblock })
    }
}

async_io::timer!(ExecutorSpawner, self => Kind::Executor(&self.executor));

impl fmt::Debug for ExecutorSpawner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecutorSpawner").finish_non_exhaustive()
    }
}
