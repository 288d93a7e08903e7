//! Groups of tasks that can be listed, awaited and shut down.

mod builder;
mod join_group;
mod join_map;
mod join_queue;
mod joins;
mod scope;
mod slots;
mod track;

use std::fmt;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::cancel::CancelToken;
use crate::layer::{Layers, Members};
use crate::runtime::forward;
use crate::seam::{Spawner, Timer};
use crate::time::TimerExt;

pub use self::builder::TaskGroupBuilder;
pub use self::join_group::JoinGroup;
pub use self::join_map::JoinMap;
pub use self::join_queue::JoinQueue;
pub use self::track::Tracked;
pub use crate::layer::{ShutdownReport, TaskInfo};

/// A spawner that tracks its tasks, and can shut them down.
///
/// Pass it to a constructor in place of the spawner: every task that is spawned through it, at any depth,
/// belongs to the group until its future has been dropped. Clones are the same group.
///
/// # Dropping it
///
/// When the last clone is dropped, the group is closed, its token is cancelled, and its tasks are aborted. A
/// clone that is owned by one of its tasks counts as well: such a task keeps the group alive, and thereby
/// itself. Give tasks of the group a [`spawner`](TaskGroup::spawner) instead, which does not keep it alive:
///
/// ```
/// use std::sync::Arc;
///
/// use async_runtime_compat::TaskGroup;
/// use async_runtime_compat::prelude::*;
///
/// struct Server {
///     /// Tasks that the connections spawn end with the server.
///     group: TaskGroup,
/// }
///
/// async fn connection(spawner: Arc<dyn Spawner>) {
///     spawner.spawn_detached(async { /* belongs to the group, too */ });
/// }
///
/// impl Server {
///     fn accepted(&self) {
///         let spawner = Arc::new(self.group.spawner());
///         self.group.spawn_detached(connection(spawner));
///     }
/// }
/// ```
///
/// # Aborting
///
/// The group can abort each of its tasks, including detached ones, on any spawner. This has the same effect as
/// [`JoinHandle::abort`](crate::JoinHandle::abort): the future is dropped on its runtime, at the next await,
/// and its join says [`is_cancelled`](crate::JoinError::is_cancelled).
///
/// # Nesting
///
/// A group on another group's spawner is nested in that group: its tasks belong to both, aborting the outer
/// group aborts them, and its token is a child of the outer token. This also holds when the code that creates
/// the inner group does not know that its spawner is a group.
///
/// # Cost
///
/// A task needs no allocation, and a built-in backend is called as directly as without the group. Spawning
/// takes a lock that few threads share; a task that never waited leaves the group without locking. The memory
/// of the list shrinks with the number of tasks, except for room for about a thousand per worker thread. A
/// task that waits leaves a clone of its waker with the group. For this reason a custom spawner must own its
/// tasks, and not leave that to their wakers: tasks that wait would live until the group is dropped.
///
/// # Comparison to tokio-util's `TaskTracker`, and to `JoinSet`
///
/// A `TaskTracker` counts tasks and waits for them; it cannot abort or list them, and each spawn has to name
/// it. A `TaskGroup` does not keep results; tokio's `JoinSet` does, and its counterpart is the
/// [`JoinGroup`]. Unlike on a `TaskTracker`, [`wait`](TaskGroup::wait) does not require a
/// [`close`](TaskGroup::close) before it, and a closed group refuses tasks. Both can track a future that is polled
/// elsewhere, with [`track_future`](TaskGroup::track_future). There is no counterpart of a tracker's token, which
/// counts as a task without being one.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use async_runtime_compat::TaskGroup;
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::tokio::TokioSpawner;
///
/// # let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
/// # tokio.block_on(async {
/// let runtime = TokioSpawner::current().unwrap();
/// let group = TaskGroup::new(Arc::new(runtime.clone()));
///
/// let token = group.cancel_token();
/// group.spawn_detached(async move { token.cancelled().await });
/// group.spawn_detached(std::future::pending());
/// assert_eq!(group.len(), 2);
///
/// let report = group.shutdown(&runtime, Duration::from_millis(10)).await;
/// assert_eq!((report.finished, report.aborted, report.panicked), (1, 1, 0));
/// assert!(group.is_empty());
/// # });
/// # }
/// ```
#[derive(Clone)]
pub struct TaskGroup {
    owner: Arc<Owner>,
}

