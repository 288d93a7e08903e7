//! tokio.

#![expect(clippy::disallowed_methods, reason = "the native way is what is compared with")]

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ::tokio::runtime::{Builder, Runtime as Tokio};
use ::tokio::task::JoinHandle;
use async_runtime_compat::prelude::*;
use async_runtime_compat::tokio::TokioSpawner;

use super::Backend;
use crate::Count;

/// A runtime with one thread.
pub(crate) struct CurrentThread(Tokio);

impl CurrentThread {
    /// A runtime that can keep time.
    pub(crate) fn new() -> CurrentThread {
        CurrentThread(
            Builder::new_current_thread()
                .enable_time()
                .build()
                .expect("it has no parts that can fail"),
        )
    }
}

impl Backend for CurrentThread {
    type Handle = JoinHandle<()>;

    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(TokioSpawner::new(self.0.handle().clone()))
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        ::tokio::spawn(future)
    }

    fn spawn_detached(&self, future: impl Future<Output = ()> + Send + 'static) {
        ::tokio::spawn(future);
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output: Send> + Send + 'static {
        ::tokio::time::sleep(duration)
    }

    fn run<T>(&self, count: &Count, spawn: impl Fn() -> T) {
        self.0.block_on(count.fill(spawn));
    }
}
