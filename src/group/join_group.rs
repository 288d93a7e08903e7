//! Results in the order in which tasks end.

use std::borrow::Cow;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::joins::Joins;
use crate::blocking::BlockingExt;
use crate::contain::discard;
use crate::error::JoinError;
use crate::handle::JoinHandle;
use crate::ids::TaskId;
use crate::seam::{Blocking, Spawner};
use crate::spawner::SpawnerExt;

/// A set of tasks that yields results in the order in which the tasks end, on any spawner.
///
/// Dropping it aborts its remaining tasks.
///
/// For tasks that are found by a key, use a [`JoinMap`](crate::JoinMap); for results in the order of the spawns, a
/// [`JoinQueue`](crate::JoinQueue).
///
/// # Comparison to tokio's `JoinSet`
///
/// It is the counterpart of `JoinSet`. The spawner is passed once, to [`new`](JoinGroup::new), and not found
/// in the context; for this reason a `JoinGroup` can be [extended](Extend) but not collected:
/// [`from_iter_on`](JoinGroup::from_iter_on) takes the spawner as well. [`spawn`](JoinGroup::spawn) returns a
/// reference to the task's handle, from which an abort handle can be taken. It is not made unless asked for, since
/// that costs an allocation on most backends. [`insert`](JoinGroup::insert) accepts tasks from other spawners.
/// [`join_all`](JoinGroup::join_all) returns the first error, and does not panic.
///
/// # Cost
///
/// A task needs one allocation, as in a `JoinSet`; none, if the set held no more than 32 tasks and another one has
/// ended. A `JoinSet` locks its lists four or five times for each task, a `JoinGroup` at most three times.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use std::sync::Arc;
///
/// use async_runtime_compat::{JoinGroup, smol::SmolSpawner};
///
/// # futures_lite::future::block_on(async {
/// let mut squares = JoinGroup::new(Arc::new(SmolSpawner));
/// for number in 1..=3 {
///     squares.spawn(async move { number * number });
/// }
/// let mut sum = 0;
/// while let Some(square) = squares.join_next().await {
///     sum += square?;
/// }
/// assert_eq!(sum, 14);
/// # Ok::<(), async_runtime_compat::JoinError>(())
/// # }).unwrap();
/// # }
/// ```
#[must_use = "dropping a `JoinGroup` aborts its tasks"]
pub struct JoinGroup<T> {
    spawner: Arc<dyn Spawner>,
    tasks: Joins<(), T>,
}

impl<T> JoinGroup<T> {
    /// Creates an empty set of tasks on the spawner.
    pub fn new(spawner: Arc<dyn Spawner>) -> JoinGroup<T> {
        JoinGroup { spawner, tasks: Joins::new() }
    }

    /// Creates a set and spawns the futures into it.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use std::sync::Arc;
    ///
    /// use async_runtime_compat::{JoinGroup, smol::SmolSpawner};
    ///
    /// # futures_lite::future::block_on(async {
    /// let squares = (1..=3).map(|number| async move { number * number });
    /// let squares = JoinGroup::from_iter_on(Arc::new(SmolSpawner), squares).join_all().await?;
    /// assert_eq!(squares.iter().sum::<u32>(), 14);
    /// # Ok::<(), async_runtime_compat::JoinError>(())
    /// # }).unwrap();
    /// # }
    /// ```
    #[track_caller]
    pub fn from_iter_on<I>(spawner: Arc<dyn Spawner>, futures: I) -> JoinGroup<T>
    where
        I: IntoIterator<Item: Future<Output = T> + Send + 'static>,
        T: Send + 'static,
    {
        let mut group = JoinGroup::new(spawner);
        group.extend(futures);
        group
    }

