//! Tasks whose results are taken in the order in which the tasks end.

use std::collections::VecDeque;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use super::slots::{Key, Slots};
use crate::backend;
use crate::contain::{discard, wake};
use crate::error::JoinError;
use crate::handle::JoinHandle;
use crate::sync::{Mutex, MutexGuard};

/// The number of slots that keep their wakers for later tasks, so that a set which spawns a task for each one that
/// ended does not allocate.
const KEPT: usize = 32;

/// Tasks whose results have not been taken, each with a mark by which its owner knows it.
///
/// Dropping it aborts them.
pub(super) struct Joins<M, T> {
    tasks: Slots<Joining<M, T>>,
    ready: Arc<Ready>,
    /// Keys taken out of `ready`, all at once.
    next: VecDeque<Key>,
    /// Whether a waker was left in `ready`. It may have been woken since.
    waits: bool,
    /// Wakers of the first slots, while these are empty.
    wakers: Vec<Option<Waker>>,
}

/// A task whose result has not been taken.
pub(super) struct Joining<M, T> {
    pub(super) handle: JoinHandle<T>,
    pub(super) mark: M,
    /// Queues the task's key.
    waker: Waker,
    /// The result, if the task had ended when it was inserted. The mutex is never locked; it makes this `Sync`.
    early: Option<Box<Mutex<Result<T, JoinError>>>>,
}

/// A task that has ended. Its result is in an output parameter: it may be large, and in an unoptimised build each function
/// that returned it would have room for several of it on the stack.
pub(super) struct Joined<M, N> {
    pub(super) slot: Key,
    pub(super) mark: M,
    /// What was noted of the handle before it resolved.
    pub(super) noted: N,
}

/// The result of a task that has ended.
pub(super) type Output<T> = Option<Result<T, JoinError>>;

