//! Spawning on async-global-executor.

mod sleep;

use std::time::{Duration, Instant, SystemTime};

use async_runtime_compat::{Blocking, BoxFuture, BoxJob, Sleep, SpawnMeta, Spawner, Timer};

use self::sleep::IoSleep;
use crate::contain::{self, Contained};

/// The global executor of the crate `async-global-executor`, with the timer of async-io and the
/// pool of the crate `blocking`, which are its own.
///
/// The executor starts at the first spawn, with a thread for each core unless it is configured
/// otherwise, and is never shut down: a program that exits drops no pending task.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat_outside::global_executor::GlobalSpawner;
///
/// let runtime: Arc<dyn Runtime> = Arc::new(GlobalSpawner);
/// let sum = runtime.spawn_with_handle(async { 1 + 2 });
/// assert_eq!(async_global_executor::block_on(sum)?, 3);
/// # Ok::<(), JoinError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct GlobalSpawner;

impl Spawner for GlobalSpawner {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        // Its handle cancels when it is dropped.
        async_global_executor::spawn(Contained::new(future)).detach();
    }

    fn spawn_with(&self, meta: SpawnMeta<'_>, future: BoxFuture<'static, ()>) {
        if meta.is_contained(&*future) {
            async_global_executor::spawn(future).detach();
        } else {
            self.spawn(future);
        }
    }
}

impl Blocking for GlobalSpawner {
    fn execute(&self, job: BoxJob) {
        async_global_executor::spawn_blocking(|| contain::run(job)).detach();
    }

    fn execute_with(&self, meta: SpawnMeta<'_>, job: BoxJob) {
        if meta.is_contained(&*job) {
            async_global_executor::spawn_blocking(job).detach();
        } else {
            self.execute(job);
        }
    }
}

impl Timer for GlobalSpawner {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn system_time(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        // Past the last instant there is `None`, which is never.
        let deadline = Instant::now().checked_add(duration);
        Sleep::new(IoSleep::new(), deadline)
    }
}
