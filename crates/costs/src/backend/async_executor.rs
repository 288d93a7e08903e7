//! An async-executor that the calling thread drives.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_executor::{Executor, Task};
use async_io::Timer;
use async_runtime_compat::async_executor::ExecutorSpawner;
use async_runtime_compat::{Runtime, Spawner};
use blocking::unblock;
use futures_lite::future;

use super::{Backend, FullBackend};
use crate::padded::{Padded, padding};
use crate::wait::{BlockWay, TimeWay};
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
        self.runtime()
    }

    fn run<F>(&self, future: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        future::block_on(self.0.run(self.0.spawn(future)))
    }
}

impl FullBackend for AsyncExecutor {
    type Padded = Padded<Native, { padding::<Task<()>>() }>;
    type Timer = NativeTimer;

    fn timer(&self) -> NativeTimer {
        NativeTimer
    }

    fn padded(&self) -> Self::Padded {
        Padded(self.native())
    }

    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(ExecutorSpawner::new(self.0.clone()))
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

/// async-io's timer.
#[derive(Clone)]
pub struct NativeTimer;

impl TimeWay for NativeTimer {
    #[inline]
    fn sleep(&self, duration: Duration) -> impl Future<Output: Send> + Send + 'static {
        Timer::after(duration)
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
        // smol has no function for it. The limit runs from here, as it does everywhere else.
        let timer = Timer::after(duration);
        let late = async move {
            timer.await;
            None
        };
        future::or(async move { Some(future.await) }, late)
    }
}

impl BlockWay for Native {
    #[inline]
    fn block<T: Send + 'static>(
        &self,
        f: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output: Send> + Send + 'static {
        unblock(f)
    }
}
