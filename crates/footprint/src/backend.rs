//! The runtimes, as they are.

#[cfg(feature = "async-executor")]
pub(crate) mod async_executor;
#[cfg(feature = "async-std")]
pub(crate) mod async_std;
#[cfg(feature = "smol")]
pub(crate) mod smol;
#[cfg(feature = "tokio")]
pub(crate) mod tokio;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::prelude::*;

use crate::Count;

/// A runtime.
pub(crate) trait Backend {
    /// Its own handle.
    type Handle;

    /// This crate's adapter.
    fn runtime(&self) -> Arc<dyn Runtime>;
    /// Spawns a task, and gives its own handle.
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> Self::Handle;
    /// Spawns a task with nobody to wait for it.
    fn spawn_detached(&self, future: impl Future<Output = ()> + Send + 'static);
    /// Its own sleep.
    fn sleep(&self, duration: Duration) -> impl Future<Output: Send> + Send + 'static;
    /// Runs until there are as many tasks as there are to be.
    fn run<T>(&self, count: &Count, spawn: impl Fn() -> T);
}
