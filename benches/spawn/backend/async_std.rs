//! async-std's global executor.

#![expect(clippy::disallowed_methods, reason = "the native way is what is compared with")]

use std::future::Future;
use std::sync::Arc;

use async_runtime_compat::Spawner;
use async_runtime_compat::async_std::AsyncStdSpawner;
use async_std::task::{self, JoinHandle};

use super::Backend;
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
        Arc::new(AsyncStdSpawner)
    }

    fn run<F>(&self, future: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        task::block_on(task::spawn(future))
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
