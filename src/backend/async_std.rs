//! Spawning on async-std.
//!
//! async-std is unmaintained
//! ([RUSTSEC-2025-0052](https://rustsec.org/advisories/RUSTSEC-2025-0052)). This adapter is for code that still
//! runs on it, and keeps the same contract as the others.

use std::borrow::Cow;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use ::async_std::task;

use super::abortable::{Abortable, NativeTask};
use super::cancelling::Cancelling;
use super::contained_task::{ContainedTask, DetachedTask, Output};
use super::ending::Ending;
use super::join::{NativeJoin, Sharing, polled_again};
use super::shared_join::{SharedHandle, SharedJoin};
use super::{Abort, Finished, Known, async_io, unblock};
use crate::contain::{Contained, PollCaught, discard};
use crate::error::End;
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

#[inline(never)]
pub(super) fn spawn<T, F, C>(
    name: Option<&Cow<'static, str>>,
    future: F,
    contain: impl FnOnce(F) -> C,
) -> AsyncStdJoin<T>
where
    T: Send + 'static,
    C: PollCaught + Send + 'static,
    C::Output: Ending<T>,
{
    AsyncStdJoin(Box::new(Unresolved {
        task: Some(spawn_native(
            name,
            ContainedTask::<_, _, AsyncStdSpawner>::new(contain(future)),
        )),
        waker: None,
        share: |task, waker| Abortable::new(task, waker),
    }))
}

#[inline(never)]
pub(super) fn spawn_detached<F, C>(
    name: Option<&Cow<'static, str>>,
    future: F,
    contain: impl FnOnce(F) -> C,
) where
    C: PollCaught + Send + 'static,
{
    drop(spawn_native(name, DetachedTask::<_, AsyncStdSpawner>::new(contain(future))));
}

type Handle<T> = task::JoinHandle<Output<T>>;

/// Moves a handle to the heap, with the waker that was registered last.
type Share<T> = fn(Handle<T>, Option<Waker>) -> Arc<dyn SharedJoin<T>>;

/// async-std's handle, which detaches on drop. It has three words, and so it is in a box.
pub(crate) struct AsyncStdJoin<T>(Box<Unresolved<T>>);

struct Unresolved<T> {
    /// `None` once the end of the task has been returned.
    task: Option<Handle<T>>,
    /// The waker that was registered last. async-std reveals only by a poll whether a task has finished, and that
    /// poll must register this waker again.
    waker: Option<Waker>,
    /// Stored where `T` is known to be `Send + 'static`.
    share: Share<T>,
}

impl<T> NativeJoin<T> for AsyncStdJoin<T> {
    fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        let Unresolved { task: native, waker, .. } = &mut *self.0;
        let Some(task) = native else { polled_again() };
        if let Poll::Ready(output) = Pin::new(task).poll(cx) {
            *native = None;
            return Poll::Ready(output.into_end());
        }
        match waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    fn check_finished(self, sharing: Sharing<T>) -> (super::Join<T>, Finished) {
        let (join, ask) = self.abort_handle(sharing);
        (join, Finished::Ask(ask))
    }

    fn abort(self, sharing: Sharing<T>) -> (super::Join<T>, Option<Arc<dyn Abort>>) {
        let (join, abort) = self.abort_handle(sharing);
        (join, Some(abort))
    }

    fn abort_detached(self) {
        let Some(task) = self.0.task else { return };
        // One poll requests the cancellation. Dropping the future then detaches.
        let cancel = pin!(Cancelling::new(task.cancel()));
        discard(cancel.poll(&mut Context::from_waker(Waker::noop())));
    }

    fn abort_handle(mut self, _: Sharing<T>) -> (super::Join<T>, Arc<dyn Abort>) {
        let Some(task) = self.0.task.take() else {
            return (self.into(), super::shared::ended());
        };
        let shared = (self.0.share)(task, self.0.waker);
        (SharedHandle::new(shared.clone()).into(), shared)
    }

    fn cancel(mut self) -> Result<impl Future<Output = Result<T, End>> + use<T>, Self> {
        match self.0.task.take() {
            Some(task) => Ok(Cancelling::new(task.cancel())),
            None => Err(self),
        }
    }
}

impl<T: Send + 'static> NativeTask for Handle<T> {
    type Value = T;

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        Pin::new(self).poll(cx).map(Output::into_end)
    }

    fn is_ended(&self) -> Option<bool> {
        None
    }

    fn cancel(self) -> impl Future<Output = Option<Output<T>>> + Send + 'static {
        task::JoinHandle::cancel(self)
    }
}
