//! async-std's global executor.

#![expect(clippy::disallowed_methods, reason = "the native way is what is compared with")]

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::async_std::AsyncStdSpawner;
use async_runtime_compat::{Runtime, Spawner};
use async_std::future;
use async_std::task::{self, JoinHandle};

use super::{Backend, FullBackend};
use crate::padded::{Padded, padding};
use crate::wait::{BlockWay, TimeWay};
use crate::way::{CancelWay, JoinWay, Way};

/// async-std.
#[derive(Clone)]
pub struct AsyncStd;

impl Backend for AsyncStd {
    type Native = Native;

    fn native(&self) -> Native {
        Native
    }

    fn spawner(&self) -> Arc<dyn Spawner> {
        self.runtime()
    }

    fn run<F>(&self, future: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        task::block_on(task::spawn(future))
    }
}

impl FullBackend for AsyncStd {
    type Padded = Padded<Native, { padding::<JoinHandle<()>>() }>;
    type Timer = NativeTimer;

    fn timer(&self) -> NativeTimer {
        NativeTimer
    }

    fn padded(&self) -> Self::Padded {
        Padded(self.native())
    }

    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(AsyncStdSpawner)
    }
}

/// `async_std::task::spawn`.
#[derive(Clone)]
pub struct Native;

impl Way for Native {
    #[inline]
    fn spawn_detached<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(task::spawn(future));
    }
}

impl JoinWay for Native {
    type Handle<T: Send + 'static> = JoinHandle<T>;
    type End<T: Send + 'static> = T;

    #[inline]
    fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        task::spawn(future)
    }

    #[inline]
    fn output<T: Send + 'static>(end: T) -> T {
        end
    }
}

impl CancelWay for Native {
    #[inline]
    fn cancel<T: Send + 'static>(
        handle: JoinHandle<T>,
    ) -> impl Future<Output = Option<T>> + Send + 'static {
        handle.cancel()
    }
}

/// `async_std::task::sleep` and `async_std::future::timeout`.
#[derive(Clone)]
pub struct NativeTimer;

impl TimeWay for NativeTimer {
    #[inline]
    fn sleep(&self, duration: Duration) -> impl Future<Output: Send> + Send + 'static {
        task::sleep(duration)
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
        future::timeout(duration, future)
    }
}

impl BlockWay for Native {
    #[inline]
    fn block<T: Send + 'static>(
        &self,
        f: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output: Send> + Send + 'static {
        task::spawn_blocking(f)
    }
}
