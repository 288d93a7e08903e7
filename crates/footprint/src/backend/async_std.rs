//! async-std.

#![expect(clippy::disallowed_methods, reason = "the native way is what is compared with")]

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ::async_std::task::{self, JoinHandle};
use async_runtime_compat::async_std::AsyncStdSpawner;
use async_runtime_compat::prelude::*;

use super::Backend;
use crate::Count;

/// The global executor.
pub(crate) struct AsyncStd;

impl Backend for AsyncStd {
    type Handle = JoinHandle<()>;

    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(AsyncStdSpawner)
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        task::spawn(future)
    }

    fn spawn_detached(&self, future: impl Future<Output = ()> + Send + 'static) {
        task::spawn(future);
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output: Send> + Send + 'static {
        task::sleep(duration)
    }

    fn run<T>(&self, count: &Count, spawn: impl Fn() -> T) {
        task::block_on(count.fill(spawn));
    }
}
