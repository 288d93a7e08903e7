//! Spawning on tokio.
//!
//! tokio behaves almost as the contract requires. This adds a join that tells an abort from a shutdown, and an abort
//! that wins over a later completion, as on the other backends.

pub(super) mod time;

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker, ready};

use ::tokio::runtime::Handle;
use ::tokio::task;

use super::ending::Ending;
use super::join::NativeJoin;
use super::{Abort, Finished, Known};
use crate::contain::discard;
use crate::error::{End, NoRuntime};
use crate::seam::{Blocking, BlockingKind, BoxJob, Kind, Native, NativeBlocking, takes_real_time};
use crate::seam::{BoxFuture, Spawner};

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
    Placed::join(TokioJoin(handle.spawn(future)))
}

pub(super) fn spawn_blocking<T, F, O>(handle: &Handle, f: F) -> super::Join<T>
where
    F: FnOnce() -> O + Send + 'static,
    O: Placed<T> + Send + 'static,
{
    takes_real_time(POOL);
    <O as Placed<T>>::join(TokioJoin(handle.spawn_blocking(f)))
}

/// tokio's handle, which detaches on drop, and panics when it is polled after it resolved.
pub(crate) struct TokioJoin<O>(task::JoinHandle<O>);

/// tokio's handle to a task that was, or may be, aborted.
///
/// The abort is recorded here because tokio does not distinguish it from a shutdown, and keeps the output of a task
/// that completes after the abort without another await.
pub(crate) struct Noted<O> {
    task: task::JoinHandle<O>,
    note: Note,
}

enum Note {
    Aborted,
    /// There is an abort handle, which may record an abort.
    Watched(Arc<AbortTask>),
}

/// The output of a task's future, with the variant of its handle.
pub(super) trait Placed<T>: Ending<T> {
    fn join(join: TokioJoin<Self>) -> super::Join<T>;
    fn noted(noted: Noted<Self>) -> super::Join<T>;
}

impl<T> Placed<T> for T {
    #[inline]
    fn join(join: TokioJoin<T>) -> super::Join<T> {
        super::Join::Tokio(join)
    }

    fn noted(noted: Noted<T>) -> super::Join<T> {
        super::Join::TokioNoted(noted)
    }
}

impl<T> Placed<T> for Option<T> {
    #[inline]
    fn join(join: TokioJoin<Self>) -> super::Join<T> {
        super::Join::TokioHooked(join)
    }

    fn noted(noted: Noted<Self>) -> super::Join<T> {
        super::Join::TokioHookedNoted(noted)
    }
}

/// The end of a task that did not complete and was not aborted.
#[cold]
fn end(error: task::JoinError) -> End {
    match error.try_into_panic() {
        Ok(payload) => End::Panic(payload),
        Err(_) => End::Shutdown,
    }
}

impl<T, O: Placed<T>> NativeJoin<T> for TokioJoin<O> {
    #[inline]
    fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        match Pin::new(&mut self.0).poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(outcome)) => Poll::Ready(outcome.into_end()),
            Poll::Ready(Err(error)) => Poll::Ready(Err(end(error))),
        }
    }

    fn check_finished(self) -> (super::Join<T>, Finished) {
        let finished = self.0.is_finished();
        (O::join(self), Finished::Known(finished))
    }

    fn abort(self) -> (super::Join<T>, Option<Arc<dyn Abort>>) {
        // A task that has completed keeps its output.
        if self.0.is_finished() {
            return (O::join(self), None);
        }
        self.0.abort();
        (O::noted(Noted { task: self.0, note: Note::Aborted }), None)
    }

    fn abort_detached(self) {
        self.0.abort();
    }

    fn abort_handle(self) -> (super::Join<T>, Arc<dyn Abort>) {
        let (noted, abort) = Noted::watched(self.0, false);
        (O::noted(noted), abort)
    }
}

impl<O> Noted<O> {
    fn watched(task: task::JoinHandle<O>, aborted: bool) -> (Noted<O>, Arc<dyn Abort>) {
        let abort =
            Arc::new(AbortTask { task: task.abort_handle(), aborted: AtomicBool::new(aborted) });
        (Noted { task, note: Note::Watched(abort.clone()) }, abort)
    }

    fn request_abort(&self) {
        if let Note::Watched(abort) = &self.note {
            abort.abort();
        }
    }
}

impl<T, O: Placed<T>> NativeJoin<T> for Noted<O> {
    fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        let result = ready!(Pin::new(&mut self.task).poll(cx));
        let aborted = match &self.note {
            Note::Aborted => true,
            Note::Watched(abort) => abort.aborted.load(Ordering::Acquire),
        };
        if aborted {
            discard(result);
            return Poll::Ready(Err(End::Cancelled));
        }
        Poll::Ready(match result {
            Ok(outcome) => outcome.into_end(),
            Err(error) => Err(end(error)),
        })
    }

    fn check_finished(self) -> (super::Join<T>, Finished) {
        let finished = self.task.is_finished();
        (O::noted(self), Finished::Known(finished))
    }

    fn abort(self) -> (super::Join<T>, Option<Arc<dyn Abort>>) {
        self.request_abort();
        (O::noted(self), None)
    }

    fn abort_detached(self) {
        self.request_abort();
    }

    fn abort_handle(self) -> (super::Join<T>, Arc<dyn Abort>) {
        match &self.note {
            Note::Aborted => {
                let (noted, abort) = Noted::watched(self.task, true);
                (O::noted(noted), abort)
            }
            Note::Watched(abort) => {
                let abort = abort.clone();
                (O::noted(self), abort)
            }
        }
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
            // Stored with release before the abort, and loaded with acquire by the join: a joiner that sees the
            // effect of the abort also sees the flag.
            self.aborted.store(true, Ordering::Release);
            self.task.abort();
        }
    }

    fn is_finished(&self) -> bool {
        self.task.is_finished()
    }
}
