//! smol's global executor.

#![expect(clippy::disallowed_methods, reason = "the native way is what is compared with")]

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::smol::SmolSpawner;
use async_runtime_compat::{Runtime, Spawner};
use smol::{Task, Timer, future};

use super::{Backend, FullBackend};
use crate::padded::{Padded, padding};
use crate::wait::{BlockWay, TimeWay};
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
        self.runtime()
    }

    fn run<F>(&self, future: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        smol::block_on(smol::spawn(future))
    }
}

impl FullBackend for Smol {
    type Padded = Padded<Native, { padding::<Task<()>>() }>;
    type Timer = NativeTimer;

    fn timer(&self) -> NativeTimer {
        NativeTimer
    }

    fn padded(&self) -> Self::Padded {
        Padded(self.native())
    }

    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(SmolSpawner)
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

/// [`smol::Timer`].
#[derive(Clone)]
pub struct NativeTimer;

impl TimeWay for NativeTimer {
    #[inline]
    fn sleep(&self, duration: Duration) -> impl Future<Output: Send> + Send + 'static {
        Timer::after(duration)
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
        // smol has no function for it. The limit runs from here, as it does everywhere else.
        let timer = Timer::after(duration);
        let late = async move {
            timer.await;
            None
        };
        future::or(async move { Some(future.await) }, late)
    }
}

impl BlockWay for Native {
    #[inline]
    fn block<T: Send + 'static>(
        &self,
        f: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output: Send> + Send + 'static {
        smol::unblock(f)
    }
}
