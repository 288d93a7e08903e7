//! Spawning on async-std.
//!
//! async-std is unmaintained
//! ([RUSTSEC-2025-0052](https://rustsec.org/advisories/RUSTSEC-2025-0052)). This adapter is for code that still
//! runs on it, and keeps the same contract as the others.

use std::borrow::Cow;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use ::async_std::task;

use super::abortable::{Abortable, Cancelling, NativeTask};
use super::contained_task::{ContainedTask, Output};
use super::ending::Ending;
use super::join::{NativeJoin, polled_again};
use super::{Abort, Finished, Known, SharedJoin, async_io, unblock};
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
            drop(spawn::<(), _, _>(meta.name, future, Contained::new));
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

#[inline]
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
    let task = spawn_native(name, ContainedTask::new(contain(future)));
    AsyncStdJoin {
        native: Some(Unresolved {
            task,
            share: |task, waker| Abortable::new(task, waker.is_some(), waker),
        }),
        waker: None,
    }
}

type Handle<T> = task::JoinHandle<Output<T>>;

/// async-std's handle, which detaches on drop.
pub(crate) struct AsyncStdJoin<T> {
    /// `None` once the handle has been consumed, or the end of the task returned.
    native: Option<Unresolved<T>>,
    /// The waker that was registered last. async-std reveals only by a poll whether a task has finished, and that
    /// poll must register this waker again.
    waker: Option<Waker>,
}

type Share<T> = fn(Handle<T>, Option<Waker>) -> Arc<dyn SharedJoin<T>>;

struct Unresolved<T> {
    task: Handle<T>,
    /// Moves it to the heap. Stored where `T` is known to be `Send + 'static`.
    share: Share<T>,
}

impl<T> NativeJoin<T> for AsyncStdJoin<T> {
    #[inline]
    fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        let Some(native) = &mut self.native else { polled_again() };
        let poll = poll_handle(&mut native.task, cx);
        if poll.is_ready() {
            self.native = None;
            self.waker = None;
        } else {
            match &mut self.waker {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
        }
        poll
    }

    fn check_finished(self) -> (super::Join<T>, Finished) {
        if self.native.is_none() {
            return (super::Join::AsyncStd(self), Finished::Known(true));
        }
        let (join, ask) = self.abort_handle();
        (join, Finished::Ask(ask))
    }

    fn abort(self) -> (super::Join<T>, Option<Arc<dyn Abort>>) {
        let (join, abort) = self.abort_handle();
        (join, Some(abort))
    }

    fn abort_detached(self) {
        let Some(native) = self.native else { return };
        // One poll requests the cancellation. Dropping the future then detaches.
        let cancel = pin!(Cancelling::new(native.task.cancel()));
        discard(cancel.poll(&mut Context::from_waker(Waker::noop())));
    }

    fn abort_handle(self) -> (super::Join<T>, Arc<dyn Abort>) {
        let Some(native) = self.native else {
            return (super::Join::AsyncStd(self), super::shared::ended());
        };
        let shared = (native.share)(native.task, self.waker);
        (super::Join::shared(shared.clone()), shared)
    }

    fn cancel(&mut self) -> Option<impl Future<Output = Result<T, End>> + use<T>> {
        Some(Cancelling::new(self.native.take()?.task.cancel()))
    }
}

fn poll_handle<T>(task: &mut Handle<T>, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
    Poll::Ready(ready!(Pin::new(task).poll(cx)).into_end())
}

impl<T: Send + 'static> NativeTask for Handle<T> {
    type Value = T;

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        poll_handle(self, cx)
    }

    fn is_ended(&self) -> Option<bool> {
        None
    }

    fn cancel(self) -> impl Future<Output = Option<Output<T>>> + Send + 'static {
        task::JoinHandle::cancel(self)
    }
}
