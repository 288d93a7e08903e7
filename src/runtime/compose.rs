//! Assembling a runtime from parts.

use std::fmt;

use super::forward;
use crate::seam::Timer;
use crate::seam::{Blocking, Spawner};

/// Adds a timer to a spawner, or replaces its timer.
///
/// The result spawns on `inner`, runs blocking work on `inner` if that has a pool, and keeps time with `timer`.
/// Built-in parts are called as directly as without the wrapper. `SmolSpawner` (feature `smol`) is a timer that
/// needs no executor, and works with every spawner.
///
/// # Examples
///
/// Making a custom spawner a whole [`Runtime`](crate::Runtime):
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use std::sync::Arc;
///
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::smol::SmolSpawner;
/// use async_runtime_compat::{BlockingPool, FnSpawner, with_blocking, with_timer};
///
/// let threads = FnSpawner::new(|task| {
///     std::thread::spawn(|| futures_lite::future::block_on(task));
/// });
/// let threads = with_timer(threads, SmolSpawner);
/// let runtime: Arc<dyn Runtime> = Arc::new(with_blocking(threads, BlockingPool::new()));
/// # }
/// ```
pub fn with_timer<S: Spawner, T: Timer>(inner: S, timer: T) -> WithTimer<S, T> {
    WithTimer { inner, timer }
}

/// Adds a blocking pool to a spawner, or replaces its pool.
///
/// The result spawns on `inner`, keeps time with `inner` if that is a timer, and runs blocking work on
/// `blocking`. Built-in parts are called as directly as without the wrapper.
///
/// # Examples
///
/// tokio, with fewer blocking threads for one part of a program:
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::tokio::TokioSpawner;
/// use async_runtime_compat::{BlockingPool, NoRuntime, with_blocking};
///
/// fn for_imports() -> Result<impl Runtime, NoRuntime> {
///     let pool = BlockingPool::builder().max_threads(2).build();
///     Ok(with_blocking(TokioSpawner::current()?, pool))
/// }
/// # }
/// ```
pub fn with_blocking<S: Spawner, B: Blocking>(inner: S, blocking: B) -> WithBlocking<S, B> {
    WithBlocking { inner, blocking }
}

/// A spawner with another timer; returned by [`with_timer`].
#[derive(Clone, Copy)]
pub struct WithTimer<S, T> {
    inner: S,
    timer: T,
}

/// A spawner with another blocking pool; returned by [`with_blocking`].
#[derive(Clone, Copy)]
pub struct WithBlocking<S, B> {
    inner: S,
    blocking: B,
}

impl<S, T> fmt::Debug for WithTimer<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithTimer").finish_non_exhaustive()
    }
}

impl<S, B> fmt::Debug for WithBlocking<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithBlocking").finish_non_exhaustive()
    }
}

forward!(Spawner, inner: impl<S: Spawner, T: Timer> WithTimer<S, T>);
forward!(Blocking, inner: impl<S: Blocking, T: Timer> WithTimer<S, T>);
forward!(Timer, timer: impl<S: Spawner, T: Timer> WithTimer<S, T>);

forward!(Spawner, inner: impl<S: Spawner, B: Blocking> WithBlocking<S, B>);
forward!(Timer, inner: impl<S: Timer, B: Blocking> WithBlocking<S, B>);
forward!(Blocking, blocking: impl<S: Spawner, B: Blocking> WithBlocking<S, B>);
