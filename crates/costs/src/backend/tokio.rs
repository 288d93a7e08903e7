//! tokio, with one worker or more, or on the calling thread.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::tokio::TokioSpawner;
use async_runtime_compat::{Runtime as AnyRuntime, Spawner};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::{JoinError, JoinHandle};
use tokio::time;

use super::{Backend, FullBackend};
use crate::padded::{Padded, padding};
use crate::wait::{BlockWay, TimeWay};
use crate::way::{CancelWay, JoinWay, Way};

/// A tokio runtime.
#[derive(Clone)]
pub struct Tokio(Arc<Runtime>);

impl Tokio {
    /// A runtime that the calling thread drives.
    #[must_use]
    pub fn current_thread() -> Tokio {
        Tokio::new(&mut Builder::new_current_thread())
    }

    /// A runtime with so many worker threads.
    #[must_use]
    pub fn multi_thread(workers: usize) -> Tokio {
        Tokio::new(Builder::new_multi_thread().worker_threads(workers))
    }

    fn new(builder: &mut Builder) -> Tokio {
        Tokio(Arc::new(builder.enable_time().build().expect("a tokio runtime")))
    }

    /// The runtime's handle.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        self.0.handle()
    }
}

impl Backend for Tokio {
    type Native = Native;

    fn native(&self) -> Native {
        Native(self.handle().clone())
    }

    fn spawner(&self) -> Arc<dyn Spawner> {
        self.runtime()
    }

    fn run<F>(&self, future: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.block_on(self.0.spawn(future)).expect("the work does not panic")
    }
}

impl FullBackend for Tokio {
    type Padded = Padded<Native, { padding::<JoinHandle<()>>() }>;
    type Timer = NativeTimer;

    fn timer(&self) -> NativeTimer {
        NativeTimer
    }

    fn padded(&self) -> Self::Padded {
        Padded(self.native())
    }

    fn runtime(&self) -> Arc<dyn AnyRuntime> {
        Arc::new(TokioSpawner::new(self.handle().clone()))
    }
}

/// [`Handle::spawn`], which is cheaper than `tokio::spawn`: it need not look up its runtime.
#[derive(Clone)]
pub struct Native(Handle);

impl Way for Native {
    #[inline]
    fn spawn_detached<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(self.0.spawn(future));
    }
}

impl JoinWay for Native {
    type Handle<T: Send + 'static> = JoinHandle<T>;
    type End<T: Send + 'static> = Result<T, JoinError>;

    #[inline]
    fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.spawn(future)
    }

    #[inline]
    fn output<T: Send + 'static>(end: Result<T, JoinError>) -> T {
        end.expect("the tasks that are joined run to their end")
    }
}

impl CancelWay for Native {
    #[inline]
    async fn cancel<T: Send + 'static>(handle: JoinHandle<T>) -> Option<T> {
        handle.abort();
        handle.await.ok()
    }
}

/// `tokio::time`.
#[derive(Clone)]
pub struct NativeTimer;

impl TimeWay for NativeTimer {
    #[inline]
    fn sleep(&self, duration: Duration) -> impl Future<Output: Send> + Send + 'static {
        time::sleep(duration)
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
        time::timeout(duration, future)
    }
}

impl BlockWay for Native {
    #[inline]
    fn block<T: Send + 'static>(
        &self,
        f: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output: Send> + Send + 'static {
        self.0.spawn_blocking(f)
    }
}
