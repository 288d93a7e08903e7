//! The state that a boxed task, or a boxed job, shares with its handles.

use std::mem;
use std::ptr;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::backend::Abort;
use crate::backend::ending::Ending;
use crate::contain::{Payload, discard, wake};
use crate::error::End;
use crate::ids::IdSlot;
use crate::seam;
use crate::sync::atomic::{AtomicU8, Ordering};
use crate::sync::{Mutex, MutexGuard};

/// The cell for the result of a task.
pub(super) struct Cell<T> {
    /// Written under the lock only, so that a store suffices, and read without it, so that most polls do not lock.
    flags: AtomicU8,
    pub(super) id: IdSlot,
    /// Stored where `T` is known to be `Send + 'static`.
    to_abort: fn(Arc<Cell<T>>) -> Arc<dyn Abort>,
    state: Mutex<State<T>>,
}

/// An abort was requested before the end.
const ABORTED: u8 = 1;
/// The task has ended: its future was dropped, and its output was stored or dropped.
const ENDED: u8 = 1 << 1;
/// The handle is detached.
const DETACHED: u8 = 1 << 2;
/// There is, or was, an abort handle.
const WATCHED: u8 = 1 << 3;
/// A joiner has waited.
const JOINED: u8 = 1 << 4;

struct State<T> {
    progress: Progress<T>,
    /// The task's waker, which gets it polled, so that it notices that it was aborted.
    task: Option<Waker>,
}

enum Progress<T> {
    /// The task has not ended. With the waker of the joiner.
    Live(Option<Waker>),
    Ended(Result<T, End>),
    Taken,
}

impl<T: Send + 'static> Cell<T> {
    pub(super) fn new() -> Arc<Cell<T>> {
        Arc::new(Cell {
            flags: AtomicU8::new(0),
            id: IdSlot::default(),
            to_abort: |cell| cell,
            state: Mutex::new(State { progress: Progress::Live(None), task: None }),
        })
    }
}

impl<T> Cell<T> {
    #[inline]
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No user code runs under the lock, so no panic can poison it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Acquire pairs with the release in `set`: a thread that sees a flag also sees what led to it. One that sees
    /// `ENDED` sees the drop of the future.
    fn has(&self, flags: u8) -> bool {
        self.flags.load(Ordering::Acquire) & flags != 0
    }

    /// The flags, and no other thread can change them.
    fn flags(&self, _lock: &MutexGuard<'_, State<T>>) -> u8 {
        // All writes are under the lock, which orders them.
        self.flags.load(Ordering::Relaxed)
    }

    fn set(&self, lock: &MutexGuard<'_, State<T>>, flags: u8) {
        self.flags.store(self.flags(lock) | flags, Ordering::Release);
    }

    pub(super) fn is_ended(&self) -> bool {
        self.has(ENDED)
    }

    pub(super) fn abort(&self) {
        let mut state = self.lock();
        if self.flags(&state) & (ENDED | ABORTED) != 0 {
            return;
        }
        self.set(&state, ABORTED);
        let task = state.task.take();
        // Wake after unlocking: the waker is user code.
        drop(state);
        wake(task);
    }

    pub(super) fn to_abort(self: &Arc<Self>) -> Arc<dyn Abort> {
        (self.to_abort)(self.clone())
    }

    /// Returns a handle that aborts the task from elsewhere.
    pub(super) fn watch(self: &Arc<Self>) -> Arc<dyn Abort> {
        let state = self.lock();
        self.set(&state, WATCHED);
        drop(state);
        self.to_abort()
    }

    #[inline]
    pub(super) fn poll_join(self: &mut Arc<Self>, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        if !self.is_ended() && self.register(cx.waker()) {
            return Poll::Pending;
        }
        // Usually the task has dropped its reference by now, and there is no need to lock.
        let progress = match Arc::get_mut(self) {
            Some(cell) => {
                let state = cell.state.get_mut().unwrap_or_else(PoisonError::into_inner);
                mem::replace(&mut state.progress, Progress::Taken)
            }
            None => mem::replace(&mut self.lock().progress, Progress::Taken),
        };
        match progress {
            Progress::Ended(result) => Poll::Ready(result),
            Progress::Live(_) | Progress::Taken => {
                unreachable!("the handle keeps track of having resolved")
            }
        }
    }

    /// Registers the joiner's waker. Returns false if the task has ended.
    fn register(&self, waker: &Waker) -> bool {
        // Clone and drop wakers without the lock: both may run user code. Without looking under the lock first, if
        // there can be no waker to compare with.
        if self.has(JOINED) {
            match &self.lock().progress {
                Progress::Live(Some(joiner)) if joiner.will_wake(waker) => return true,
                Progress::Live(_) => {}
                _ => return false,
            }
        }
        let mut waker = Some(waker.clone());
        let mut state = self.lock();
        let Progress::Live(joiner) = &mut state.progress else {
            drop(state);
            return false;
        };
        mem::swap(joiner, &mut waker);
        self.set(&state, JOINED);
        drop(state);
        true
    }

    /// Drops the handle's part: the output is dropped as soon as there is one.
    pub(super) fn detach(&self) {
        let mut state = self.lock();
        self.set(&state, DETACHED);
        let joiner = match &mut state.progress {
            Progress::Live(joiner) => joiner.take(),
            _ => None,
        };
        let unwanted = match &state.progress {
            Progress::Live(_) => None,
            _ => Some(mem::replace(&mut state.progress, Progress::Taken)),
        };
        let watched = self.flags(&state) & WATCHED != 0;
        let task = if watched { None } else { state.task.take() };
        drop(state);
        drop(joiner);
        drop(task);
        discard(unwanted);
    }

