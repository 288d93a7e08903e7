//! Handles to spawned tasks.

mod guard;

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};

use crate::backend::{Abort, Finished, Join, Sharing};
use crate::error::JoinError;
use crate::ids::TaskId;
use crate::meta::{Label, write_task};
use crate::sync::{Mutex, MutexGuard};

pub use self::guard::AbortGuard;

/// A handle to a spawned task: await it for the task's output.
///
/// Dropping the handle **detaches** the task: it runs to its end, and its output is dropped. This
/// holds on every backend, including those whose own handle cancels on drop. If a task should not
/// outlive its owner, use [`abort_on_drop`](JoinHandle::abort_on_drop).
///
/// The handle may be awaited anywhere: on another runtime than the task's, or on none.
///
/// # Errors
///
/// Awaiting the handle returns a [`JoinError`] if the task was aborted, if it panicked, or if its
/// runtime was shut down. When it resolves, the task's future has been dropped, and so has an output that
/// this does not return.
///
/// # Panics
///
/// Panics if the handle is polled after it resolved.
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
    // Polling has `&mut self` and never locks; only aborting and querying through `&self` do.
    join: Mutex<Join<T>>,
    location: &'static Location<'static>,
    sharing: Sharing<T>,
}

impl<T> JoinHandle<T> {
    #[inline]
    pub(crate) fn new(join: Join<T>, location: &'static Location<'static>) -> JoinHandle<T>
    where
        T: Send + 'static,
    {
        JoinHandle { join: Mutex::new(join), location, sharing: Sharing::NEW }
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
    /// The task's future is dropped on its runtime, not here. To know that this has happened, await
    /// the handle, or use [`cancel`](JoinHandle::cancel).
    ///
    /// A task that completed first keeps its output. A task that completes or panics after the
    /// request, without reaching another await, counts as cancelled; its output is dropped.
    ///
    /// # Errors
    ///
    /// Cannot fail. Aborting again, or aborting a finished task, does nothing.
    pub fn abort(&self) {
        // Abort after unlocking: it runs wakers, which are user code.
        let abort = self.lock().abort(self.sharing);
        if let Some(abort) = abort {
            abort.abort();
        }
    }

    /// Returns a handle that can abort the task from elsewhere.
    ///
    /// It works for as long as the task runs, even after this handle was dropped.
    #[must_use]
    pub fn abort_handle(&self) -> AbortHandle {
        let mut join = self.lock();
        AbortHandle {
            task: join.abort_handle(self.sharing),
            label: join.label(),
            location: self.location,
        }
    }

    /// Aborts the task, and waits until its future has been dropped.
    ///
    /// Returns the output if the task completed before the request.
    ///
    /// # Errors
    ///
    /// The same as awaiting the handle; [`is_cancelled`](JoinError::is_cancelled) if the task was
    /// stopped.
    ///
    /// # Panics
    ///
    /// Panics if the handle has already resolved.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future, polled or not, still aborts the task; it only ends the wait.
    pub fn cancel(self) -> impl Future<Output = Result<T, JoinError>> {
        // Bound before the future is first polled, so that dropping it unpolled aborts, too.
        let mut bound = self.abort_on_drop();
        async move {
            let JoinHandle { location, sharing, .. } = bound.handle;
            bound.handle.join_mut().cancel(sharing, location).await
        }
    }

    /// Lets the task run on without a handle. Its output is dropped.
    ///
    /// This is the same as dropping the handle, and says so.
    pub fn detach(self) {}

    /// Returns whether the task has ended: completed, panicked, or been dropped after an abort.
    ///
    /// Once this is true it stays true, and the handle resolves without waiting. An abort alone does
    /// not make it true: the future must have been dropped.
    ///
    /// On async-std the first call allocates.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        let finished = self.lock().is_finished(self.sharing);
        match finished {
            Finished::Known(finished) => finished,
            Finished::Ask(task) => task.is_finished(),
        }
    }

    /// Binds the task to the handle: dropping the returned handle aborts the task.
    pub fn abort_on_drop(self) -> AbortOnDrop<T> {
        AbortOnDrop { handle: self }
    }

