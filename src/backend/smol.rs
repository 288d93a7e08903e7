//! Spawning on smol's global executor.

use std::sync::Arc;

use super::async_task::TaskJoin;
use super::contained_task::{ContainedTask, DetachedTask};
use super::ending::Ending;
use super::{Known, async_io, unblock};
use crate::contain::{Contained, PollCaught};
use crate::meta::SpawnMeta;
use crate::seam::{
    Blocking, BlockingKind, BoxFuture, BoxJob, Kind, Native, NativeBlocking, Spawner,
};

/// smol's global executor as a [`Spawner`].
///
/// The executor starts at the first spawn, on one thread or on as many as the environment variable `SMOL_THREADS`
/// sets, and is never shut down: a program that exits drops no pending task.
///
/// For an executor of your own, see `async_runtime_compat::async_executor` (feature
/// `async-executor`): `smol::Executor` is `async_executor::Executor`.
///
/// # Examples
///
/// ```
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::smol::SmolSpawner;
///
/// let sum = SmolSpawner.spawn_with_handle(async { 1 + 2 });
/// assert_eq!(smol::block_on(sum)?, 3);
/// # Ok::<(), JoinError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SmolSpawner;

pub(super) const KNOWN: Known =
    Known { name: "smol", entered: || None, missing: None, global: Some(|| Arc::new(SmolSpawner)) };

impl Spawner for SmolSpawner {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        spawn_detached(future, Contained::new);
    }

    fn spawn_with(&self, meta: SpawnMeta<'_>, future: BoxFuture<'static, ()>) {
        if meta.is_contained(&*future) {
            #[expect(clippy::disallowed_methods, reason = "this is where it belongs")]
            ::smol::spawn(future).detach();
        } else {
            self.spawn(future);
        }
    }

    #[inline]
    fn native(&self) -> Native<'_> {
        Native(Kind::Smol)
    }
}

/// The pool of `smol::unblock`, which is never shut down.
impl Blocking for SmolSpawner {
    fn execute(&self, job: BoxJob) {
        unblock::execute(job);
    }

    #[inline]
    fn native_blocking(&self) -> NativeBlocking<'_> {
        NativeBlocking(BlockingKind::Unblock)
    }
}

async_io::timer!(SmolSpawner, self => Kind::Smol);

#[inline]
#[expect(clippy::disallowed_methods, reason = "this is where it belongs")]
pub(super) fn spawn<T, F, C>(future: F, contain: impl FnOnce(F) -> C) -> TaskJoin<T>
where
    T: Send + 'static,
    C: PollCaught + Send + 'static,
    C::Output: Ending<T>,
{
    TaskJoin::new(::smol::spawn(ContainedTask::<_, _, SmolSpawner>::new(contain(future))))
}

#[inline(always)]
#[expect(clippy::disallowed_methods, reason = "this is where it belongs")]
pub(super) fn spawn_detached<F, C>(future: F, contain: impl FnOnce(F) -> C)
where
    C: PollCaught + Send + 'static,
{
    ::smol::spawn(DetachedTask::<_, SmolSpawner>::new(contain(future))).detach();
}
