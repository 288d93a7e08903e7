//! Knowing what was spawned, and bringing it to an end.

mod join;
mod scope;
mod slots;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::backend;
use crate::cancel::CancelToken;
use crate::layer::{Clock, Layer, Layers, Members};
use crate::runtime::forward;
use crate::seam::{Spawner, Timer};
use crate::time::TimerExt;

pub use self::join::JoinGroup;
pub use crate::layer::{ShutdownReport, TaskInfo};

/// A spawner that knows its tasks, and can bring them to an end.
///
/// Hand it to a constructor instead of the spawner: whatever is spawned through it, at whatever
/// depth it is handed on, belongs to the group until its future has been dropped. Clones are the
/// same group.
///
/// # Dropping it
///
/// When the last clone is dropped, the group is closed, its token is cancelled, and its tasks are
/// aborted. A clone that one of its tasks owns counts as any other: such a task keeps its group
/// alive, and so itself. What is to spawn from inside of the group takes a
/// [`spawner`](TaskGroup::spawner), which keeps nothing alive:
///
/// ```
/// use std::sync::Arc;
///
/// use async_runtime_compat::TaskGroup;
/// use async_runtime_compat::prelude::*;
///
/// struct Server {
///     /// Whatever the connections spawn ends with the server.
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
/// The group can abort each of its tasks, also those that are detached, on any spawner. What it
/// means is what it means with [`JoinHandle::abort`](crate::JoinHandle::abort): the future is
/// dropped on its runtime, at the next await, and a join says
/// [`is_cancelled`](crate::JoinError::is_cancelled).
///
/// # Nesting
///
/// A group on another group's spawner is a part of that one: its tasks belong to both, the outer
/// one's abort is theirs, and its token is a child of the outer one's. So it is, too, if
/// the code that makes the inner group does not know that it was given a group.
///
/// # What it costs
///
/// Nothing is allocated per task, and a built-in backend is reached as directly as without the
/// group. Spawning takes a lock, which few threads share; a task that never waited leaves the group
/// without one. The memory for its list goes with the tasks, but that for about a thousand per
/// thread at work is kept for the next ones. A task that waits leaves a clone of its waker with the
/// group. A spawner of the caller's must not leave it to the wakers to drop its tasks: those that
/// wait are dropped with the group at the latest.
///
/// # Comparison to tokio-util's `TaskTracker`, and to `JoinSet`
///
/// A `TaskTracker` counts tasks and waits for them; it cannot abort or list them, and it has to be
/// named where something is spawned. A group does not keep results; tokio's `JoinSet` does, and its
/// counterpart is the [`JoinGroup`]. [`wait`](TaskGroup::wait) needs no [`close`](TaskGroup::close)
/// before it, as it does on a `TaskTracker`.
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

