//! A decorated spawner, with its timer and its pool.

use std::sync::{Arc, OnceLock};

use crate::backend;
use crate::layer::{Layer, Layers};
use crate::meta::SpawnMeta;
use crate::seam::{Blocking, BoxFuture, BoxJob, NativeBlocking, Spawner};

/// A decorated spawner, with the layer of one more decorator.
pub(crate) struct Decorated<S> {
    inner: Arc<S>,
    spawner: Layers<dyn Spawner>,
    /// The layer for blocking work.
    job: Option<Layer>,
    /// Built on first use: only then is `S` known to be `Blocking`.
    blocking: OnceLock<Layers<dyn Blocking>>,
}

impl<S: Spawner + 'static> Decorated<S> {
    pub(crate) fn new(inner: S, task: Layer, job: Option<Layer>) -> Arc<Decorated<S>> {
        let inner = Arc::new(inner);
        let spawner = backend::around_spawner(inner.clone(), task);
        Arc::new(Decorated { inner, spawner, job, blocking: OnceLock::new() })
    }
}

impl<S> Decorated<S> {
    pub(crate) fn inner(&self) -> &S {
        &self.inner
    }

    pub(crate) fn spawner(&self) -> &Layers<dyn Spawner> {
        &self.spawner
    }

    pub(crate) fn spawn(&self, meta: SpawnMeta<'_>, future: BoxFuture<'static, ()>) {
        backend::spawn_layered(&self.spawner, meta, future);
    }
}

impl<S: Blocking + 'static> Decorated<S> {
    fn blocking(&self) -> Option<&Layers<dyn Blocking>> {
        let hook = self.job.as_ref()?;
        let make = || backend::around_blocking(self.inner.clone(), hook.clone());
        Some(self.blocking.get_or_init(make))
    }

    pub(crate) fn execute(&self, meta: SpawnMeta<'_>, job: BoxJob) {
        match self.blocking() {
            Some(layers) => backend::execute_layered(layers, meta, job),
            None => self.inner.execute_with(meta, job),
        }
    }

    pub(crate) fn native_blocking(&self) -> NativeBlocking<'_> {
        match self.blocking() {
            Some(layers) => NativeBlocking::layered(layers),
            None => self.inner.native_blocking(),
        }
    }
}

/// Implements the traits of the decorated spawner for a decorator whose field `decorated` is a [`Decorated`].
macro_rules! decorator {
    ($decorator:ident) => {
        impl<S: $crate::Spawner> $crate::Spawner for $decorator<S> {
            #[track_caller]
            fn spawn(&self, future: $crate::BoxFuture<'static, ()>) {
                self.decorated.spawn($crate::SpawnMeta::new(), future);
            }

            fn spawn_with(
                &self,
                meta: $crate::SpawnMeta<'_>,
                future: $crate::BoxFuture<'static, ()>,
            ) {
                self.decorated.spawn(meta, future);
            }

            #[inline]
            fn native(&self) -> $crate::Native<'_> {
                $crate::Native::layered(self.decorated.spawner())
            }
        }

        impl<S: $crate::Timer> $crate::Timer for $decorator<S> {
            fn now(&self) -> std::time::Instant {
                self.decorated.inner().now()
            }

            fn system_time(&self) -> std::time::SystemTime {
                self.decorated.inner().system_time()
            }

            fn sleep(&self, duration: std::time::Duration) -> $crate::Sleep {
                self.decorated.inner().sleep(duration)
            }

            #[inline]
            fn native_timer(&self) -> $crate::Native<'_> {
                self.decorated.inner().native_timer()
            }
        }

        impl<S: $crate::Blocking + 'static> $crate::Blocking for $decorator<S> {
            #[track_caller]
            fn execute(&self, job: $crate::BoxJob) {
                self.decorated.execute($crate::SpawnMeta::new(), job);
            }

            fn execute_with(&self, meta: $crate::SpawnMeta<'_>, job: $crate::BoxJob) {
                self.decorated.execute(meta, job);
            }

            #[inline]
            fn native_blocking(&self) -> $crate::NativeBlocking<'_> {
                self.decorated.native_blocking()
            }
        }
    };
}
pub(crate) use decorator;
