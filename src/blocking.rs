//! The typed methods of blocking pools, and a pool for spawners without one.

mod pool;

use std::borrow::Cow;
use std::panic::Location;

use crate::backend;
use crate::handle::JoinHandle;
use crate::meta::SpawnMeta;
use crate::seam::Blocking;

pub use pool::{BlockingPool, BlockingPoolBuilder};

/// Extension methods that run blocking work, for every [`Blocking`], including trait objects.
///
/// On the built-in backends they pass the unboxed function to the runtime's own pool, and need no channel. On
/// any other pool they cost one box and one shared cell for the result.
pub trait BlockingExt: Blocking {
    /// Runs a function on a thread where it may block, and returns a handle to await, abort or
    /// detach it.
    ///
    /// The handle has the same contract as a task's. Dropping it detaches: the function still runs. A panic in
    /// the function is caught, and the join says [`is_panic`](crate::JoinError::is_panic). On a pool that was
    /// shut down the function is dropped and the join says [`is_shutdown`](crate::JoinError::is_shutdown).
    ///
    /// # Aborting
    ///
    /// A function has no await at which it could stop. If it is aborted before it starts, it never runs, and is
    /// dropped when its turn comes in the pool. If it is aborted after that, it runs to its end, and its return
    /// value is dropped. In both cases the join waits, and says
    /// [`is_cancelled`](crate::JoinError::is_cancelled).
    ///
    /// # Concurrency
    ///
    /// The pool limits how many functions run at a time; the others wait in an unbounded queue. tokio runs 512
    /// threads, unless its builder is told otherwise. smol, async-std and async-executor share one pool for the
    /// whole process, with 500 threads, unless the environment variable `BLOCKING_MAX_THREADS` is set. For
    /// computations use a semaphore, or a pool with as many threads as cores.
    ///
    /// # Panics
    ///
    /// Panics where the runtime's pool does: tokio's does if it has no thread and the system refuses one.
    ///
    /// # Examples
    ///
    /// ```
    /// use async_runtime_compat::prelude::*;
    ///
    /// async fn hosts(blocking: &dyn Blocking) -> std::io::Result<String> {
    ///     let read = blocking.spawn_blocking(|| std::fs::read_to_string("/etc/hosts"));
    ///     read.await.map_err(std::io::Error::other)?
    /// }
    /// # futures_lite::future::block_on(hosts(&async_runtime_compat::BlockingPool::new())).ok();
    /// ```
    #[track_caller]
    fn spawn_blocking<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let location = Location::caller();
        let join = backend::spawn_blocking(self, SpawnMeta::of(None, location), f);
        JoinHandle::new(join, location)
    }

    /// Like [`spawn_blocking`](BlockingExt::spawn_blocking), with a name that appears in the
    /// [`JoinError`](crate::JoinError) if there is no output.
    ///
    /// # Panics
    ///
    /// The same as [`spawn_blocking`](BlockingExt::spawn_blocking).
    ///
    /// # Examples
    ///
    /// ```
    /// use async_runtime_compat::BlockingPool;
    /// use async_runtime_compat::prelude::*;
    ///
    /// let pool = BlockingPool::new();
    /// let job = pool.spawn_blocking_named("compact", || panic!("disk full"));
    /// # futures_lite::future::block_on(async {
    /// let error = job.await.map(|()| ()).unwrap_err();
    /// assert!(error.to_string().starts_with("task 'compact' spawned at"));
    /// # });
    /// ```
    #[track_caller]
    fn spawn_blocking_named<F, T>(&self, name: impl Into<Cow<'static, str>>, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let location = Location::caller();
        let name = name.into();
        let join = backend::spawn_blocking(self, SpawnMeta::of(Some(&name), location), f);
        JoinHandle::new(join.or_named(name), location)
    }
}

impl<B: Blocking + ?Sized> BlockingExt for B {}
