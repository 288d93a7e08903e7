//! Spawning on tokio.
//!
//! tokio behaves almost as the contract requires. This adds a join that tells an abort from a shutdown, and an abort
//! that wins over a later completion, as on the other backends.

pub(super) mod time;

use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use ::tokio::runtime::Handle;
use ::tokio::task;

use super::ending::Ending;
use super::join::{NativeJoin, Sharing, polled_again};
use super::{Abort, Finished, Known};
use crate::contain::discard;
use crate::error::{End, JoinError, NoRuntime};
use crate::meta::Label;
use crate::seam::{Blocking, BlockingKind, BoxJob, Kind, Native, NativeBlocking, takes_real_time};
use crate::seam::{BoxFuture, Spawner};
use crate::sync::atomic::{AtomicBool, Ordering};

const POOL: &str = "tokio's pool of blocking threads";

/// A tokio runtime as a [`Spawner`].
///
/// It holds a [`Handle`], which does not keep the runtime alive. After the runtime's shutdown,
/// spawning drops the future and the join says [`is_shutdown`](crate::JoinError::is_shutdown).
///
/// # Examples
///
/// ```
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::tokio::TokioSpawner;
///
/// let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
/// let spawner = TokioSpawner::new(runtime.handle().clone());
/// let sum = spawner.spawn_with_handle(async { 1 + 2 });
/// assert_eq!(runtime.block_on(sum)?, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TokioSpawner {
    handle: Handle,
}

impl TokioSpawner {
    /// Creates a spawner onto the handle's runtime.
    #[must_use]
    pub fn new(handle: Handle) -> TokioSpawner {
        TokioSpawner { handle }
    }

    /// Returns a spawner onto the runtime that this thread is in: inside `#[tokio::main]`,
    /// `#[tokio::test]`, `Runtime::block_on`, a task, or under a `Runtime::enter` guard.
    ///
    /// # Errors
    ///
    /// [`NoRuntime`] if the thread is in no tokio runtime.
    pub fn current() -> Result<TokioSpawner, NoRuntime> {
        match Handle::try_current() {
            Ok(handle) => Ok(TokioSpawner { handle }),
            Err(error) if error.is_missing_context() => Err(NoRuntime::new(
                "this thread is in no tokio runtime: call `TokioSpawner::current` inside \
                 `#[tokio::main]`, `Runtime::block_on` or a task, or pass a handle to \
                 `TokioSpawner::new(runtime.handle().clone())`",
            )),
            Err(_) => Err(NoRuntime::new(
                "this thread is being torn down and its tokio context is gone: pass a handle to \
                 `TokioSpawner::new(runtime.handle().clone())` before that",
            )),
        }
    }

    /// Returns the runtime's handle.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl From<Handle> for TokioSpawner {
    fn from(handle: Handle) -> TokioSpawner {
        TokioSpawner::new(handle)
    }
}

pub(super) const KNOWN: Known = Known {
    name: "tokio",
    entered: || {
        let handle = Handle::try_current().ok()?;
        Some(Arc::new(TokioSpawner::new(handle)))
    },
    missing: Some("this thread is in no tokio runtime"),
    global: None,
};

impl Spawner for TokioSpawner {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        drop(self.handle.spawn(future));
    }

    #[inline]
    fn native(&self) -> Native<'_> {
        Native(Kind::Tokio(&self.handle))
    }
}

/// tokio's own pool of blocking threads.
///
/// A job that is queued when the runtime is shut down is either run or dropped by tokio's threads, and its join says
/// which; dropping the runtime waits for running jobs. Later jobs are dropped, and their joins say
/// [`is_shutdown`](crate::JoinError::is_shutdown).
impl Blocking for TokioSpawner {
    fn execute(&self, job: BoxJob) {
        takes_real_time(POOL);
        drop(self.handle.spawn_blocking(job));
    }

    #[inline]
    fn native_blocking(&self) -> NativeBlocking<'_> {
        NativeBlocking(BlockingKind::Tokio(&self.handle))
    }
}

