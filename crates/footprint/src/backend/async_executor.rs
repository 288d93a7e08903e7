//! An executor of async-executor.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ::async_executor::{Executor as Native, Task};
use async_io::Timer;
use async_runtime_compat::async_executor::ExecutorSpawner;
use async_runtime_compat::prelude::*;
use futures_lite::future::block_on;

use super::Backend;
use crate::Count;

/// An executor that one thread drives.
#[derive(Default)]
pub(crate) struct Executor(Arc<Native<'static>>);

impl Backend for Executor {
    type Handle = Task<()>;

    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(ExecutorSpawner::new(self.0.clone()))
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> Task<()> {
        self.0.spawn(future)
    }

    fn spawn_detached(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(future).detach();
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output: Send> + Send + 'static {
        Timer::after(duration)
    }

    fn run<T>(&self, count: &Count, spawn: impl Fn() -> T) {
        block_on(self.0.run(count.fill(spawn)));
    }
}