// A group's state is behind locks under which no user code runs: a panic leaves nothing half done. The spawner and the
// clock are only used by reference, from any thread, as every task may.
impl UnwindSafe for TaskGroup {}
impl RefUnwindSafe for TaskGroup {}
impl UnwindSafe for GroupSpawner {}
impl RefUnwindSafe for GroupSpawner {}

/// The state that the clones of a group share.
struct Owner {
    spawner: GroupSpawner,
    clock: Option<Arc<dyn Timer>>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        let core = &self.spawner.core;
        core.close();
        core.token().cancel();
        core.abort_all();
    }
}

impl TaskGroup {
    /// Creates a group whose tasks run on the spawner.
    ///
    /// Its [listing](TaskGroup::tasks) has no ages: reading a clock at each spawn would cost more than the
    /// rest of the group. To have them, give the [`builder`](TaskGroup::builder) a timer.
    #[must_use]
    pub fn new(spawner: Arc<dyn Spawner>) -> TaskGroup {
        TaskGroup::builder(spawner).build()
    }

    /// Configures a group with more than the defaults.
    pub fn builder(spawner: Arc<dyn Spawner>) -> TaskGroupBuilder {
        TaskGroupBuilder::new(spawner)
    }

    /// Creates a group nested in this one, with the same clock.
    ///
    /// Otherwise the same as a [`new`](TaskGroup::new) group on this group's [`spawner`](TaskGroup::spawner).
    #[must_use]
    pub fn child(&self) -> TaskGroup {
        let builder = TaskGroup::builder(Arc::new(self.spawner()));
        match &self.owner.clock {
            Some(clock) => builder.timer(clock.clone()).build(),
            None => builder.build(),
        }
    }

    fn core(&self) -> &Arc<Members> {
        &self.owner.spawner.core
    }

    /// Returns a spawner into the group that does not keep the group alive.
    ///
    /// It is meant for the group's own tasks. After the group was dropped it refuses tasks, like a
    /// [closed](TaskGroup::close) group.
    #[must_use]
    pub fn spawner(&self) -> GroupSpawner {
        self.owner.spawner.clone()
    }

    /// Creates a set of tasks in this group that yields results in the order in which the tasks end.
    pub fn join_group<T>(&self) -> JoinGroup<T> {
        JoinGroup::new(Arc::new(self.spawner()))
    }