impl<M, T> Joins<M, T> {
    pub(super) fn new() -> Joins<M, T> {
        Joins {
            tasks: Slots::new(),
            ready: Arc::default(),
            next: VecDeque::new(),
            waits: false,
            wakers: Vec::new(),
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Adds a task that has not been joined.
    ///
    /// # Panics
    ///
    /// Panics if the handle has already resolved.
    #[inline]
    pub(super) fn insert(&mut self, mut handle: JoinHandle<T>, mark: M) -> Key {
        let key = self.tasks.next_key();
        let waker = self.waker(key);
        // From here on the waker queues the task, in the order of the ends. Without budget the poll would queue it at
        // once, and not again when it ends.
        let mut poll = || Pin::new(&mut handle).poll(&mut Context::from_waker(&waker));
        let first = if backend::has_budget() { poll() } else { backend::unconstrained(poll) };
        let early = match first {
            Poll::Pending => None,
            Poll::Ready(result) => {
                waker.wake_by_ref();
                Some(Box::new(Mutex::new(result)))
            }
        };
        self.tasks.insert(key, Joining { handle, mark, waker, early });
        key
    }

    /// A waker that queues the key. It belongs to the slot, and not to the task: a waker that is called late gets
    /// the slot's next task polled once more.
    fn waker(&mut self, key: Key) -> Waker {
        let kept = self.wakers.get_mut(key as usize).and_then(Option::take);
        kept.unwrap_or_else(|| Waker::from(Arc::new(TaskWaker { ready: self.ready.clone(), key })))
    }

    /// Removes a task. Dropping its handle detaches it.
    pub(super) fn remove(&mut self, key: Key) -> Option<(M, JoinHandle<T>)> {
        let Joining { handle, mark, waker, early } = self.tasks.remove(key)?;
        let index = key as usize;
        if index < KEPT {
            if self.wakers.len() <= index {
                self.wakers.resize_with(index + 1, || None);
            }
            self.wakers[index] = Some(waker);
        }
        discard(early);
        Some((mark, handle))
    }

    pub(super) fn get(&self, key: Key) -> Option<&Joining<M, T>> {
        self.tasks.get(key)
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Joining<M, T>> {
        self.tasks.get_mut(key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Joining<M, T>> {
        self.tasks.iter()
    }

    /// Polls for a task that has ended. `Ready(None)` if there are no tasks.
    #[inline]
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        result: &mut Output<T>,
    ) -> Poll<Option<Joined<M, ()>>> {
        self.poll_next_noting(cx, result, |_| ())
    }

    /// The same, with what the function notes of the handle before it resolves.
    #[inline]
    pub(super) fn poll_next_noting<N>(
        &mut self,
        cx: &mut Context<'_>,
        result: &mut Output<T>,
        note: impl Fn(&JoinHandle<T>) -> N,
    ) -> Poll<Option<Joined<M, N>>> {
        if self.tasks.len() == 0 {
            return Poll::Ready(None);
        }
        loop {
            if let Some(joined) = self.take_next(result, &note) {
                return Poll::Ready(Some(joined));
            }
            if !self.next.is_empty() {
                // The budget of this poll is used up.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            // If a waker was left, it has probably been woken, and need not be cloned again. Clone and drop wakers
            // without the lock: both may run user code.
            let mut waker = if self.waits { None } else { Some(cx.waker().clone()) };
            let mut state = self.ready.lock();
            if state.queue.is_empty() {
                if waker.is_some() {
                    mem::swap(&mut state.waiting, &mut waker);
                    self.waits = true;
                } else {
                    self.waits = state.waiting.as_ref().is_some_and(|it| it.will_wake(cx.waker()));
                }
                drop(state);
                discard(waker);
                if self.waits {
                    return Poll::Pending;
                }
            } else {
                mem::swap(&mut state.queue, &mut self.next);
                let left = state.waiting.take();
                drop(state);
                discard((waker, left));
                self.waits = false;
            }
        }
    }

    /// Takes a task that has ended, without waiting.
    pub(super) fn try_next(&mut self, result: &mut Output<T>) -> Option<Joined<M, ()>> {
        // Not limited by a task's budget: there is no later poll to leave the rest to.
        backend::unconstrained(|| {
            loop {
                if let Some(joined) = self.take_next(result, &|_| ()) {
                    return Some(joined);
                }
                mem::swap(&mut self.ready.lock().queue, &mut self.next);
                if self.next.is_empty() {
                    return None;
                }
            }
        })
    }

    fn take_next<N>(
        &mut self,
        result: &mut Output<T>,
        note: &impl Fn(&JoinHandle<T>) -> N,
    ) -> Option<Joined<M, N>> {
        // Without budget each poll would return pending and queue its task again, out of order.
        while backend::has_budget() {
            let Some(key) = self.next.pop_front() else {
                if self.next.capacity() > 64 {
                    self.next = VecDeque::new();
                }
                return None;
            };
            // A waker may be called late, or twice: the slot may be empty or reused by then.
            let Some(task) = self.tasks.get_mut(key) else { continue };
            let noted = note(&task.handle);
            if task.poll(result) {
                let (mark, _resolved) = self.remove(key)?;
                return Some(Joined { slot: key, mark, noted });
            }
        }
        None
    }

    /// Requests that each task stop.
    pub(super) fn abort_all(&self) {
        self.iter().for_each(|task| task.handle.abort());
    }

    /// Detaches all tasks.
    pub(super) fn detach_all(&mut self) {
        self.take_all().for_each(|task| task.handle.detach());
    }

    fn take_all(&mut self) -> impl Iterator<Item = Joining<M, T>> + use<M, T> {
        mem::replace(&mut self.tasks, Slots::new()).into_values()
    }
}

impl<M, T> Joining<M, T> {
    /// Whether the task has ended, with its result in the output parameter.
    #[inline]
    fn poll(&mut self, result: &mut Output<T>) -> bool {
        if let Some(early) = self.early.take() {
            *result = Some(early.into_inner().unwrap_or_else(PoisonError::into_inner));
            return true;
        }
        match Pin::new(&mut self.handle).poll(&mut Context::from_waker(&self.waker)) {
            Poll::Ready(ended) => {
                *result = Some(ended);
                true
            }
            Poll::Pending => false,
        }
    }
}

impl<M, T> Drop for Joins<M, T> {
    fn drop(&mut self) {
        // Breaks a cycle: tasks that have not stopped yet own the waker, which may own the task that owns this.
        let waker = self.ready.lock().waiting.take();
        discard(waker);
        for Joining { handle, mark, early, .. } in self.take_all() {
            drop(handle.abort_on_drop());
            // A panic here would detach the other tasks.
            discard((mark, early));
        }
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
}

/// Queues a task when it ends.
struct TaskWaker {
    ready: Arc<Ready>,
    key: Key,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    // A handle calls its waker once for each time that it was polled and pending, so the queue holds few keys more
    // than there are tasks.
    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = self.ready.lock();
        state.queue.push_back(self.key);
        let waiting = state.waiting.take();
        // Wake after unlocking: the waker may poll the set.
        drop(state);
        wake(waiting);
    }
}
