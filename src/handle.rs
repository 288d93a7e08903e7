//! Handles to spawned tasks.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use crate::backend::{Abort, Finished, Join};
use crate::error::JoinError;
use crate::meta::{Name, write_task};

/// A handle to a spawned task: await it for the task's output.
///
/// Dropping the handle **detaches** the task: it runs to its end, and its output is dropped. This
/// is so on every backend, also on those whose own handle cancels on drop. For a task that should
/// not outlive its owner there is [`abort_on_drop`](JoinHandle::abort_on_drop).
///
/// The handle may be awaited anywhere: on another runtime than the task's, or on none.
///
/// # Errors
///
/// The join gives a [`JoinError`] if the task was aborted, if it panicked, or if its runtime was
/// shut down. When it resolves, the task's future has been dropped.
///
/// # Panics
///
/// If it is polled after it resolved.
///
/// # Cancel safety
///
/// Polling the handle by reference is cancel safe: a `select!` that drops `&mut handle` loses
/// nothing.
///
/// # Examples
///
/// ```
/// # use async_runtime_compat::FnSpawner;
/// use async_runtime_compat::prelude::*;
///
/// # let spawner = FnSpawner::new(|f| { std::thread::spawn(|| futures_lite::future::block_on(f)); });
/// # futures_lite::future::block_on(async {
/// let task = spawner.spawn_with_handle(async { 1 + 2 });
/// assert_eq!(task.await?, 3);
///
/// let task = spawner.spawn_with_handle(std::future::pending::<()>());
/// task.abort();
/// assert!(task.await.is_err_and(|error| error.is_cancelled()));
/// # Ok::<(), JoinError>(())
/// # }).unwrap();
/// ```
#[must_use = "dropping a handle detaches its task; say so with `detach`, or spawn with `spawn_detached`"]
pub struct JoinHandle<T> {
    // Polling has `&mut self` and never locks; only aborting and asking through `&self` do.
    join: Mutex<Join<T>>,
    location: &'static Location<'static>,
}

impl<T> JoinHandle<T> {
    #[inline]
    pub(crate) fn new(join: Join<T>, location: &'static Location<'static>) -> JoinHandle<T> {
        JoinHandle { join: Mutex::new(join), location }
    }

    fn lock(&self) -> MutexGuard<'_, Join<T>> {
        self.join.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    fn join_mut(&mut self) -> &mut Join<T> {
        self.join.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests that the task stop at its next await, and returns at once.
    ///
    /// The task's future is dropped on its runtime, not here. Await the handle to know that this
    /// has happened, or use [`cancel`](JoinHandle::cancel).
    ///
    /// A task that completed first keeps its output. One that completes, or panics, after the
    /// request without another await counts as cancelled; what it made is dropped.
    ///
    /// # Errors
    ///
    /// Cannot fail. Aborting again, or aborting a finished task, does nothing.
    pub fn abort(&self) {
        // Aborting runs code of the user's (wakers): not under the lock.
        let abort = self.lock().abort();
        if let Some(abort) = abort {
            abort.abort();
        }
    }

    /// A handle that can abort the task, for others to keep.
    ///
    /// It works for as long as the task runs, also after this handle was dropped.
    #[must_use]
    pub fn abort_handle(&self) -> AbortHandle {
        let mut join = self.lock();
        AbortHandle { task: join.abort_handle(), name: join.name(), location: self.location }
    }

    /// Aborts the task, and waits until its future has been dropped.
    ///
    /// Gives the output if the task completed before the request.
    ///
    /// # Errors
    ///
    /// As awaiting the handle; [`is_cancelled`](JoinError::is_cancelled) if the task was stopped.
    ///
    /// # Panics
    ///
    /// If the handle was polled to its end before.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the task, whether it was polled or not; it only stops the
    /// waiting.
    pub fn cancel(self) -> impl Future<Output = Result<T, JoinError>> {
        // Bound before the future is first polled, so that dropping it unpolled aborts, too.
        let mut bound = self.abort_on_drop();
        async move {
            let location = bound.handle.location;
            let join = bound.handle.join_mut();
            let name = join.take_name();
            join.cancel().await.map_err(|end| JoinError::new(end, name, location))
        }
    }

    /// Lets the task run on without a handle. Its output is dropped when it is there.
    ///
    /// The same as dropping the handle, for the reader.
    pub fn detach(self) {}

    /// Whether the task has ended: completed, panicked, or been dropped after an abort.
    ///
    /// Once it is true it stays true, and a join resolves without waiting. An abort alone does
    /// not make it true: the future must have been dropped.
    ///
    /// On async-std the first call allocates.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        let finished = self.lock().is_finished();
        match finished {
            Finished::Known(finished) => finished,
            Finished::Ask(task) => task.is_finished(),
        }
    }