    /// Returns the number of tasks whose future has not been dropped yet.
    ///
    /// By the time a join resolves, its task is no longer counted. This call counts the tasks, in one step
    /// per thirty of them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.core().len()
    }

    /// Returns whether the group has no tasks.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lists the tasks: their names, the locations of their `spawn` calls, their ages if the group has a clock, and
    /// their ids if its spawner is [`Identified`](crate::decorate::Identified).
    ///
    /// With a clock, the oldest tasks come first. Without, the tasks spawned by one thread are in the order
    /// of their spawns.
    #[must_use]
    pub fn tasks(&self) -> Vec<TaskInfo> {
        self.core().tasks()
    }

    /// Returns the token that requests the tasks to end.
    ///
    /// It is cancelled by [`shutdown`](TaskGroup::shutdown), by dropping the group, and by anyone who holds
    /// it. Cancelling it has no other effect on the group.
    #[must_use]
    pub fn cancel_token(&self) -> CancelToken {
        self.core().token().clone()
    }

    /// Waits until the group is empty.
    ///
    /// It resolves if the group is empty at its first poll, or at any moment after that, even if a task is
    /// spawned right afterwards. Any number of tasks may wait. A task that waits for its own group waits for
    /// ever.
    ///
    /// Dropping the future ends the wait.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: calling this again continues the wait.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub fn wait(&self) -> impl Future<Output = ()> + Send + Unpin + use<> {
        Empty { core: self.core().clone(), key: None }
    }

    /// Requests that each task stop at its next await, and returns at once.
    ///
    /// Tasks that are spawned afterwards are not aborted. To know that the aborted tasks have been dropped,
    /// [`wait`](TaskGroup::wait) for them.
    ///
    /// # Errors
    ///
    /// Cannot fail.
    pub fn abort_all(&self) {
        self.core().abort_all();
    }

    /// Closes the group to new tasks.
    ///
    /// From now on futures are dropped in the call that spawns them, and their joins say
    /// [`is_shutdown`](crate::JoinError::is_shutdown). Existing tasks run on.
    pub fn close(&self) {
        self.core().close();
    }

    /// Opens the group to new tasks again after a [`close`](TaskGroup::close). On an open group this does nothing.
    ///
    /// It does not renew the group's token: if that was cancelled, for example by
    /// [`shutdown`](TaskGroup::shutdown), it stays so, and tasks that observe it end soon after they start. To
    /// start over with a new token, make a new group.
    ///
    /// A `shutdown` that is under way waits for tasks that are spawned after this, too, and aborts those that were
    /// there at the end of its grace period.
    pub fn reopen(&self) {
        self.core().reopen();
    }

    /// Returns whether the group is closed to new tasks.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.core().is_closed()
    }

    /// Shuts the group down: requests its tasks to end, and aborts those that have not after the grace
    /// period.
    ///
    /// On its first poll this [closes](TaskGroup::close) the group and cancels its
    /// [token](TaskGroup::cancel_token). It then waits until the group is empty, for at most the grace
    /// period, aborts the remaining tasks, and waits until they have been dropped. Since the group is closed,
    /// tasks that spawn while they clean up must do so on the spawner underneath; to accept such tasks,
    /// [`drain`](TaskGroup::drain) the group instead.
    ///
    /// A grace period of zero aborts at once and needs no timer; [`Duration::MAX`] never aborts. A task that
    /// blocks its thread cannot be aborted, and is waited for, as is, for ever, a task on an executor that
    /// nobody drives. A task that shuts down its own group is aborted at the end of the grace period, and
    /// never gets the report.
    ///
    /// # Panics
    ///
    /// The same as [`Timer::sleep`], unless the grace period is zero.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the group stays closed and the token cancelled, and nothing is aborted.
    /// Calling this again continues, with a new grace period; the new report does not count tasks that ended
    /// before.
    pub async fn shutdown(&self, timer: &dyn Timer, grace: Duration) -> ShutdownReport {
        let core = self.core();
        let closed = core.close();
        core.token().cancel();
        if !self.is_empty_within(timer, grace).await {
            self.abort_all();
            self.wait().await;
        }
        core.since(&closed)
    }

    /// Waits until the group is empty, no longer than the grace period. One of zero needs no timer.
    async fn is_empty_within(&self, timer: &dyn Timer, grace: Duration) -> bool {
        !grace.is_zero() && timer.timeout(grace, self.wait()).await.is_ok()
    }
}

impl TaskGroup {
    /// Shuts the group down like [`shutdown`](TaskGroup::shutdown), but accepts tasks until the end of the
    /// grace period, for a server that spawns a task per request and answers the requests it has read.
    ///
    /// On its first poll this cancels the [token](TaskGroup::cancel_token). It then waits until the group is
    /// empty, for at most the grace period, [closes](TaskGroup::close) it, aborts the remaining tasks, and
    /// waits until they have been dropped. A task that is spawned after the group was empty is refused, or
    /// aborted if the group is not closed yet.
    ///
    /// The report counts the tasks that ended since the first poll. Everything else is as with `shutdown`.
    ///
    /// # Panics
    ///
    /// The same as [`Timer::sleep`], unless the grace period is zero.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the token stays cancelled, the group stays open, and nothing is aborted.
    /// Calling this again continues, with a new grace period; the new report does not count tasks that ended
    /// before.
    pub async fn drain(&self, timer: &dyn Timer, grace: Duration) -> ShutdownReport {
        let core = self.core();
        let before = core.present();
        core.token().cancel();
        // Close and abort even if it is empty: a task may be spawned at any time.
        self.is_empty_within(timer, grace).await;
        self.close();
        self.abort_all();
        self.wait().await;
        core.since(&before)
    }
}

forward!(Spawner, owner.spawner: impl<> TaskGroup);

impl fmt::Debug for TaskGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// A spawner into a group that does not keep the group alive; returned by [`TaskGroup::spawner`].
///
/// Dropping it does not affect the group.
#[derive(Clone)]
pub struct GroupSpawner {
    hooked: Arc<Layers<dyn Spawner>>,
    core: Arc<Members>,
}

forward!(Spawner, hooked: impl<> GroupSpawner);

impl fmt::Debug for GroupSpawner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupSpawner").finish_non_exhaustive()
    }
}

/// Waits until a group is empty.
struct Empty {
    core: Arc<Members>,
    key: Option<u64>,
}

impl Future for Empty {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.core.poll_empty(&mut this.key, cx.waker())
    }
}

impl Drop for Empty {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.core.forget_waiting(key);
        }
    }
}

#[cfg(all(test, model))]
mod models;
