//! A runtime on which everything belongs to a group.

use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::{GroupSpawner, TaskGroup};
use crate::backend::{self, Hooked, Native, NativeBlocking, SpawnHook};
use crate::blocking::{Blocking, BoxJob};
use crate::runtime::Runtime;
use crate::spawner::{BoxFuture, Spawner};
use crate::time::{Sleep, Timer};

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

impl Spawner for Scope {
    #[track_caller]
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.spawner.spawn(future);
    }

    #[inline]
    fn native(&self) -> Native<'_> {
        self.spawner.native()
    }
}

impl Timer for Scope {
    fn now(&self) -> Instant {
        self.runtime.now()
    }

    fn system_time(&self) -> SystemTime {
        self.runtime.system_time()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        self.runtime.sleep(duration)
    }

    #[inline]
    fn native_timer(&self) -> Native<'_> {
        self.runtime.native_timer()
    }
}

impl Blocking for Scope {
    #[track_caller]
    fn execute(&self, job: BoxJob) {
        backend::execute_hooked(&self.blocking, Location::caller(), job);
    }

    #[inline]
    fn native_blocking(&self) -> NativeBlocking<'_> {
        NativeBlocking::hooked(&self.blocking)
    }
}
