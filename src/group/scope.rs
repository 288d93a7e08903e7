//! A runtime whose tasks and blocking work belong to a group.

use std::sync::Arc;

use super::{GroupSpawner, TaskGroup};
use crate::backend;
use crate::layer::{Layer, Layers};
use crate::runtime::forward;
use crate::seam::{Blocking, Runtime};

/// A runtime whose tasks belong to a group, which it does not keep alive.
struct Scope {
    runtime: Arc<dyn Runtime>,
    spawner: GroupSpawner,
    blocking: Layers<dyn Blocking>,
}

impl TaskGroup {
    /// Returns a runtime whose tasks and blocking work belong to this group.
    ///
    /// Its tasks run on the group's spawner; it uses the timer and the blocking pool of `runtime`, which is
    /// commonly the runtime that the group was created on. Blocking work that has not started when the group is
    /// aborted is dropped without being run; work that has started is waited for.
    ///
    /// Like [`spawner`](TaskGroup::spawner), the runtime does not keep the group alive: after the group was
    /// dropped, it refuses tasks and blocking work.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use async_runtime_compat::TaskGroup;
    /// use async_runtime_compat::prelude::*;
    ///
    /// struct Session {
    ///     group: TaskGroup,
    ///     /// For the session's parts: everything that they start ends with the session.
    ///     runtime: Arc<dyn Runtime>,
    /// }
    ///
    /// impl Session {
    ///     fn new(runtime: Arc<dyn Runtime>) -> Session {
    ///         let group = TaskGroup::new(runtime.clone());
    ///         let runtime = group.runtime(runtime);
    ///         Session { group, runtime }
    ///     }
    ///
    ///     fn save(&self, text: String) {
    ///         self.runtime.spawn_blocking(|| std::fs::write("notes.txt", text)).detach();
    ///     }
    /// }
    /// # #[cfg(feature = "smol")]
    /// # drop(Session::new(Arc::new(async_runtime_compat::smol::SmolSpawner)));
    /// ```
    #[must_use]
    pub fn runtime(&self, runtime: Arc<dyn Runtime>) -> Arc<dyn Runtime> {
        let spawner = self.spawner();
        let layer = Layer::Group(spawner.core.clone());
        let blocking = backend::around_blocking(runtime.clone(), layer);
        Arc::new(Scope { runtime, spawner, blocking })
    }
}

forward!(Spawner, spawner: impl<> Scope);
forward!(Timer, runtime: impl<> Scope);
forward!(Blocking, blocking: impl<> Scope);