/// What the clones of a group share.
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
    /// A group whose tasks run on the spawner.
    ///
    /// Its [listing](TaskGroup::tasks) tells no ages: reading a clock at each spawn would cost more
    /// than the rest of the group. [`builder`](TaskGroup::builder) takes a timer for that.
    #[must_use]
    pub fn new(spawner: Arc<dyn Spawner>) -> TaskGroup {
        TaskGroup::builder(spawner).build()
    }

    /// A group with more than the defaults.
    pub fn builder(spawner: Arc<dyn Spawner>) -> TaskGroupBuilder {
        TaskGroupBuilder { spawner, timer: None, token: None }
    }

    /// A group inside of this one, with the same clock.
    ///
    /// The same as a [`new`](TaskGroup::new) one on this group's [`spawner`](TaskGroup::spawner).
    #[must_use]
    pub fn child(&self) -> TaskGroup {
        let builder = TaskGroup::builder(Arc::new(self.spawner()));
        TaskGroupBuilder { timer: self.owner.clock.clone(), ..builder }.build()
    }

    fn core(&self) -> &Arc<Members> {
        &self.owner.spawner.core
    }

    /// A spawner into the group that does not keep the group alive.
    ///
    /// It is for the group's own tasks. Once the group was dropped, it refuses what is spawned, as
    /// a [closed](TaskGroup::close) one does.
    #[must_use]
    pub fn spawner(&self) -> GroupSpawner {
        self.owner.spawner.clone()
    }

    /// A set of tasks in this group whose results come in the order in which the tasks end.
    pub fn join_group<T>(&self) -> JoinGroup<T> {
        JoinGroup::new(Arc::new(self.spawner()))
    }

    /// How many tasks there are whose future has not been dropped yet.
    ///
    /// By the time a join resolves, the task is not among them. They are counted in this call, which
    /// takes a step for each thirty of them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.core().len()
    }

    /// Whether there are no tasks.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The tasks that there are: their names, the places that they were spawned at, and, if the
    /// group has a clock, their ages.
    ///
    /// With a clock, the oldest are first. Without, those that one thread has spawned are in their
    /// order.
    #[must_use]
    pub fn tasks(&self) -> Vec<TaskInfo> {
        self.core().tasks()
    }

    /// What tells the tasks that they should come to an end.
    ///
    /// [`shutdown`](TaskGroup::shutdown) cancels it, dropping the group does, and so may whoever
    /// has it. Cancelling it does nothing else to the group.
    #[must_use]
    pub fn cancel_token(&self) -> CancelToken {
        self.core().token().clone()
    }

    /// Waits until the group is empty.
    ///
    /// It resolves if the group is empty when it is first polled, or at any moment after that, even
    /// if something is spawned right afterwards. There may be several who wait. A task that waits
    /// for its own group waits for ever.
    ///
    /// Dropping the future ends the wait, and leaves nothing behind.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: waiting again is the same as having waited on.
    #[must_use = "a future does nothing unless it is awaited"]
    pub fn wait(&self) -> impl Future<Output = ()> + Send + Unpin + use<> {
        Empty { core: self.core().clone(), key: None }
    }

    /// Requests that each task stop at its next await, and returns at once.
    ///
    /// Tasks that are spawned afterwards are not concerned. [`wait`](TaskGroup::wait) for the end
    /// of those that are.
    ///
    /// # Errors
    ///
    /// Cannot fail.
    pub fn abort_all(&self) {
        self.core().abort_all();
    }

    /// Takes no more tasks.
    ///
    /// What is spawned from now on is dropped in the call that spawns, and its join says
    /// [`is_shutdown`](crate::JoinError::is_shutdown). The tasks that there are run on. It cannot
    /// be undone.
    pub fn close(&self) {
        self.core().close();
    }

    /// Whether the group takes no more tasks.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.core().is_closed()
    }

    /// Brings all tasks to an end: those that follow the token by themselves, the others by force.
    ///
    /// It [closes](TaskGroup::close) the group and cancels its [token](TaskGroup::cancel_token),
    /// both when it is first polled; waits until the group is empty, for as long as the grace
    /// period at most; aborts what is left then; and waits until that has been dropped. From the
    /// first moment on, nothing is taken any more: what has to be spawned while the tasks clean up
    /// is spawned on the spawner underneath, or the group is [drained](TaskGroup::drain) instead.
    ///
    /// A grace period of zero aborts at once and needs no timer; one of [`Duration::MAX`] never
    /// aborts. A task that blocks its thread cannot be aborted, and is waited for. So is, for ever, one of an executor
    /// that nobody drives. A task that shuts down its own group ends at the end of the grace
    /// period, and never gets the report.
    ///
    /// # Panics
    ///
    /// As [`Timer::sleep`], unless the grace period is zero.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, the group stays closed and the token cancelled, and nothing is aborted.
    /// Calling it again carries on, with a new grace period; the new report does not count what has
    /// ended by then.
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
    /// Brings all tasks to an end as [`shutdown`](TaskGroup::shutdown) does, but takes tasks until
    /// the end of the grace period: for a server whose requests are tasks of their own, and which
    /// answers those that it has read.
    ///
    /// It cancels the [token](TaskGroup::cancel_token) when it is first polled; waits until the group
    /// is empty, for as long as the grace period at most; [closes](TaskGroup::close) the group;
    /// aborts what is left then; and waits until that has been dropped. What is spawned after the
    /// group was empty is refused, or is aborted if it comes before the group is closed.
    ///
    /// The report counts what has ended since the first poll. All else is as with `shutdown`.
    ///
    /// # Panics
    ///
    /// As [`Timer::sleep`], unless the grace period is zero.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, the token stays cancelled, the group is open, and nothing is aborted.
    /// Calling it again carries on, with a new grace period; the new report does not count what has
    /// ended by then.
    pub async fn drain(&self, timer: &dyn Timer, grace: Duration) -> ShutdownReport {
        let core = self.core();
        let before = core.present();
        core.token().cancel();
        // Closed and aborted also if it is empty: tasks may be spawned at any time.
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

/// A group that is being made; see [`TaskGroup::builder`].
#[must_use = "`build` makes the group"]
pub struct TaskGroupBuilder {
    spawner: Arc<dyn Spawner>,
    timer: Option<Arc<dyn Timer>>,
    token: Option<CancelToken>,
}

impl TaskGroupBuilder {
    /// The clock that the ages of tasks are told by.
    ///
    /// It is read at each spawn. With the timer of the runtime they are virtual where time is: in a
    /// simulation, and on tokio's paused clock.
    pub fn timer(self, timer: Arc<dyn Timer>) -> TaskGroupBuilder {
        TaskGroupBuilder { timer: Some(timer), ..self }
    }

    /// A token that the group's own one is to be a child of.
    ///
    /// The default is that of the group around this one, if there is one.
    pub fn token(self, token: CancelToken) -> TaskGroupBuilder {
        TaskGroupBuilder { token: Some(token), ..self }
    }

    /// Makes the group.
    #[must_use]
    pub fn build(self) -> TaskGroup {
        let TaskGroupBuilder { spawner, timer: clock, token } = self;
        let token = match token.as_ref().or_else(|| backend::token_of(&spawner)) {
            Some(token) => token.child_token(),
            None => CancelToken::new(),
        };
        let now = clock.clone().map(|clock| -> Clock { Arc::new(move || clock.now()) });
        let core = Members::new(token, now);
        let hooked = Arc::new(backend::around_spawner(spawner, Layer::Group(core.clone())));
        TaskGroup { owner: Arc::new(Owner { spawner: GroupSpawner { hooked, core }, clock }) }
    }
}

impl fmt::Debug for TaskGroupBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroupBuilder").finish_non_exhaustive()
    }
}

/// A spawner into a group, which does not keep the group alive; made by [`TaskGroup::spawner`].
///
/// Dropping it does nothing to the group.
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
