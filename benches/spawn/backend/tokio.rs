//! tokio, with one worker or more, or on the calling thread.

use std::future::Future;
use std::sync::Arc;

use async_runtime_compat::Spawner;
use async_runtime_compat::tokio::TokioSpawner;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::{JoinError, JoinHandle};

use super::Backend;
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
        Tokio(Arc::new(builder.build().expect("a tokio runtime")))
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
        Arc::new(TokioSpawner::new(self.handle().clone()))
    }

    fn run<F>(&self, future: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.block_on(self.0.spawn(future)).expect("the work does not panic")
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
