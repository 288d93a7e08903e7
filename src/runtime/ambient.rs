//! Tasks that know their runtime.

use std::fmt;
use std::sync::{Arc, Weak};

use super::forward;
use crate::backend;
use crate::layer::{Layer, Layers, SpawnHook, Spawning, TaskHook};
use crate::seam::{Blocking, EnterGuard, Runtime, Spawner, enter_if_alive};

/// A runtime whose tasks find it with [`current`](crate::current).
///
/// It is meant for code that cannot be passed a runtime: the destructor of a type that other code constructs, a
/// callback, or a library that is still to be ported. It is the current runtime of every task that is spawned
/// through it, at any depth: while the task is polled, while its future is dropped, and in its blocking work.
///
/// Only tasks that are spawned through it pay for this: each poll sets and restores a thread-local variable, and
/// each task holds a reference to the runtime, as if it had been passed an `Arc<dyn Runtime>`. A built-in backend
/// is called as directly as without it, and nothing is boxed, unless the future is larger than 16 KiB.
///
/// Of several nested decorators, the outermost is current.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use std::sync::Arc;
///
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::tokio::TokioSpawner;
/// use async_runtime_compat::{Ambient, current};
///
/// /// Says goodbye, wherever it is dropped.
/// struct Session;
///
/// impl Drop for Session {
///     fn drop(&mut self) {
///         if let Ok(runtime) = current() {
///             runtime.spawn_detached(async { /* goodbye */ });
///         }
///     }
/// }
///
/// # let tokio = tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap();
/// # let handle = tokio.handle().clone();
/// let runtime: Arc<dyn Runtime> = Ambient::new(TokioSpawner::new(handle));
/// let session = runtime.spawn_with_handle(async { drop(Session) });
/// # tokio.block_on(session).unwrap();
/// # }
/// ```
pub struct Ambient {
    runtime: Arc<dyn Runtime>,
    spawner: Layers<dyn Spawner>,
    blocking: Layers<dyn Blocking>,
    this: Weak<Ambient>,
}

impl Ambient {
    /// Wraps a runtime.
    ///
    /// Wrap the program's runtime once, in `main`, and pass on the result. A task that is spawned on the inner
    /// runtime directly does not find it.
    #[must_use]
    pub fn new(runtime: impl Runtime + 'static) -> Arc<Ambient> {
        let runtime: Arc<dyn Runtime> = Arc::new(runtime);
        Arc::new_cyclic(|this: &Weak<Ambient>| Ambient {
            spawner: backend::around_spawner(runtime.clone(), layer(this)),
            blocking: backend::around_blocking(runtime.clone(), layer(this)),
            runtime,
            this: this.clone(),
        })
    }

    /// Calls a function in which this is the [`current`](crate::current) runtime, on this thread.
    ///
    /// This is for code that is not spawned: `ambient.in_scope(|| block_on(run()))` in `main`. It ends with the
    /// function, and does not extend to a future that the function returns.
    ///
    /// # Panics
    ///
    /// Panics if the function does.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use async_runtime_compat::smol::SmolSpawner;
    /// use async_runtime_compat::{Ambient, current};
    ///
    /// let ambient = Ambient::new(SmolSpawner);
    /// assert!(ambient.in_scope(|| smol::block_on(async { current().is_ok() })));
    /// # }
    /// ```
    pub fn in_scope<T>(&self, f: impl FnOnce() -> T) -> T {
        let _entered = self.enter();
        f()
    }
}

impl Ambient {
    /// An `Ambient` that is being dropped cannot be found.
    fn enter(&self) -> EnterGuard {
        enter_if_alive(self.this.upgrade().map(|this| this as Arc<dyn Runtime>))
    }
}

impl TaskHook for Ambient {
    fn scope(&self, f: &mut dyn FnMut()) {
        let _entered = self.enter();
        f();
    }
}

/// Adds the runtime to its tasks. Weak, since the runtime owns this.
struct Enter(Weak<Ambient>);

impl SpawnHook for Enter {
    fn spawn(&self, spawning: &mut Spawning<'_>) {
        if let Some(ambient) = self.0.upgrade() {
            spawning.add_scope(ambient);
        }
    }
}

fn layer(ambient: &Weak<Ambient>) -> Layer {
    Layer::Hook(Arc::new(Enter(ambient.clone())))
}

forward!(Spawner, spawner: impl<> Ambient);
forward!(Timer, runtime: impl<> Ambient);
forward!(Blocking, blocking: impl<> Ambient);

impl fmt::Debug for Ambient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ambient").finish_non_exhaustive()
    }
}
