//! Spawning on async-std.
//!
//! async-std is unmaintained
//! ([RUSTSEC-2025-0052](https://rustsec.org/advisories/RUSTSEC-2025-0052)). This adapter is for code that still
//! runs on it, and keeps the same contract as the others.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;

use ::async_std::task;

use super::boxed::{self, CellTask};
use super::contained_task::DetachedTask;
use super::ending::Ending;
use super::{Known, async_io, unblock};
use crate::contain::{Contained, PollCaught};
use crate::meta::SpawnMeta;
use crate::seam::{
    Blocking, BlockingKind, BoxFuture, BoxJob, Kind, Native, NativeBlocking, Spawner,
};

/// async-std's global executor as a [`Spawner`].
///
/// The executor starts at the first spawn and is never shut down: a program that exits drops no
/// pending task. [`spawn_named`](crate::SpawnerExt::spawn_named) also sets the task's name in async-std.
///
/// # Examples
///
/// ```
/// use async_runtime_compat::async_std::AsyncStdSpawner;
/// use async_runtime_compat::prelude::*;
///
/// let sum = AsyncStdSpawner.spawn_with_handle(async { 1 + 2 });
/// assert_eq!(async_std::task::block_on(sum)?, 3);
/// # Ok::<(), JoinError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct AsyncStdSpawner;

pub(super) const KNOWN: Known = Known {
    name: "async-std",
    entered: || {
        task::try_current()?;
        Some(Arc::new(AsyncStdSpawner))
    },
    missing: Some("this thread is in no async-std task"),
    global: Some(|| Arc::new(AsyncStdSpawner)),
};

impl Spawner for AsyncStdSpawner {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.spawn_with(SpawnMeta::new(), future);
    }

    fn spawn_with(&self, meta: SpawnMeta<'_>, future: BoxFuture<'static, ()>) {
        if meta.is_contained(&*future) {
            drop(spawn_native(meta.name, future));
        } else {
            spawn_detached(meta.name, future, Contained::new);
        }
    }

    #[inline]
    fn native(&self) -> Native<'_> {
        Native(Kind::AsyncStd)
    }
}

/// The pool of `async_std::task::spawn_blocking`, which is never shut down.
impl Blocking for AsyncStdSpawner {
    fn execute(&self, job: BoxJob) {
        unblock::execute(job);
    }

    #[inline]
    fn native_blocking(&self) -> NativeBlocking<'_> {
        NativeBlocking(BlockingKind::Unblock)
    }
}

async_io::timer!(AsyncStdSpawner, self => Kind::AsyncStd);

#[inline]
#[expect(clippy::disallowed_methods, reason = "this is where it belongs")]
fn spawn_native<F>(name: Option<&Cow<'static, str>>, future: F) -> task::JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let mut builder = task::Builder::new();
    if let Some(name) = name {
        builder = builder.name(name.clone().into_owned());
    }
    builder.spawn(future).expect("spawning on async-std 1.x cannot fail: it always returns `Ok`")
}

/// async-std's handle tells only by a poll whether a task has ended, and resolves after a cancellation while an output
/// may still be there. A cell costs no more than that handle, which has three words and would be in a box.
#[inline(never)]
pub(super) fn spawn<T, F, C>(
    name: Option<&Cow<'static, str>>,
    future: F,
    contain: impl FnOnce(F) -> C,
) -> super::Join<T>
where
    T: Send + 'static,
    C: PollCaught + Send + 'static,
    C::Output: Ending<T>,
{
    let (join, link) = boxed::linked();
    drop(spawn_native(name, CellTask::new(contain(future), link)));
    join
}

#[inline(never)]
pub(super) fn spawn_detached<F, C>(
    name: Option<&Cow<'static, str>>,
    future: F,
    contain: impl FnOnce(F) -> C,
) where
    C: PollCaught + Send + 'static,
{
    drop(spawn_native(name, DetachedTask::new(contain(future))));
}
