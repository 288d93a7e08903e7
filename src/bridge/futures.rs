//! `futures`' own trait for spawning, in both directions.
//!
//! | what is there                                            | what is needed                | the bridge         |
//! |----------------------------------------------------------|-------------------------------|--------------------|
//! | a [`Spawner`]                                            | `futures::task::Spawn`        | [`FuturesSpawn`]   |
//! | a `futures::task::Spawn`, as `futures`' `ThreadPool` is  | a [`Spawner`]                 | [`FuturesSpawner`] |
//!
//! The trait is that of `futures-task`, which `futures` re-exports; the feature adds nothing but that
//! crate to a build. `SpawnExt` is in `futures`, with its methods `spawn` and `spawn_with_handle`.

use std::task::{Context, Poll, Waker};

use futures_task::{FutureObj, Spawn, SpawnError};

use crate::backend::Quiet;
use crate::contain::discard;
use crate::meta::SpawnMeta;
use crate::seam::{BoxFuture, Spawner};
use crate::spawner::SpawnerExt;

/// A [`Spawner`] as a `futures::task::Spawn`.
///
/// So it has the methods of `futures::task::SpawnExt`, and goes into every function that takes an
/// `impl Spawn` or an `Arc<dyn Spawn>`.
///
/// The handle that `SpawnExt::spawn_with_handle` gives is that of `futures`, with its own rules:
/// dropping it cancels the task, `forget` detaches it, and a panic of the task unwinds into whoever
/// awaits it. A task whose runtime is shut down makes its awaiter panic, as a task that panicked does.
/// [`SpawnerExt`] has the handle with the rules of this crate.
///
/// # What it costs
///
/// What `Spawn` takes is in a box. With it a task costs what it does on the spawner, and one poll of
/// its handle.
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
    /// Puts `futures`' trait around a spawner: an `Arc<dyn Spawner>`, a reference, or the spawner.
    pub fn new(spawner: S) -> FuturesSpawn<S> {
        FuturesSpawn { spawner }
    }

    /// The spawner.
    pub fn into_inner(self) -> S {
        self.spawner
    }

    /// Spawns, and finds out whether the task was refused.
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
                // It may hold the payload of a panic, whose destructor is the user's.
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
    /// [`TaskGroup`](crate::TaskGroup) closed: where a join would say
    /// [`is_shutdown`](crate::JoinError::is_shutdown). The future has been dropped then.
    #[track_caller]
    fn spawn_obj(&self, future: FutureObj<'static, ()>) -> Result<(), SpawnError> {
        self.try_spawn(future)
    }

    /// Whether the spawner takes tasks. No spawner can be asked, so this spawns a task that does
    /// nothing.
    ///
    /// # Errors
    ///
    /// As [`spawn_obj`](Spawn::spawn_obj).
    #[track_caller]
    fn status(&self) -> Result<(), SpawnError> {
        self.try_spawn(async {})
    }
}

/// A `futures::task::Spawn` as a [`Spawner`].
///
/// So whatever takes a [`Spawner`] runs on it: `futures`' `ThreadPool`, and every executor with an
/// implementation of `Spawn`. Handles, aborts and caught panics come from this crate, and a task that
/// panics takes no thread of the executor with it.
///
/// An executor without `Send` and `Sync`, as `futures`' `LocalPool` is, cannot be a spawner.
///
/// # A `SpawnError`
///
/// The executor has dropped the future by then, which is what a shutdown looks like on every other
/// spawner: the join says [`is_shutdown`](crate::JoinError::is_shutdown), and a detached task is gone
/// without a word, as [`Spawner::spawn`] cannot fail. `SpawnError` knows no reason but the shutdown.
///
/// # Shutting down a `ThreadPool`
///
/// Each task of a `ThreadPool` keeps its pool alive: the threads end once the last handle to the pool is
/// dropped and the last task has ended. Abort those that would wait for ever, or spawn through a
/// [`TaskGroup`](crate::TaskGroup), and shut that down.
///
/// # What it costs
///
/// A task costs what it does on any spawner that this crate does not know.
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
    /// Makes a spawner of what `futures` can spawn on: a `ThreadPool`, an `Arc<dyn Spawn + Send + Sync>`.
    pub fn new(spawn: S) -> FuturesSpawner<S> {
        FuturesSpawner { spawn }
    }

    /// What it spawns on.
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