    /// Returns the number of tasks whose result has not been returned.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Returns whether every result has been returned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Spawns a task into the set.
    ///
    /// The returned reference gives access to the task's name and location, and to an
    /// [abort handle](JoinHandle::abort_handle); it can be ignored.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// # use std::sync::Arc;
    /// # use async_runtime_compat::{JoinGroup, smol::SmolSpawner};
    /// # futures_lite::future::block_on(async {
    /// let mut group = JoinGroup::<()>::new(Arc::new(SmolSpawner));
    /// let abort = group.spawn(std::future::pending()).abort_handle();
    /// abort.abort();
    /// assert!(group.join_next().await.is_some_and(|result| result.is_err()));
    /// # });
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F) -> &JoinHandle<T>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let handle = self.spawner.spawn_with_handle(future);
        self.insert(handle)
    }

    /// Like [`spawn`](JoinGroup::spawn), for a task with a name, which identifies it in an error.
    #[track_caller]
    pub fn spawn_named<F>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        future: F,
    ) -> &JoinHandle<T>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let handle = self.spawner.spawn_named(name, future);
        self.insert(handle)
    }

    /// Runs a function in the pool, and adds it to the set.
    ///
    /// Aborting it has an effect only before it starts; see [`BlockingExt::spawn_blocking`].
    ///
    /// # Panics
    ///
    /// The same as [`BlockingExt::spawn_blocking`].
    #[track_caller]
    pub fn spawn_blocking<B, F>(&mut self, pool: &B, f: F) -> &JoinHandle<T>
    where
        B: Blocking + ?Sized,
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.insert(pool.spawn_blocking(f))
    }

    /// Adds a task that has already been spawned, or blocking work.
    ///
    /// The task may have ended, but must not have been joined.
    ///
    /// # Panics
    ///
    /// Panics if the handle has already resolved.
    pub fn insert(&mut self, handle: JoinHandle<T>) -> &JoinHandle<T> {
        let slot = self.tasks.insert(handle, ());
        &self.tasks.get(slot).expect("it was inserted above").handle
    }

    /// Waits for the next task to end, and returns its result, or `None` if there are no tasks.
    ///
    /// # Errors
    ///
    /// The same as awaiting the task's [`JoinHandle`].
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a result is removed only in the poll that returns it.
    pub fn join_next(&mut self) -> impl Future<Output = Option<Result<T, JoinError>>> {
        poll_fn(|cx| self.poll_join_next(cx))
    }

    /// Like [`join_next`](JoinGroup::join_next), with the task's [id](JoinHandle::id), if it has one.
    ///
    /// Tasks have ids if the spawner is [`Identified`](crate::decorate::Identified), or a simulation. To recognise a
    /// task by a value of your own, use a [`JoinMap`](crate::JoinMap).
    ///
    /// # Errors
    ///
    /// The same as awaiting the task's [`JoinHandle`].
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a result is removed only in the poll that returns it.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use std::sync::Arc;
    ///
    /// use async_runtime_compat::{JoinGroup, decorate::Identified, smol::SmolSpawner};
    ///
    /// # futures_lite::future::block_on(async {
    /// let mut group = JoinGroup::new(Arc::new(Identified::new(SmolSpawner)));
    /// let id = group.spawn(async { 1 + 2 }).id();
    /// let (ended, sum) = group.join_next_with_id().await.unwrap();
    /// assert_eq!((ended, sum?), (id, 3));
    /// # Ok::<(), async_runtime_compat::JoinError>(())
    /// # }).unwrap();
    /// # }
    /// ```
    pub fn join_next_with_id(
        &mut self,
    ) -> impl Future<Output = Option<(Option<TaskId>, Result<T, JoinError>)>> {
        poll_fn(|cx| {
            let mut result = None;
            let joined = ready!(self.tasks.poll_next_noting(cx, &mut result, JoinHandle::id));
            Poll::Ready(joined.map(|joined| joined.noted).zip(result))
        })
    }

    /// Polls for the next result; see [`join_next`](JoinGroup::join_next).
    ///
    /// `Ready(None)` means that there are no tasks now; more may be added. Only the waker of the last call is
    /// woken.
    pub fn poll_join_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        let mut result = None;
        match self.tasks.poll_next(cx, &mut result) {
            Poll::Ready(_) => Poll::Ready(result),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Returns the result of a task that has ended, or `None` if no task has.
    ///
    /// # Errors
    ///
    /// The same as awaiting the task's [`JoinHandle`].
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        let mut result = None;
        self.tasks.try_next(&mut result);
        result
    }

    /// Waits until all tasks have ended, and returns their outputs, in the order in which the tasks ended.
    ///
    /// # Errors
    ///
    /// Returns the first [`JoinError`], at once. The remaining tasks are aborted, as if the set had been dropped. To
    /// collect the outputs of the others nevertheless, call [`join_next`](JoinGroup::join_next) in a loop.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future, polled or not, aborts the tasks, and drops the outputs that it has collected.
    pub async fn join_all(mut self) -> Result<Vec<T>, JoinError> {
        let mut outputs = Vec::with_capacity(self.len());
        while let Some(result) = self.join_next().await {
            outputs.push(result?);
        }
        Ok(outputs)
    }

    /// Requests that each task stop at its next await, and returns at once.
    ///
    /// The tasks stay in the set: [`join_next`](JoinGroup::join_next) returns the result of each. A task that
    /// completed first keeps its output.
    ///
    /// # Errors
    ///
    /// Cannot fail.
    pub fn abort_all(&self) {
        self.tasks.abort_all();
    }

    /// Aborts all tasks, waits until their futures have been dropped, and discards their results.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the tasks stay aborted, and those not yet waited for stay in the set.
    pub async fn shutdown(&mut self) {
        self.abort_all();
        while let Some(result) = self.join_next().await {
            discard(result);
        }
    }

    /// Detaches all tasks: they run on, and their results are dropped.
    pub fn detach_all(&mut self) {
        self.tasks.detach_all();
    }
}

/// Spawns the futures into the set.
///
/// To add tasks that have been spawned already, [`insert`](JoinGroup::insert) their handles.
impl<T, F> Extend<F> for JoinGroup<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    #[track_caller]
    fn extend<I: IntoIterator<Item = F>>(&mut self, futures: I) {
        for future in futures {
            self.spawn(future);
        }
    }
}

// The spawner may not be unwind safe. A panic in one of its methods does not leave the set in a broken state.
impl<T> UnwindSafe for JoinGroup<T> {}
impl<T> RefUnwindSafe for JoinGroup<T> {}

impl<T> fmt::Debug for JoinGroup<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinGroup").field("len", &self.len()).finish_non_exhaustive()
    }
}
