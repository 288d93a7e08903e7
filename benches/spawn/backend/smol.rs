//! smol's global executor.

#![expect(clippy::disallowed_methods, reason = "the native way is what is compared with")]

use std::future::Future;
use std::sync::Arc;

use async_runtime_compat::Spawner;
use async_runtime_compat::smol::SmolSpawner;
use smol::Task;

use super::Backend;
use crate::way::{CancelWay, JoinWay, Way};

/// smol.
#[derive(Clone)]
pub struct Smol;

impl Backend for Smol {
    type Native = Native;

    fn native(&self) -> Native {
        Native
    }

    fn spawner(&self) -> Arc<dyn Spawner> {
        Arc::new(SmolSpawner)
    }

    fn run<F>(&self, future: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        smol::block_on(smol::spawn(future))
    }
}

/// `smol::spawn`.
#[derive(Clone)]
pub struct Native;

impl Way for Native {
    #[inline]
    fn spawn_detached<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        smol::spawn(future).detach();
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
        smol::spawn(future)
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
