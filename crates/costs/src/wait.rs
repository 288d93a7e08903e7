//! Ways to wait, for time to pass and for what blocks: what is compared.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::prelude::*;

/// A way to wait for time to pass.
///
/// What the futures give is left to the way, so that nothing of the works' stands in between.
pub trait TimeWay: Clone + Send + Sync + 'static {
    /// Waits until the duration has passed.
    fn sleep(&self, duration: Duration) -> impl Future<Output: Send> + Send + 'static;

    /// Gives the future a time limit.
    fn timeout<F>(
        &self,
        duration: Duration,
        future: F,
    ) -> impl Future<Output: Send> + Send + 'static
    where
        F: Future<Output: Send> + Send + 'static;
}

/// A way to run what blocks.
pub trait BlockWay: Clone + Send + Sync + 'static {
    /// Runs the function where it may block, and waits for it.
    fn block<T: Send + 'static>(
        &self,
        f: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output: Send> + Send + 'static;
}

/// The methods of [`TimerExt`] on a trait object.
#[derive(Clone)]
pub struct TypedTimer(pub Arc<dyn Timer>);

impl TimeWay for TypedTimer {
    #[inline]
    fn sleep(&self, duration: Duration) -> impl Future<Output: Send> + Send + 'static {
        self.0.sleep(duration)
    }

    #[inline]
    fn timeout<F>(
        &self,
        duration: Duration,
        future: F,
    ) -> impl Future<Output: Send> + Send + 'static
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.0.timeout(duration, future)
    }
}

/// The methods of [`BlockingExt`] on a trait object.
#[derive(Clone)]
pub struct TypedPool(pub Arc<dyn Blocking>);

impl BlockWay for TypedPool {
    #[inline]
    fn block<T: Send + 'static>(
        &self,
        f: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output: Send> + Send + 'static {
        self.0.spawn_blocking(f)
    }
}
