//! The typed methods of pools for blocking work, and a pool for spawners that have none.

mod pool;

use std::borrow::Cow;
use std::panic::Location;

use crate::backend;
use crate::handle::JoinHandle;
use crate::meta::SpawnMeta;
use crate::seam::Blocking;

pub use pool::{BlockingPool, BlockingPoolBuilder};

/// The methods that code with work that blocks calls, on every [`Blocking`], trait objects
/// included.
///
/// On the built-in backends they reach the runtime's own pool with the function as it is: no box
/// and no channel. On any other pool they cost one box and one shared cell for the result.
pub trait BlockingExt: Blocking {
    /// Runs a function on a thread where it may block, and returns a handle to await, abort or
    /// detach it.
    ///
    /// The handle is that of a task, with the same contract. Dropping it detaches: the function is
    /// still run. A panic in the function is caught, and the join says
    /// [`is_panic`](crate::JoinError::is_panic). On a pool that was shut down the function is
    /// dropped and the join says [`is_shutdown`](crate::JoinError::is_shutdown).
    ///
    /// # Aborting
    ///
    /// A function has no await at which it could stop. One that has not started when it is aborted
    /// never runs; it is dropped when the pool comes to it. One that has started runs to its end.
    /// In both cases the join waits for that, and says
    /// [`is_cancelled`](crate::JoinError::is_cancelled); what the function returned is dropped.
    ///
    /// # How many run at a time
    ///
    /// That is up to the pool; what does not fit waits in a queue without a bound. tokio has 512
    /// threads unless its builder says otherwise. smol, async-std and async-executor share one pool
    /// for the whole process, with 500 threads unless the environment variable
    /// `BLOCKING_MAX_THREADS` says otherwise. For computations take a semaphore, or a pool with as
    /// many threads as cores.
    ///
    /// # Panics
    ///
    /// Where the runtime's pool does: tokio's if it has no thread and the system refuses one.
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

    /// Like [`spawn_blocking`](BlockingExt::spawn_blocking), with a name that stands in the
    /// [`JoinError`](crate::JoinError) if there is no output.
    ///
    /// # Panics
    ///
    /// As [`spawn_blocking`](BlockingExt::spawn_blocking).
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