pub(super) fn has_budget() -> bool {
    task::coop::has_budget_remaining()
}

pub(super) fn unconstrained<T>(f: impl FnOnce() -> T) -> T {
    let mut f = Some(f);
    let call = poll_fn(|_| f.take().map_or(Poll::Pending, |f| Poll::Ready(f())));
    match pin!(task::coop::unconstrained(call)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("the future is ready at its only poll"),
    }
}

#[inline]
pub(super) fn spawn<T, F>(handle: &Handle, future: F) -> super::Join<T>
where
    F: Future + Send + 'static,
    F::Output: Placed<T> + Send + 'static,
{
    Placed::join(TokioJoin(Some(handle.spawn(future))))
}

#[inline]
pub(super) fn spawn_detached<F>(handle: &Handle, future: F)
where
    F: Future<Output: Send> + Send + 'static,
{
    drop(handle.spawn(future));
}

pub(super) fn spawn_blocking<T, F, O>(handle: &Handle, f: F) -> super::Join<T>
where
    F: FnOnce() -> O + Send + 'static,
    O: Placed<T> + Send + 'static,
{
    takes_real_time(POOL);
    <O as Placed<T>>::join(TokioJoin(Some(handle.spawn_blocking(f))))
}

/// tokio's handle, which detaches on drop. `None` once the end of the task has been returned.
pub(crate) struct TokioJoin<O>(Option<task::JoinHandle<O>>);

/// tokio's handle to a task that was aborted.
///
/// The abort is recorded here because tokio does not distinguish it from a shutdown, and keeps the output of a task
/// that completes after the abort without another await.
pub(crate) struct Aborted<O>(task::JoinHandle<O>);

/// tokio's handle to a task with an abort handle, which may record an abort.
pub(crate) struct Watched<O> {
    task: task::JoinHandle<O>,
    abort: Arc<AbortTask>,
}

/// The output of a task's future, with the variants of its handle.
pub(super) trait Placed<T>: Ending<T> {
    fn join(join: TokioJoin<Self>) -> super::Join<T>;
    fn aborted(aborted: Aborted<Self>) -> super::Join<T>;
    fn watched(watched: Watched<Self>) -> super::Join<T>;
}

impl<T> Placed<T> for T {
    #[inline]
    fn join(join: TokioJoin<Self>) -> super::Join<T> {
        join.into()
    }

    fn aborted(aborted: Aborted<Self>) -> super::Join<T> {
        aborted.into()
    }

    fn watched(watched: Watched<Self>) -> super::Join<T> {
        watched.into()
    }
}

impl<T> Placed<T> for Option<T> {
    #[inline]
    fn join(join: TokioJoin<Self>) -> super::Join<T> {
        join.into()
    }

    fn aborted(aborted: Aborted<Self>) -> super::Join<T> {
        aborted.into()
    }

    fn watched(watched: Watched<Self>) -> super::Join<T> {
        watched.into()
    }
}

/// The end of a task that did not complete and was not aborted.
#[cold]
fn end(error: task::JoinError) -> End {
    match error.try_into_panic() {
        Ok(payload) => End::panic(payload),
        Err(_) => End::Shutdown,
    }
}

/// The error of a task that did not complete and was not aborted.
#[cold]
#[inline(never)]
pub(super) fn failed(error: task::JoinError, location: &'static Location<'static>) -> JoinError {
    JoinError::new(end(error), Label::default(), location)
}

impl<O> TokioJoin<O> {
    /// Polls the native handle, and drops it when it resolves.
    #[inline(always)]
    pub(super) fn poll_native(&mut self, cx: &mut Context<'_>) -> Poll<Result<O, task::JoinError>> {
        let Some(task) = &mut self.0 else { polled_again() };
        let poll = Pin::new(task).poll(cx);
        if poll.is_ready() {
            self.0 = None;
        }
        poll
    }
}