    /// Binds the task to the handle: dropping the returned handle aborts the task.
    pub fn abort_on_drop(self) -> AbortOnDrop<T> {
        AbortOnDrop { handle: self }
    }

    /// The name that the task was [spawned with](crate::SpawnerExt::spawn_named), if any.
    #[must_use]
    pub fn task_name(&self) -> Option<Cow<'static, str>> {
        self.lock().name().map(|name| *name)
    }

    /// The location of the `spawn` call.
    #[must_use]
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.location
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let location = this.location;
        let join = this.join_mut();
        match join.poll_join(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(output)) => Poll::Ready(Ok(output)),
            Poll::Ready(Err(end)) => Poll::Ready(Err(JoinError::new(end, join.name(), location))),
        }
    }
}

// A handle holds no `T` in place and never pins one.
impl<T> Unpin for JoinHandle<T> {}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JoinHandle(")?;
        write_task(f, self.task_name().as_deref(), self.location)?;
        f.write_str(")")
    }
}

/// Aborts a task from elsewhere.
///
/// It does not keep the task's output alive, and dropping it does nothing to the task. It works
/// after the [`JoinHandle`] was dropped, and from inside the task itself.
#[derive(Clone)]
pub struct AbortHandle {
    task: Arc<dyn Abort>,
    name: Name,
    location: &'static Location<'static>,
}

impl AbortHandle {
    /// Requests that the task stop at its next await, and returns at once.
    ///
    /// See [`JoinHandle::abort`].
    ///
    /// # Errors
    ///
    /// Cannot fail. Aborting again, or aborting a finished task, does nothing.
    pub fn abort(&self) {
        self.task.abort();
    }

    /// Whether the task has ended: completed, panicked, or been dropped after an abort.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    /// The name that the task was [spawned with](crate::SpawnerExt::spawn_named), if any.
    #[must_use]
    pub fn task_name(&self) -> Option<&str> {
        self.name.as_ref().map(|name| &***name)
    }

    /// The location of the `spawn` call.
    #[must_use]
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.location
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AbortHandle(")?;
        write_task(f, self.task_name(), self.location)?;
        f.write_str(")")
    }
}

/// A [`JoinHandle`] that aborts its task when it is dropped.
///
/// What `smol::Task` and `async_task::Task` do by themselves, on every backend. Await it as one
/// awaits a [`JoinHandle`], or let the task go with [`detach`](AbortOnDrop::detach).
///
/// # Examples
///
/// ```
/// # use async_runtime_compat::FnSpawner;
/// use async_runtime_compat::prelude::*;
///
/// struct Monitor {
///     /// Watches for as long as the monitor lives.
///     _watcher: AbortOnDrop<()>,
/// }
///
/// impl Monitor {
///     fn new(spawner: &dyn Spawner) -> Monitor {
///         let watcher = spawner.spawn_with_handle(async { /* watch */ });
///         Monitor { _watcher: watcher.abort_on_drop() }
///     }
/// }
/// # Monitor::new(&FnSpawner::new(|f| { std::thread::spawn(|| futures_lite::future::block_on(f)); }));
/// ```
#[must_use = "dropping this handle aborts its task"]
pub struct AbortOnDrop<T> {
    handle: JoinHandle<T>,
}

impl<T> AbortOnDrop<T> {
    /// Requests that the task stop at its next await; see [`JoinHandle::abort`].
    pub fn abort(&self) {
        self.handle.abort();
    }

    /// A handle that can abort the task; see [`JoinHandle::abort_handle`].
    #[must_use]
    pub fn abort_handle(&self) -> AbortHandle {
        self.handle.abort_handle()
    }

    /// Aborts the task and waits until its future has been dropped; see [`JoinHandle::cancel`].
    ///
    /// # Errors
    ///
    /// As [`JoinHandle::cancel`].
    pub fn cancel(self) -> impl Future<Output = Result<T, JoinError>> {
        self.into_handle().cancel()
    }

    /// Lets the task run on, without a handle; see [`JoinHandle::detach`].
    pub fn detach(self) {
        self.into_handle().detach();
    }

    /// Unbinds the task: dropping the [`JoinHandle`] detaches it.
    pub fn into_handle(mut self) -> JoinHandle<T> {
        JoinHandle::new(self.handle.join_mut().take(), self.handle.location)
    }

    /// The name that the task was [spawned with](crate::SpawnerExt::spawn_named), if any.
    #[must_use]
    pub fn task_name(&self) -> Option<Cow<'static, str>> {
        self.handle.task_name()
    }

    /// The location of the `spawn` call.
    #[must_use]
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.handle.spawned_at()
    }

    /// Whether the task has ended; see [`JoinHandle::is_finished`].
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }
}

impl<T> Future for AbortOnDrop<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.handle).poll(cx)
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.handle.join_mut().take().abort_detached();
    }
}

impl<T> fmt::Debug for AbortOnDrop<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AbortOnDrop({:?})", self.handle)
    }
}
