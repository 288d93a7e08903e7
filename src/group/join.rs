//! Results in the order in which tasks end.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use super::slots::{Key, Slots};
use crate::backend;
use crate::contain::{discard, wake};
use crate::error::JoinError;
use crate::handle::{AbortOnDrop, JoinHandle};
use crate::seam::Spawner;
use crate::spawner::SpawnerExt;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, MutexGuard};

/// A set of tasks that yields results in the order in which the tasks end, on any spawner.
///
/// Dropping it aborts its remaining tasks.
///
/// # Comparison to tokio's `JoinSet`
///
/// It is the counterpart of `JoinSet`. The spawner is passed once, to [`new`](JoinGroup::new), and not found
/// in the context. [`spawn`](JoinGroup::spawn) does not return an abort handle, which costs an allocation on
/// most backends. To get one, spawn with a handle, take its abort handle, and [`insert`](JoinGroup::insert)
/// the handle. `insert` also accepts tasks from other spawners, and blocking work.
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
    tasks: Slots<Joining<T>>,
    ready: Arc<Ready>,
    /// Keys taken out of `ready`, all at once.
    next: VecDeque<Key>,
}

/// A task whose result has not been returned.
struct Joining<T> {
    handle: AbortOnDrop<T>,
    /// The result, if the task had ended when it was inserted.
    result: Option<Result<T, JoinError>>,
    waker: Arc<TaskWaker>,
}

impl<T> JoinGroup<T> {
    /// Creates an empty set of tasks on the spawner.
    pub fn new(spawner: Arc<dyn Spawner>) -> JoinGroup<T> {
        let next = VecDeque::new();
        JoinGroup { spawner, tasks: Slots::new(), ready: Arc::default(), next }
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
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F)
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let handle = self.spawner.spawn_with_handle(future);
        self.insert(handle);
    }

    /// Like [`spawn`](JoinGroup::spawn), for a task with a name, which identifies it in an error.
    #[track_caller]
    pub fn spawn_named<F>(&mut self, name: impl Into<Cow<'static, str>>, future: F)
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let handle = self.spawner.spawn_named(name, future);
        self.insert(handle);
    }

    /// Adds a task that has already been spawned, or blocking work.
    ///
    /// The task may have ended, but must not have been joined.
    ///
    /// # Panics
    ///
    /// Panics if the handle has already resolved.
    pub fn insert(&mut self, handle: JoinHandle<T>) {
        let waker = Arc::new(TaskWaker {
            ready: self.ready.clone(),
            key: self.tasks.next_key(),
            queued: AtomicBool::new(false),
        });
        let mut task = Joining { handle: handle.abort_on_drop(), result: None, waker };
        // From here on the task's waker queues it, in the order of the ends.
        if let Poll::Ready(result) = task.poll() {
            task.result = Some(result);
            task.waker.wake_by_ref();
        }
        self.tasks.insert(task);
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

    /// Polls for the next result; see [`join_next`](JoinGroup::join_next).
    ///
    /// `Ready(None)` means that there are no tasks now; more may be added. Only the waker of the last call is
    /// woken.
    pub fn poll_join_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        if self.tasks.len() == 0 {
            return Poll::Ready(None);
        }
        if let Some(result) = self.take_ready() {
            return Poll::Ready(Some(result));
        }
        // Registered before the queue is checked again, so that a task that ends meanwhile finds it.
        self.ready.register(Some(cx.waker().clone()));
        if let Some(result) = self.take_ready() {
            self.ready.register(None);
            return Poll::Ready(Some(result));
        }
        if !self.next.is_empty() {
            // The budget of this poll is used up.
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Returns the result of a task that has ended, or `None` if no task has.
    ///
    /// # Errors
    ///
    /// The same as awaiting the task's [`JoinHandle`].
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        // Not limited by a task's budget: there is no later poll to leave the rest to.
        backend::unconstrained(|| self.take_ready())
    }

    fn take_ready(&mut self) -> Option<Result<T, JoinError>> {
        if let Some(result) = self.take_next() {
            return Some(result);
        }
        if self.next.is_empty() {
            if self.next.capacity() > 64 {
                self.next = VecDeque::new();
            }
            self.ready.swap(&mut self.next);
        }
        self.take_next()
    }

    fn take_next(&mut self) -> Option<Result<T, JoinError>> {
        // Without budget each poll would return pending and queue its task again, out of order.
        while backend::has_budget() {
            let key = self.next.pop_front()?;
            // A removed task may be woken late; its slot may be empty or reused by then.
            let Some(task) = self.tasks.get_mut(key) else { continue };
            // Acquire and release, with the swap in `wake_by_ref`: either the waker sees that the task is
            // not queued and queues it, or the poll below sees that the task has ended.
            task.waker.queued.swap(false, Ordering::AcqRel);
            if let Poll::Ready(result) = task.poll() {
                self.tasks.remove(key);
                return Some(result);
            }
        }
        None
    }

    /// Requests that each task stop at its next await, and returns at once.
    ///
    /// The tasks stay in the set: [`join_next`](JoinGroup::join_next) returns the result of each.
    ///
    /// # Errors
    ///
    /// Cannot fail.
    pub fn abort_all(&self) {
        self.tasks.iter().for_each(|task| task.handle.abort());
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
        for task in mem::replace(&mut self.tasks, Slots::new()).into_values() {
            task.handle.into_handle().detach();
        }
    }
}

impl<T> Joining<T> {
    fn poll(&mut self) -> Poll<Result<T, JoinError>> {
        if let Some(result) = self.result.take() {
            return Poll::Ready(result);
        }
        let waker = Waker::from(self.waker.clone());
        Pin::new(&mut self.handle).poll(&mut Context::from_waker(&waker))
    }
}

impl<T> Drop for JoinGroup<T> {
    fn drop(&mut self) {
        // Breaks a cycle: the remaining tasks own the waker, which may own the task that owns this.
        self.ready.register(None);
    }
}

impl<T> fmt::Debug for JoinGroup<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinGroup").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// The queue of the tasks that have ended.
#[derive(Default)]
struct Ready(Mutex<ReadyState>);

#[derive(Default)]
struct ReadyState {
    queue: VecDeque<Key>,
    /// The waker of the task that waits for the next result.
    waiting: Option<Waker>,
}

impl Ready {
    fn lock(&self) -> MutexGuard<'_, ReadyState> {
        // No user code runs under the lock, so no panic can poison it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn swap(&self, queue: &mut VecDeque<Key>) {
        mem::swap(&mut self.lock().queue, queue);
    }

    fn register(&self, mut waker: Option<Waker>) {
        mem::swap(&mut self.lock().waiting, &mut waker);
        // Drop after unlocking: the waker's destructor may be user code.
        discard(waker);
    }
}

/// Queues a task when it ends.
struct TaskWaker {
    ready: Arc<Ready>,
    key: Key,
    queued: AtomicBool,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.queued.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut state = self.ready.lock();
        state.queue.push_back(self.key);
        let waiting = state.waiting.take();
        drop(state);
        wake(waiting);
    }
}
