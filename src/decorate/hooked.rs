//! A spawner with a hook of somebody else's.

use std::fmt;
use std::sync::Arc;

use super::{Decorated, decorator};
use crate::layer::{Layer, SpawnHook};
use crate::seam::Spawner;

/// A spawner, or a whole runtime, whose tasks a [`SpawnHook`] is asked about.
///
/// It has the timer of the spawner that it decorates, and its pool for blocking work, whose jobs the
/// hook is asked about, too. A built-in backend is reached as directly as without it, and nothing
/// is boxed, unless the future has more than 16 KiB. Clones share the hook.
///
/// Dropping it does nothing to the tasks.
///
/// # Examples
///
/// See [the module](crate::hook).
pub struct Hooked<S> {
    decorated: Arc<Decorated<S>>,
}

decorator!(Hooked);

impl<S: Spawner + 'static> Hooked<S> {
    /// Puts the hook around the spawner.
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