impl<T, O: Placed<T>> NativeJoin<T> for TokioJoin<O> {
    fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        Poll::Ready(match ready!(self.poll_native(cx)) {
            Ok(outcome) => outcome.into_end(),
            Err(error) => Err(end(error)),
        })
    }

    fn check_finished(self, _: Sharing<T>) -> (super::Join<T>, Finished) {
        let finished = self.0.as_ref().is_none_or(task::JoinHandle::is_finished);
        (O::join(self), Finished::Known(finished))
    }

    fn abort(self, _: Sharing<T>) -> (super::Join<T>, Option<Arc<dyn Abort>>) {
        match self.0 {
            // A task that has completed keeps its output.
            Some(task) if !task.is_finished() => {
                task.abort();
                (O::aborted(Aborted(task)), None)
            }
            task => (O::join(TokioJoin(task)), None),
        }
    }

    fn abort_detached(self) {
        if let Some(task) = self.0 {
            task.abort();
        }
    }

    fn abort_handle(self, _: Sharing<T>) -> (super::Join<T>, Arc<dyn Abort>) {
        match self.0 {
            Some(task) => Watched::join(task, false),
            None => (O::join(self), super::shared::ended()),
        }
    }
}

impl<T, O: Placed<T>> NativeJoin<T> for Aborted<O> {
    fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        discard(ready!(Pin::new(&mut self.0).poll(cx)));
        Poll::Ready(Err(End::Cancelled))
    }

    fn check_finished(self, _: Sharing<T>) -> (super::Join<T>, Finished) {
        let finished = self.0.is_finished();
        (O::aborted(self), Finished::Known(finished))
    }

    fn abort(self, _: Sharing<T>) -> (super::Join<T>, Option<Arc<dyn Abort>>) {
        (O::aborted(self), None)
    }

    fn abort_detached(self) {}

    fn abort_handle(self, _: Sharing<T>) -> (super::Join<T>, Arc<dyn Abort>) {
        Watched::join(self.0, true)
    }
}

impl<O> Watched<O> {
    fn join<T>(task: task::JoinHandle<O>, aborted: bool) -> (super::Join<T>, Arc<dyn Abort>)
    where
        O: Placed<T>,
    {
        let abort = AbortTask { task: task.abort_handle(), aborted: AtomicBool::new(aborted) };
        let abort = Arc::new(abort);
        (O::watched(Watched { task, abort: abort.clone() }), abort)
    }
}

impl<T, O: Placed<T>> NativeJoin<T> for Watched<O> {
    fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        let result = ready!(Pin::new(&mut self.task).poll(cx));
        // Acquire: see `AbortTask::abort`.
        if self.abort.aborted.load(Ordering::Acquire) {
            discard(result);
            return Poll::Ready(Err(End::Cancelled));
        }
        Poll::Ready(match result {
            Ok(outcome) => outcome.into_end(),
            Err(error) => Err(end(error)),
        })
    }

    fn check_finished(self, _: Sharing<T>) -> (super::Join<T>, Finished) {
        let finished = self.task.is_finished();
        (O::watched(self), Finished::Known(finished))
    }

    fn abort(self, _: Sharing<T>) -> (super::Join<T>, Option<Arc<dyn Abort>>) {
        self.abort.abort();
        (O::watched(self), None)
    }

    fn abort_detached(self) {
        self.abort.abort();
    }

    fn abort_handle(self, _: Sharing<T>) -> (super::Join<T>, Arc<dyn Abort>) {
        let abort = self.abort.clone();
        (O::watched(self), abort)
    }
}

/// tokio's abort handle, with a flag that tells the join whether it was used.
pub(crate) struct AbortTask {
    task: task::AbortHandle,
    aborted: AtomicBool,
}

impl Abort for AbortTask {
    fn abort(&self) {
        if !self.task.is_finished() {
            // Stored before the abort, which tokio orders: a joiner that sees the effect of the abort also sees the
            // flag. Release, paired with the acquire in `poll_join`: a joiner that sees the flag although the task
            // has completed sees what was done before the abort. No model covers it: tokio's handle cannot run in one.
            self.aborted.store(true, Ordering::Release);
            self.task.abort();
        }
    }

    fn is_finished(&self) -> bool {
        self.task.is_finished()
    }
}
