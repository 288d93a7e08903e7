//! Ways to wait, for time to pass and for what blocks: what is compared.

use std::future::Future;
use std::marker::PhantomData;
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

/// The methods of [`TimerExt`] on a trait object. `In` is as for [`Typed`](crate::way::Typed).
pub struct TypedTimer<In>(Arc<dyn Timer>, PhantomData<fn() -> In>);

impl<In> TypedTimer<In> {
    /// The methods on this object.
    #[must_use]
    pub fn new(object: Arc<dyn Timer>) -> TypedTimer<In> {
        TypedTimer(object, PhantomData)
    }
}

impl<In> Clone for TypedTimer<In> {
    fn clone(&self) -> TypedTimer<In> {
        TypedTimer::new(self.0.clone())
    }
}

impl<In: 'static> TimeWay for TypedTimer<In> {
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

/// The methods of [`BlockingExt`] on a trait object. `In` is as for [`Typed`](crate::way::Typed).
pub struct TypedPool<In>(Arc<dyn Blocking>, PhantomData<fn() -> In>);

impl<In> TypedPool<In> {
    /// The methods on this object.
    #[must_use]
    pub fn new(object: Arc<dyn Blocking>) -> TypedPool<In> {
        TypedPool(object, PhantomData)
    }
}

impl<In> Clone for TypedPool<In> {
    fn clone(&self) -> TypedPool<In> {
        TypedPool::new(self.0.clone())
    }
}

impl<In: 'static> BlockWay for TypedPool<In> {
    #[inline]
    fn block<T: Send + 'static>(
        &self,
        f: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output: Send> + Send + 'static {
        self.0.spawn_blocking(f)
    }
}
