//! A runtime on which everything belongs to a group.

use std::sync::Arc;

use super::{GroupSpawner, TaskGroup};
use crate::backend::{Hooked, SpawnHook};
use crate::blocking::Blocking;
use crate::runtime::{Runtime, forward};

/// A runtime whose tasks, and whose work that blocks, belong to a group. It does not keep the group
/// alive.
pub(crate) struct Scope {
    runtime: Arc<dyn Runtime>,
    spawner: GroupSpawner,
    blocking: Hooked<dyn Blocking>,
}

impl Scope {
    /// Of a group whose tasks run on the runtime.
    pub(crate) fn new(runtime: Arc<dyn Runtime>, group: &TaskGroup) -> Scope {
        let spawner = group.spawner();
        let hook = SpawnHook::Group(spawner.core.clone());
        let blocking = Hooked::blocking(runtime.clone(), hook);
        Scope { runtime, spawner, blocking }
    }
}

forward!(Spawner, spawner: impl<> Scope);
forward!(Timer, runtime: impl<> Scope);
forward!(Blocking, blocking: impl<> Scope);