    /// Called when the task has ended and its future was dropped.
    #[inline]
    fn end(self: Arc<Self>, result: Result<T, End>) {
        let state = self.lock();
        // Under the lock: an abort comes before the end and decides it, or comes after it and is ignored.
        let (joiner, task) = if self.flags(&state) & (ABORTED | DETACHED) == 0 {
            self.store_end(state, Progress::Ended(result))
        } else {
            drop(state);
            self.end_unwanted(result)
        };
        // Before the joiner runs, which then is the only owner, and frees the cell on its own thread.
        drop(self);
        drop(task);
        // Wake after unlocking: the waker may poll the handle.
        if joiner.is_some() {
            wake(joiner);
        }
    }

    /// Ends a task whose output nobody gets.
    #[cold]
    #[inline(never)]
    fn end_unwanted(&self, result: Result<T, End>) -> (Option<Waker>, Option<Waker>) {
        // Before anybody is told of the end: when the join resolves, the output has been dropped, too.
        discard(result);
        let state = self.lock();
        let detached = self.flags(&state) & DETACHED != 0;
        let end = if detached { Progress::Taken } else { Progress::Ended(Err(End::Cancelled)) };
        self.store_end(state, end)
    }

    /// Returns the wakers of the joiner and of the task.
    #[inline(always)]
    fn store_end(
        &self,
        mut state: MutexGuard<'_, State<T>>,
        end: Progress<T>,
    ) -> (Option<Waker>, Option<Waker>) {
        let joiner = match &mut state.progress {
            Progress::Live(joiner) => joiner.take(),
            _ => None,
        };
        state.progress = end;
        let task = state.task.take();
        self.set(&state, ENDED);
        (joiner, task)
    }
}

impl<T: Send> Abort for Cell<T> {
    fn abort(&self) {
        Cell::abort(self);
    }

    fn is_finished(&self) -> bool {
        self.is_ended()
    }
}

/// The task's reference to the cell. Dropping it before the end means that the spawner dropped the task, because
/// it was shut down.
pub(in crate::backend) struct Link<T> {
    /// `None` once the task has ended.
    cell: Option<Arc<Cell<T>>>,
    /// The waker that was last stored in the cell: a task that is polled often need not lock the cell
    /// to find that it is still there.
    ///
    /// Its addresses suffice. As long as an abort may come, the cell owns that waker, so that nothing
    /// else can have them. The waker leaves the cell by an abort, which sets `ABORTED` first, or with
    /// the last handle, after which no abort comes.
    registered: WakerId,
}

/// The addresses of a waker's data and of its functions. That of the functions is never 0.
type WakerId = (usize, usize);

impl<T> Link<T> {
    pub(super) fn new(cell: Arc<Cell<T>>) -> Link<T> {
        Link { cell: Some(cell), registered: (0, 0) }
    }

    pub(super) fn is_ended(&self) -> bool {
        self.cell.is_none()
    }

    pub(in crate::backend) fn is_aborted(&self) -> bool {
        self.cell.as_ref().is_some_and(|cell| cell.has(ABORTED))
    }

    #[inline]
    pub(in crate::backend) fn end(&mut self, result: Result<T, End>) {
        if let Some(cell) = self.cell.take() {
            cell.end(result);
        }
    }

    #[cold]
    #[inline(never)]
    fn shut_down(&mut self) {
        self.end(Err(End::Shutdown));
    }

    /// Ends the task with the result of its last poll. Returns false if the executor must drop it instead.
    #[inline]
    pub(in crate::backend) fn finish(&mut self, result: Result<impl Ending<T>, Payload>) -> bool {
        if !seam::keeps_end() {
            discard(result);
            return false;
        }
        match result {
            Ok(output) => self.end(output.into_end()),
            Err(payload) => self.end(Err(End::panic(seam::panicked(payload)))),
        }
        true
    }

    /// Registers the task's waker. Returns false if the task was aborted, and so must not wait.
    #[inline]
    pub(super) fn register(&mut self, waker: &Waker) -> bool {
        let id = (waker.data().addr(), ptr::from_ref(waker.vtable()).addr());
        if self.registered == id {
            // An abort from here on wakes the task.
            return !self.is_aborted();
        }
        self.registered = id;
        self.cell.as_ref().is_none_or(|cell| cell.store(waker))
    }
}

impl<T> Cell<T> {
    /// Stores the task's waker. Returns false if the task was aborted.
    fn store(&self, waker: &Waker) -> bool {
        let mut waker = Some(waker.clone());
        let mut state = self.lock();
        let flags = self.flags(&state);
        // Without a handle that could abort, do not keep the waker: it may own the task, which owns this cell.
        if flags & DETACHED == 0 || flags & WATCHED != 0 {
            mem::swap(&mut state.task, &mut waker);
        }
        // Unlock before dropping the old waker, which may run user code.
        drop(state);
        flags & ABORTED == 0
    }
}

impl<T> Drop for Link<T> {
    #[inline]
    fn drop(&mut self) {
        if self.cell.is_some() {
            self.shut_down();
        }
    }
}
