//! An async-executor that the calling thread drives.

use std::future::Future;
use std::sync::Arc;

use async_executor::{Executor, Task};
use async_runtime_compat::Spawner;
use async_runtime_compat::async_executor::ExecutorSpawner;
use futures_lite::future;

use super::Backend;
use crate::way::{CancelWay, JoinWay, Way};

/// An async-executor.
#[derive(Clone, Default)]
pub struct AsyncExecutor(Arc<Executor<'static>>);

impl Backend for AsyncExecutor {
    type Native = Native;

    fn native(&self) -> Native {
        Native(self.0.clone())
    }

    fn spawner(&self) -> Arc<dyn Spawner> {
        Arc::new(ExecutorSpawner::new(self.0.clone()))
    }

    fn run<F>(&self, future: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        future::block_on(self.0.run(self.0.spawn(future)))
    }
}

/// [`Executor::spawn`].
#[derive(Clone)]
pub struct Native(Arc<Executor<'static>>);

impl Way for Native {
    #[inline]
    fn spawn_detached<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.0.spawn(future).detach();
    }
}

impl JoinWay for Native {
    type Handle<T: Send + 'static> = Task<T>;
    type End<T: Send + 'static> = T;

    #[inline]
    fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.spawn(future)
    }

    #[inline]
    fn output<T: Send + 'static>(end: T) -> T {
        end
    }
}

impl CancelWay for Native {
    #[inline]
    fn cancel<T: Send + 'static>(
        handle: Task<T>,
    ) -> impl Future<Output = Option<T>> + Send + 'static {
        handle.cancel()
    }
}
