//! Work that blocks its thread, and where to put it.

mod pool;

use std::borrow::Cow;
use std::panic::Location;
use std::sync::Arc;

use crate::backend::{self, NativeBlocking};
use crate::handle::JoinHandle;
use crate::meta::SpawnMeta;

pub use pool::{BlockingPool, BlockingPoolBuilder};

/// A function on the heap that may be sent to another thread, to be called there.
pub type BoxJob = Box<dyn FnOnce() + Send>;

/// Something that runs functions on threads where they may block.
///
/// A task must not block the thread that it is polled on: nothing else runs there meanwhile. Code
/// that reads files, waits for a lock, or computes for long goes to such a pool, through the
/// methods of [`BlockingExt`].
///
/// Every built-in backend is one, with the pool of its runtime. [`BlockingPool`] is one of this
/// crate's own, for spawners that have none. Implement this trait, with its one required method,
/// for a pool of your own.
///
/// # What an implementation promises
///
/// `execute` returns without running the job and without waiting for room, from any thread. The
/// job is then run, once, on a thread that no task is polled on, or dropped when the pool is shut
/// down; in particular it is never leaked. A job that panics takes no other job with it. The suite
/// in the crate `async-runtime-compat-conformance` checks this.
///
/// # Examples
///
/// ```
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::BoxJob;
///
/// /// A thread for each job.
/// struct Threads;
///
/// impl Blocking for Threads {
///     fn execute(&self, job: BoxJob) {
///         std::thread::spawn(job);
///     }
/// }
///
/// let sum = Threads.spawn_blocking(|| 1 + 2);
/// assert_eq!(futures_lite::future::block_on(sum)?, 3);
/// # Ok::<(), JoinError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not `Blocking`",
    label = "has no threads for work that blocks",
    note = "every built-in backend is; to add a pool to a spawner without one, use `with_blocking(spawner, BlockingPool::new())`"
)]
pub trait Blocking: Send + Sync {
    /// Starts a job and forgets it.
    ///
    /// This is the object-safe core. Callers mostly want the typed methods of [`BlockingExt`],
    /// which cost less on the built-in backends and give a handle.
    fn execute(&self, job: BoxJob);

    /// Starts a job and forgets it, with its name and the location of the call.
    ///
    /// The typed methods of [`BlockingExt`] call this on every pool that this crate does not know.
    /// The default forgets the metadata and calls [`execute`](Blocking::execute). Override it to use
    /// the name and the location, or, in a pool around another one, to pass them on.
    fn execute_with(&self, meta: SpawnMeta<'_>, job: BoxJob) {
        let _ = meta;
        self.execute(job);
    }

    /// Which built-in pool this is, so that the typed methods can reach it without a box.
    ///
    /// Not for implementing: the default is right for every pool outside of this crate.
    #[doc(hidden)]
    fn native_blocking(&self) -> NativeBlocking<'_> {
        NativeBlocking::opaque()
    }
}

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

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<B: Blocking + ?Sized> Blocking for $pointer {
            fn execute(&self, job: BoxJob) {
                (**self).execute(job);
            }

            fn execute_with(&self, meta: SpawnMeta<'_>, job: BoxJob) {
                (**self).execute_with(meta, job);
            }

            #[inline]
            fn native_blocking(&self) -> NativeBlocking<'_> {
                (**self).native_blocking()
            }
        }
    )*};
}

forward!(&B, &mut B, Box<B>, Arc<B>);
