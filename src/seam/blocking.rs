//! The trait of pools for blocking work.

use std::sync::Arc;

use super::native::NativeBlocking;
use crate::meta::SpawnMeta;

/// A function on the heap that may be sent to another thread, to be called there.
pub type BoxJob = Box<dyn FnOnce() + Send>;

/// A pool of threads for functions that may block.
///
/// A task must not block the thread that polls it, since no other task can run there meanwhile. Run code that
/// reads files, waits for a lock, or computes for long on such a pool, with the methods of
/// [`BlockingExt`](crate::BlockingExt).
///
/// Every built-in backend implements this trait, with its runtime's own pool.
/// [`BlockingPool`](crate::BlockingPool) is a pool for spawners without one. For a pool of your own, implement
/// the one required method.
///
/// # Contract
///
/// `execute` returns without running the job and without waiting for a free thread, and may be called on any
/// thread. The job is then run once, on a thread that polls no tasks, or dropped when the pool is shut down; it
/// is never leaked. A job that panics does not affect other jobs. The suite in the crate
/// `async-runtime-compat-conformance` checks this.
///
/// # Examples
///
/// ```
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::BoxJob;
///
/// /// Runs each job on a thread of its own.
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
    label = "has no threads for blocking work",
    note = "all built-in backends are; to add a pool to a spawner without one, use `with_blocking(spawner, BlockingPool::new())`"
)]
pub trait Blocking: Send + Sync {
    /// Starts a job and detaches it.
    ///
    /// This is the object-safe core. Most callers use the typed methods of
    /// [`BlockingExt`](crate::BlockingExt), which cost less on the built-in backends and return a handle.
    fn execute(&self, job: BoxJob);

    /// Starts a job and detaches it, with its name and the location of the call.
    ///
    /// The typed methods of [`BlockingExt`](crate::BlockingExt) call this on every pool that this crate does
    /// not know. The default ignores the metadata and calls [`execute`](Blocking::execute). Override it to use
    /// the name and the location, or to pass them on in a pool that wraps another one.
    fn execute_with(&self, meta: SpawnMeta<'_>, job: BoxJob) {
        let _ = meta;
        self.execute(job);
    }

    /// Tells the typed methods which built-in pool this is, so that they can run on it without a box.
    ///
    /// Do not implement it: the default is right for every pool outside this crate.
    #[doc(hidden)]
    fn native_blocking(&self) -> NativeBlocking<'_> {
        NativeBlocking::opaque()
    }
}

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
