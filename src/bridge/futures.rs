//! Adapters to and from `futures`' trait `Spawn`.
//!
//! | from                                                     | to                            | adapter            |
//! |----------------------------------------------------------|-------------------------------|--------------------|
//! | a [`Spawner`]                                            | `futures::task::Spawn`        | [`FuturesSpawn`]   |
//! | a `futures::task::Spawn`, such as `futures`' `ThreadPool` | a [`Spawner`]                | [`FuturesSpawner`] |
//!
//! The trait is defined in `futures-task`, which `futures` re-exports; the feature adds only that crate to a
//! build. `SpawnExt`, with its methods `spawn` and `spawn_with_handle`, is in `futures`.

use std::task::{Context, Poll, Waker};

use futures_task::{FutureObj, Spawn, SpawnError};

use crate::backend::Quiet;
use crate::contain::discard;
use crate::meta::SpawnMeta;
use crate::seam::{BoxFuture, Spawner};
use crate::spawner::SpawnerExt;

/// A [`Spawner`] as a `futures::task::Spawn`.
///
/// It has the methods of `futures::task::SpawnExt`, and can be passed to every function that takes an
/// `impl Spawn` or an `Arc<dyn Spawn>`.
///
/// `SpawnExt::spawn_with_handle` returns the handle of `futures`, with its own rules: dropping it cancels
/// the task, `forget` detaches it, and a panic in the task unwinds into the awaiter. If the runtime is shut
/// down, the awaiter panics as well. For a handle with the rules of this crate, use [`SpawnerExt`].
///
/// # Cost
///
/// `Spawn` takes a boxed future. Apart from that box, a task costs as much as on the spawner, plus one poll
/// of its handle.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use std::sync::Arc;
///
/// use async_runtime_compat::futures::FuturesSpawn;
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::smol::SmolSpawner;
/// use futures::task::{Spawn, SpawnError, SpawnExt};
///
/// /// Code that was written for `futures`.
/// async fn sum(spawn: &impl Spawn) -> Result<u32, SpawnError> {
///     Ok(spawn.spawn_with_handle(async { 1 + 2 })?.await)
/// }
///
/// let spawner: Arc<dyn Spawner> = Arc::new(SmolSpawner);
/// let sum = futures_lite::future::block_on(sum(&FuturesSpawn::new(spawner)));
/// assert_eq!(sum.unwrap(), 3);
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FuturesSpawn<S> {
    spawner: S,
}

impl<S: Spawner> FuturesSpawn<S> {
    /// Wraps a spawner: an `Arc<dyn Spawner>`, a reference, or the spawner itself.
    pub fn new(spawner: S) -> FuturesSpawn<S> {
        FuturesSpawn { spawner }
    }

    /// Returns the spawner.
    pub fn into_inner(self) -> S {
        self.spawner
    }

    /// Spawns a task, and returns an error if the spawner refused it.
    #[track_caller]
    fn try_spawn(
        &self,
        future: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), SpawnError> {
        let mut task = self.spawner.spawn_with_handle(future);
        let polled = std::pin::Pin::new(&mut task).poll(&mut Context::from_waker(Waker::noop()));
        match polled {
            Poll::Ready(Err(error)) if error.is_shutdown() => Err(SpawnError::shutdown()),
            Poll::Ready(ended) => {
                // It may hold the payload of a panic, whose destructor is user code.
                discard(ended);
                Ok(())
            }
            Poll::Pending => Ok(()),
        }
    }
}

impl<S: Spawner> Spawn for FuturesSpawn<S> {
    /// Starts a task and detaches it. A panic in it is caught and harms no other task.
    ///
    /// # Errors
    ///
    /// [`SpawnError`] if the runtime was shut down, the executor dropped, or the
    /// [`TaskGroup`](crate::TaskGroup) closed, that is, where a join says
    /// [`is_shutdown`](crate::JoinError::is_shutdown). The future has then been dropped.
    #[track_caller]
    fn spawn_obj(&self, future: FutureObj<'static, ()>) -> Result<(), SpawnError> {
        self.try_spawn(future)
    }

    /// Checks whether the spawner accepts tasks, by spawning an empty one.
    ///
    /// # Errors
    ///
    /// The same as [`spawn_obj`](Spawn::spawn_obj).
    #[track_caller]
    fn status(&self) -> Result<(), SpawnError> {
        self.try_spawn(async {})
    }
}

/// A `futures::task::Spawn` as a [`Spawner`].
///
/// Code that takes a [`Spawner`] can run on `futures`' `ThreadPool`, and on every executor that implements
/// `Spawn`. Handles, aborts and caught panics come from this crate, and a task that panics does not take a
/// thread of the executor with it.
///
/// An executor that is not `Send` and `Sync`, such as `futures`' `LocalPool`, cannot be a spawner.
///
/// # `SpawnError`
///
/// If the executor returns a `SpawnError`, it has dropped the future, as any spawner does after its shutdown:
/// the join says [`is_shutdown`](crate::JoinError::is_shutdown), and a detached task is dropped silently, since
/// [`Spawner::spawn`] cannot fail. A shutdown is the only reason that `SpawnError` can report.
///
/// # Shutting down a `ThreadPool`
///
/// Each task of a `ThreadPool` keeps its pool alive: the threads end once the last handle to the pool is
/// dropped and the last task has ended. Abort tasks that would wait for ever, or spawn through a
/// [`TaskGroup`](crate::TaskGroup) and shut that down.
///
/// # Cost
///
/// A task costs the same as on any other spawner that this crate does not know.
///
/// # Examples
///
/// ```
/// use async_runtime_compat::futures::FuturesSpawner;
/// use async_runtime_compat::prelude::*;
/// use futures::executor::{ThreadPool, block_on};
///
/// /// Names no runtime.
/// async fn sum(spawner: &dyn Spawner) -> Result<u32, JoinError> {
///     spawner.spawn_with_handle(async { 1 + 2 }).await
/// }
///
/// let pool = ThreadPool::new()?;
/// assert_eq!(block_on(sum(&FuturesSpawner::new(pool)))?, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FuturesSpawner<S> {
    spawn: S,
}

impl<S: Spawn + Send + Sync> FuturesSpawner<S> {
    /// Wraps an executor: a `ThreadPool`, or an `Arc<dyn Spawn + Send + Sync>`.
    pub fn new(spawn: S) -> FuturesSpawner<S> {
        FuturesSpawner { spawn }
    }

    /// Returns the executor.
    pub fn into_inner(self) -> S {
        self.spawn
    }
}

impl<S: Spawn + Send + Sync> Spawner for FuturesSpawner<S> {
    #[track_caller]
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.spawn_with(SpawnMeta::new(), future);
    }

    fn spawn_with(&self, meta: SpawnMeta<'_>, future: BoxFuture<'static, ()>) {
        let future = if meta.is_contained(&*future) {
            FutureObj::new(future)
        } else {
            // The threads of a `ThreadPool` end when a task panics.
            FutureObj::new(Box::new(Quiet::new(future)))
        };
        // The error says that the future was dropped, which its join says as well.
        let _ = self.spawn.spawn_obj(future);
    }
}
