//! smol.

#![expect(clippy::disallowed_methods, reason = "the native way is what is compared with")]

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ::smol::{Task, Timer};
use async_runtime_compat::prelude::*;
use async_runtime_compat::smol::SmolSpawner;

use super::Backend;
use crate::Count;

/// The global executor.
pub(crate) struct Smol;

impl Backend for Smol {
    type Handle = Task<()>;

    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(SmolSpawner)
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> Task<()> {
        ::smol::spawn(future)
    }

    fn spawn_detached(&self, future: impl Future<Output = ()> + Send + 'static) {
        ::smol::spawn(future).detach();
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output: Send> + Send + 'static {
        Timer::after(duration)
    }

    fn run<T>(&self, count: &Count, spawn: impl Fn() -> T) {
        ::smol::block_on(count.fill(spawn));
    }
}
