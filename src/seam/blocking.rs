//! The trait of pools for blocking work.

use std::sync::Arc;

use super::native::NativeBlocking;
use crate::meta::SpawnMeta;

/// A function on the heap that may be sent to another thread, to be called there.
pub type BoxJob = Box<dyn FnOnce() + Send>;

/// Something that runs functions on threads where they may block.
///
/// A task must not block the thread that it is polled on: nothing else runs there meanwhile. Code
/// that reads files, waits for a lock, or computes for long goes to such a pool, through the
/// methods of [`BlockingExt`](crate::BlockingExt).
///
/// Every built-in backend is one, with the pool of its runtime. [`BlockingPool`](crate::BlockingPool) is one of this
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
    /// This is the object-safe core. Callers mostly want the typed methods of [`BlockingExt`](crate::BlockingExt),
    /// which cost less on the built-in backends and give a handle.
    fn execute(&self, job: BoxJob);

    /// Starts a job and forgets it, with its name and the location of the call.
    ///
    /// The typed methods of [`BlockingExt`](crate::BlockingExt) call this on every pool that this crate does not know.
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
