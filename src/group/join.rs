//! Results in the order in which they come.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use super::slots::{Key, Slots};
use crate::backend;
use crate::contain::{discard, wake};
use crate::error::JoinError;
use crate::handle::{AbortOnDrop, JoinHandle};
use crate::seam::Spawner;
use crate::spawner::SpawnerExt;

/// Tasks whose results come in the order in which the tasks end, on any spawner.
///
/// Dropping it aborts the tasks that are left in it.
///
/// # Comparison to tokio's `JoinSet`
///
/// It is the same thing. The runtime is given once, in [`new`](JoinGroup::new), and not found in
/// the surroundings. [`spawn`](JoinGroup::spawn) gives no abort handle, because on most backends
/// one costs an allocation; where one is needed, spawn with a handle, get the abort handle from it,
/// and [`insert`](JoinGroup::insert) the handle. `insert` also takes what was spawned elsewhere: on
/// another spawner, or for work that blocks.
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
#[must_use = "dropping it aborts its tasks"]
pub struct JoinGroup<T> {
    spawner: Arc<dyn Spawner>,
    tasks: Slots<Joining<T>>,
    ready: Arc<Ready>,
    /// Taken out of `ready`, all at once.
    next: VecDeque<Key>,
}

/// A task whose result has not been handed out.
struct Joining<T> {
    handle: AbortOnDrop<T>,
    /// If it was there at once.
    result: Option<Result<T, JoinError>>,
    waker: Arc<TaskWaker>,
}

impl<T> JoinGroup<T> {
    /// An empty one, which spawns on the spawner.
    pub fn new(spawner: Arc<dyn Spawner>) -> JoinGroup<T> {
        let next = VecDeque::new();
        JoinGroup { spawner, tasks: Slots::new(), ready: Arc::default(), next }
    }

    /// How many tasks there are whose result has not been handed out.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether every result has been handed out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Spawns a task whose result is wanted here.
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F)
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let handle = self.spawner.spawn_with_handle(future);
        self.insert(handle);
    }

    /// Like [`spawn`](JoinGroup::spawn), for a task with a name, by which an error can be told from
    /// the others.
    #[track_caller]
    pub fn spawn_named<F>(&mut self, name: impl Into<Cow<'static, str>>, future: F)
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let handle = self.spawner.spawn_named(name, future);
        self.insert(handle);
    }

    /// Adds a task that was spawned already, or work that blocks.
    ///
    /// Ended it may have, but not been joined.
    ///
    /// # Panics
    ///
    /// If the handle was polled to its end before.
    pub fn insert(&mut self, handle: JoinHandle<T>) {
        let waker = Arc::new(TaskWaker {
            ready: self.ready.clone(),
            key: self.tasks.next_key(),
            queued: AtomicBool::new(false),
        });
        let mut task = Joining { handle: handle.abort_on_drop(), result: None, waker };
        // Who is told of the end from now on knows the order of the ends.
        if let Poll::Ready(result) = task.poll() {
            task.result = Some(result);
            task.waker.wake_by_ref();
        }
        self.tasks.insert(task);
    }

    /// Waits for the next task to end, and gives its result; `None` if there are no tasks.
    ///
    /// # Errors
    ///
    /// As awaiting the task's [`JoinHandle`].
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a result is taken out only in the poll that gives it.
    pub fn join_next(&mut self) -> impl Future<Output = Option<Result<T, JoinError>>> {
        poll_fn(|cx| self.poll_join_next(cx))
    }

    /// Like [`join_next`](JoinGroup::join_next), as a poll.
    ///
    /// `Ready(None)` means that there are no tasks, and not that there will be none. The waker of
    /// the last call is the one that is woken.
    pub fn poll_join_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        if self.tasks.len() == 0 {
            return Poll::Ready(None);
        }
        if let Some(result) = self.take_ready() {
            return Poll::Ready(Some(result));
        }
        // Before the tasks are looked at again: one that ends meanwhile finds it.
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

    /// The result of a task that has ended; `None` if there is none of these now.
    ///
    /// # Errors
    ///
    /// As awaiting the task's [`JoinHandle`].
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        // There is no next poll to leave the rest to.
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
        // Without it, each would be asked in vain and queued again, in whatever order.
        while backend::has_budget() {
            let key = self.next.pop_front()?;
            // A task that has gone may be woken late, and its place be empty or another's.
            let Some(task) = self.tasks.get_mut(key) else { continue };
            // Who queues it sees that it is not queued, or this sees that it has ended.
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
    /// The tasks stay: [`join_next`](JoinGroup::join_next) gives how each one ended.
    ///
    /// # Errors
    ///
    /// Cannot fail.
    pub fn abort_all(&self) {
        self.tasks.iter().for_each(|task| task.handle.abort());
    }

    /// Aborts all tasks, and waits until each future has been dropped. Their results are dropped,
    /// too.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, the tasks stay aborted, and those that it has not got to stay here.
    pub async fn shutdown(&mut self) {
        self.abort_all();
        while let Some(result) = self.join_next().await {
            discard(result);
        }
    }

    /// Lets all tasks run on without this. Their results are dropped.
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
        // The waker may own the task that owns this, and the tasks that are left own it.
        self.ready.register(None);
    }
}

impl<T> fmt::Debug for JoinGroup<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinGroup").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Where the tasks that have ended are queued.
#[derive(Default)]
struct Ready(Mutex<ReadyState>);

#[derive(Default)]
struct ReadyState {
    queue: VecDeque<Key>,
    /// Who waits for the next one.
    waiting: Option<Waker>,
}

impl Ready {
    fn lock(&self) -> MutexGuard<'_, ReadyState> {
        // Nothing of the user's runs under the lock, so there is no panic that could poison it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn swap(&self, queue: &mut VecDeque<Key>) {
        mem::swap(&mut self.lock().queue, queue);
    }

    fn register(&self, mut waker: Option<Waker>) {
        mem::swap(&mut self.lock().waiting, &mut waker);
        // Without the lock: it may run code of the user's.
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
