//! Results in the order of the spawns.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use crate::backend;
use crate::blocking::BlockingExt;
use crate::contain::discard;
use crate::error::JoinError;
use crate::handle::JoinHandle;
use crate::seam::{Blocking, Spawner};
use crate::spawner::SpawnerExt;

/// A queue of tasks that run concurrently, and whose results it yields in the order of their spawns, on any spawner.
///
/// Dropping it aborts its remaining tasks.
///
/// A result is returned when its task and all tasks before it have ended. For results as the tasks end, use a
/// [`JoinGroup`](crate::JoinGroup).
///
/// # Comparison to tokio-util's `JoinQueue`
///
/// It differs from it as a [`JoinGroup`](crate::JoinGroup) differs from tokio's `JoinSet`.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::{JoinQueue, smol::SmolSpawner};
///
/// # futures_lite::future::block_on(async {
/// let mut pages = JoinQueue::new(Arc::new(SmolSpawner));
/// for page in 0..3 {
///     pages.spawn(async move {
///         SmolSpawner.sleep(Duration::from_millis(30 - 10 * page)).await;
///         page
///     });
/// }
/// assert_eq!(pages.join_all().await?, [0, 1, 2]);
/// # Ok::<(), JoinError>(())
/// # }).unwrap();
/// # }
/// ```
#[must_use = "dropping a `JoinQueue` aborts its tasks"]
pub struct JoinQueue<T> {
    spawner: Arc<dyn Spawner>,
    tasks: VecDeque<JoinHandle<T>>,
}

impl<T> JoinQueue<T> {
    /// Creates an empty queue of tasks on the spawner.
    pub fn new(spawner: Arc<dyn Spawner>) -> JoinQueue<T> {
        JoinQueue { spawner, tasks: VecDeque::new() }
    }

    /// Creates a queue and spawns the futures into it.
    #[track_caller]
    pub fn from_iter_on<I>(spawner: Arc<dyn Spawner>, futures: I) -> JoinQueue<T>
    where
        I: IntoIterator<Item: Future<Output = T> + Send + 'static>,
        T: Send + 'static,
    {
        let mut queue = JoinQueue::new(spawner);
        queue.extend(futures);
        queue
    }

    /// Returns the number of tasks whose result has not been returned.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Returns whether every result has been returned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Spawns a task to the end of the queue.
    ///
    /// The returned reference gives access to the task's name and location, and to an
    /// [abort handle](JoinHandle::abort_handle); it can be ignored.
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F) -> &JoinHandle<T>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let handle = self.spawner.spawn_with_handle(future);
        self.insert(handle)
    }

    /// Like [`spawn`](JoinQueue::spawn), for a task with a name, which identifies it in an error.
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

    /// Runs a function in the pool, and adds it to the end of the queue.
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

    /// Adds a task that has already been spawned, or blocking work, to the end of the queue.
    ///
    /// The task may have ended, but must not have been joined: the poll that reaches it would panic.
    pub fn insert(&mut self, handle: JoinHandle<T>) -> &JoinHandle<T> {
        self.tasks.push_back(handle);
        &self.tasks[self.tasks.len() - 1]
    }

    /// Waits for the first task of the queue to end, and returns its result, or `None` if there are no tasks.
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

    /// Polls for the next result; see [`join_next`](JoinQueue::join_next).
    ///
    /// `Ready(None)` means that there are no tasks now; more may be added. Only the waker of the last call is
    /// woken.
    ///
    /// # Panics
    ///
    /// Panics if the handle had already resolved when it was [inserted](JoinQueue::insert).
    pub fn poll_join_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        let Some(first) = self.tasks.front_mut() else { return Poll::Ready(None) };
        let result = ready!(Pin::new(first).poll(cx));
        self.tasks.pop_front();
        Poll::Ready(Some(result))
    }

    /// Returns the result of the first task of the queue, or `None` if it has not ended, or if there is no task.
    ///
    /// # Errors
    ///
    /// The same as awaiting the task's [`JoinHandle`].
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        // A poll of a task that has not ended would replace the waker of `poll_join_next`.
        self.tasks.front().filter(|first| first.is_finished())?;
        // Not limited by a task's budget: there is no later poll to leave the rest to.
        match backend::unconstrained(|| {
            self.poll_join_next(&mut Context::from_waker(Waker::noop()))
        }) {
            Poll::Ready(result) => result,
            Poll::Pending => None,
        }
    }

    /// Waits until all tasks have ended, and returns their outputs, in the order of the spawns.
    ///
    /// # Errors
    ///
    /// Returns the first [`JoinError`] in the order of the spawns, when all tasks before it have ended. The tasks
    /// after it are aborted, as if the queue had been dropped. To collect the outputs of the others nevertheless,
    /// call [`join_next`](JoinQueue::join_next) in a loop.
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
    /// The tasks stay in the queue: [`join_next`](JoinQueue::join_next) returns the result of each. A task that
    /// completed first keeps its output.
    ///
    /// # Errors
    ///
    /// Cannot fail.
    pub fn abort_all(&self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }

    /// Aborts all tasks, waits until their futures have been dropped, and discards their results.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the tasks stay aborted, and those not yet waited for stay in the queue.
    pub async fn shutdown(&mut self) {
        self.abort_all();
        while let Some(result) = self.join_next().await {
            discard(result);
        }
    }

    /// Detaches all tasks: they run on, and their results are dropped.
    pub fn detach_all(&mut self) {
        self.tasks.drain(..).for_each(JoinHandle::detach);
    }
}

impl<T> Drop for JoinQueue<T> {
    fn drop(&mut self) {
        self.tasks.drain(..).for_each(|task| drop(task.abort_on_drop()));
    }
}

/// Spawns the futures to the end of the queue.
///
/// To add tasks that have been spawned already, [`insert`](JoinQueue::insert) their handles.
impl<T, F> Extend<F> for JoinQueue<T>
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

// The spawner may not be unwind safe. A panic in one of its methods does not leave the queue in a broken state.
impl<T> UnwindSafe for JoinQueue<T> {}
impl<T> RefUnwindSafe for JoinQueue<T> {}

impl<T> fmt::Debug for JoinQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinQueue").field("len", &self.len()).finish_non_exhaustive()
    }
}
