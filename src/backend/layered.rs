//! Spawners and pools under layers.

use std::sync::Arc;

use super::{block, spawn};
use crate::cancel::CancelToken;
use crate::layer::{Layer, Layers, SpawnHook};
use crate::meta::SpawnMeta;
use crate::seam::{Blocking, BoxFuture, BoxJob, Native, NativeBlocking, Spawner};

pub(crate) use block::execute_layered;
pub(crate) use spawn::spawn_layered;

/// Puts a layer around a spawner.
pub(crate) fn around_spawner(decorated: Arc<dyn Spawner>, layer: Layer) -> Layers<dyn Spawner> {
    let decorator = decorated.clone();
    let inner = decorator.native();
    Layers::new(decorated, inner.layers(), layer, <dyn SpawnHook>::spawn)
}

/// Puts a layer around a pool for blocking work.
pub(crate) fn around_blocking(decorated: Arc<dyn Blocking>, layer: Layer) -> Layers<dyn Blocking> {
    let decorator = decorated.clone();
    let inner = decorator.native_blocking();
    Layers::new(decorated, inner.layers(), layer, <dyn SpawnHook>::spawn_blocking)
}

impl Spawner for Layers<dyn Spawner> {
    #[track_caller]
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.spawn_with(SpawnMeta::new(), future);
    }

    fn spawn_with(&self, meta: SpawnMeta<'_>, future: BoxFuture<'static, ()>) {
        spawn_layered(self, meta, future);
    }

    #[inline]
    fn native(&self) -> Native<'_> {
        Native::layered(self)
    }
}

impl Blocking for Layers<dyn Blocking> {
    #[track_caller]
    fn execute(&self, job: BoxJob) {
        self.execute_with(SpawnMeta::new(), job);
    }

    fn execute_with(&self, meta: SpawnMeta<'_>, job: BoxJob) {
        execute_layered(self, meta, job);
    }

    #[inline]
    fn native_blocking(&self) -> NativeBlocking<'_> {
        NativeBlocking::layered(self)
    }
}

/// The token of the innermost group that the spawner's tasks belong to.
pub(crate) fn token_of(spawner: &dyn Spawner) -> Option<&CancelToken> {
    spawner.native().layers()?.token()
}

#[cfg(all(test, not(model)))]
mod tests;