    /// Returns the name that the task was [spawned with](crate::SpawnerExt::spawn_named), if any.
    #[must_use]
    pub fn task_name(&self) -> Option<Cow<'static, str>> {
        self.lock().label().into_name()
    }

    /// Returns the task's id, if it has one: its spawner is [`Identified`](crate::decorate::Identified), or identifies
    /// its tasks by itself, as a simulation does.
    ///
    /// An id by the spawner itself is known until the handle resolves.
    #[must_use]
    pub fn id(&self) -> Option<TaskId> {
        self.lock().label().id()
    }

    /// Returns the location of the `spawn` call.
    #[must_use]
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.location
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let location = this.location;
        this.join_mut().poll_result(cx, location)
    }
}

// A handle holds no `T` in place and never pins one.
impl<T> Unpin for JoinHandle<T> {}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JoinHandle(")?;
        let label = self.lock().label();
        write_task(f, label.id(), label.name(), self.location)?;
        f.write_str(")")
    }
}

/// Aborts a task from elsewhere.
///
/// It does not keep the task's output alive, and dropping it does not affect the task. It works
/// after the [`JoinHandle`] was dropped, and from inside the task itself.
#[derive(Clone)]
pub struct AbortHandle {
    task: Arc<dyn Abort>,
    label: Label,
    location: &'static Location<'static>,
}

// The handle's view of a task is behind a lock under which no user code runs, or atomic: a panic elsewhere leaves
// nothing half done.
impl UnwindSafe for AbortHandle {}
impl RefUnwindSafe for AbortHandle {}

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

    /// Returns whether the task has ended: completed, panicked, or been dropped after an abort.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    /// Binds the task to a guard: dropping the guard aborts the task.
    ///
    /// [`JoinHandle::abort_on_drop`] is the same for a handle that can also be awaited.
    pub fn abort_on_drop(self) -> AbortGuard {
        AbortGuard::new(self)
    }

    /// Returns the name that the task was [spawned with](crate::SpawnerExt::spawn_named), if any.
    #[must_use]
    pub fn task_name(&self) -> Option<&str> {
        self.label.name()
    }

    /// Returns the task's id, if it has one; see [`JoinHandle::id`].
    #[must_use]
    pub fn id(&self) -> Option<TaskId> {
        self.label.id()
    }

    /// Returns the location of the `spawn` call.
    #[must_use]
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.location
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AbortHandle(")?;
        write_task(f, self.id(), self.task_name(), self.location)?;
        f.write_str(")")
    }
}

/// A [`JoinHandle`] that aborts its task when it is dropped.
///
/// This is how `smol::Task` and `async_task::Task` behave, on every backend. Await it like a
/// [`JoinHandle`], or let the task run on with [`detach`](AbortOnDrop::detach).
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

    /// Returns a handle that can abort the task; see [`JoinHandle::abort_handle`].
    #[must_use]
    pub fn abort_handle(&self) -> AbortHandle {
        self.handle.abort_handle()
    }

    /// Aborts the task and waits until its future has been dropped; see [`JoinHandle::cancel`].
    ///
    /// # Errors
    ///
    /// The same as [`JoinHandle::cancel`].
    pub fn cancel(self) -> impl Future<Output = Result<T, JoinError>> {
        self.into_handle().cancel()
    }

    /// Lets the task run on, without a handle; see [`JoinHandle::detach`].
    pub fn detach(self) {
        self.into_handle().detach();
    }

    /// Unbinds the task from the handle: dropping the [`JoinHandle`] detaches it.
    pub fn into_handle(mut self) -> JoinHandle<T> {
        let JoinHandle { location, sharing, .. } = self.handle;
        JoinHandle { join: Mutex::new(self.handle.join_mut().take()), location, sharing }
    }

    /// Returns the name that the task was [spawned with](crate::SpawnerExt::spawn_named), if any.
    #[must_use]
    pub fn task_name(&self) -> Option<Cow<'static, str>> {
        self.handle.task_name()
    }

    /// Returns the task's id, if it has one; see [`JoinHandle::id`].
    #[must_use]
    pub fn id(&self) -> Option<TaskId> {
        self.handle.id()
    }

    /// Returns the location of the `spawn` call.
    #[must_use]
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.handle.spawned_at()
    }

    /// Returns whether the task has ended; see [`JoinHandle::is_finished`].
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
