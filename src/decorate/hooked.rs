//! A spawner with a user's hook.

use std::fmt;
use std::sync::Arc;

use super::{Decorated, decorator};
use crate::layer::{Layer, SpawnHook};
use crate::seam::Spawner;

/// A spawner, or a whole runtime, that calls a [`SpawnHook`] for each task.
///
/// It uses the timer of the decorated spawner, and its blocking pool, for whose jobs the hook is called as well.
/// A built-in backend is called as directly as without it, and nothing is boxed, unless the future is larger than
/// 16 KiB. Clones share the hook.
///
/// Dropping it does not affect the tasks.
///
/// # Examples
///
/// See [the module](crate::hook).
pub struct Hooked<S> {
    decorated: Arc<Decorated<S>>,
}

decorator!(Hooked);

impl<S: Spawner + 'static> Hooked<S> {
    /// Wraps a spawner with a hook.
    pub fn new(spawner: S, hook: impl SpawnHook) -> Hooked<S> {
        let layer = Layer::Hook(Arc::new(hook));
        Hooked { decorated: Decorated::new(spawner, layer.clone(), Some(layer)) }
    }
}

impl<S> Clone for Hooked<S> {
    fn clone(&self) -> Hooked<S> {
        Hooked { decorated: self.decorated.clone() }
    }
}

impl<S> fmt::Debug for Hooked<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooked").finish_non_exhaustive()
    }
}
