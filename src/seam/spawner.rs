//! The trait that is injected.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::native::Native;
use crate::meta::SpawnMeta;

/// A future on the heap that may be sent to another thread.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An executor of futures: the part of a runtime that code which spawns tasks depends on.
///
/// Take an `Arc<dyn Spawner>` in a constructor, and call the methods of
/// [`SpawnerExt`](crate::SpawnerExt) on it. Implement this trait, with its one required method, to put an
/// executor of your own behind the same contract; [`FnSpawner`] implements it for a closure.
///
/// # Contract
///
/// `spawn` returns without running the future and without blocking, from any thread, inside or outside a
/// runtime. The future is then polled until it completes, or dropped when the executor shuts down; it is
/// never leaked. A future that panics does not affect other tasks. An executor must own its tasks, and not
/// leave that to their wakers, which would keep a waiting task alive after the shutdown.
///
/// The suite in the crate `async-runtime-compat-conformance` checks all of this;
/// [`docs::contract`](crate::docs::contract#a-spawner-of-your-own) has an example, and the mistakes that it
/// finds most often.
///
/// # Examples
///
/// ```
/// use async_runtime_compat::{BoxFuture, Spawner};
///
/// /// Runs each task on a thread of its own.
/// struct Threads;
///
/// impl Spawner for Threads {
///     fn spawn(&self, future: BoxFuture<'static, ()>) {
///         std::thread::spawn(move || futures_lite::future::block_on(future));
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Spawner`",
    label = "cannot spawn tasks",
    note = "enable a built-in spawner with a feature of `async-runtime-compat`: `tokio`, `smol`, `async-std`, `async-executor`",
    note = "for an executor of your own, implement `Spawner` or wrap a closure in `FnSpawner`"
)]
pub trait Spawner: Send + Sync {
    /// Starts a task and detaches it.
    ///
    /// This is the object-safe core. Most callers use the typed methods of
    /// [`SpawnerExt`](crate::SpawnerExt), which cost less on the built-in backends and return a handle.
    fn spawn(&self, future: BoxFuture<'static, ()>);

    /// Starts a task and detaches it, with its name and the location of the `spawn` call.
    ///
    /// The typed methods of [`SpawnerExt`](crate::SpawnerExt) call this on every spawner that this crate
    /// does not know. The default ignores the metadata and calls [`spawn`](Spawner::spawn). Override it to
    /// use the name and the location, or to pass them on in a spawner that wraps another one.
    fn spawn_with(&self, meta: SpawnMeta<'_>, future: BoxFuture<'static, ()>) {
        let _ = meta;
        self.spawn(future);
    }

    /// Tells the typed methods which built-in backend this is, so that they can spawn on it without a box.
    ///
    /// Do not implement it: the default is right for every spawner outside this crate.
    #[doc(hidden)]
    fn native(&self) -> Native<'_> {
        Native::opaque()
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<S: Spawner + ?Sized> Spawner for $pointer {
            #[inline]
            fn spawn(&self, future: BoxFuture<'static, ()>) {
                (**self).spawn(future);
            }

            #[inline]
            fn spawn_with(&self, meta: SpawnMeta<'_>, future: BoxFuture<'static, ()>) {
                (**self).spawn_with(meta, future);
            }

            #[inline]
            fn native(&self) -> Native<'_> {
                (**self).native()
            }
        }
    )*};
}

forward!(&S, &mut S, Box<S>, Arc<S>);

/// A closure as a [`Spawner`].
///
/// The closure gets each task as a boxed future. Without running it inline and without blocking, it must
/// arrange for the future to be polled to its end. This crate adds the rest of the contract: handles, aborts
/// and caught panics.
///
/// # Examples
///
/// A thread for each task:
///
/// ```
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::FnSpawner;
///
/// let spawner = FnSpawner::new(|task| {
///     std::thread::spawn(|| futures_lite::future::block_on(task));
/// });
///
/// let sum = spawner.spawn_with_handle(async { 1 + 2 });
/// assert_eq!(futures_lite::future::block_on(sum).unwrap(), 3);
/// ```
#[derive(Clone)]
pub struct FnSpawner<F>(F);

impl<F> FnSpawner<F>
where
    F: Fn(BoxFuture<'static, ()>) + Send + Sync,
{
    /// Wraps a closure.
    pub fn new(spawn: F) -> FnSpawner<F> {
        FnSpawner(spawn)
    }
}

impl<F> Spawner for FnSpawner<F>
where
    F: Fn(BoxFuture<'static, ()>) + Send + Sync,
{
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        (self.0)(future);
    }
}

impl<F> fmt::Debug for FnSpawner<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FnSpawner").finish_non_exhaustive()
    }
}
