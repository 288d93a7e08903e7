//! Tasks on a spawner that this crate does not know: one box, and one cell for the result.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use super::ending::{Ending, end_of};
use super::join::SharedHandle;
use super::{Abort, Join, SharedJoin};
use crate::contain::{Contained, Payload, PollCaught, discard, wake};
use crate::error::End;
use crate::meta::SpawnMeta;
use crate::seam;
use crate::seam::Spawner;

pub(super) fn spawn<T, S, F>(spawner: &S, meta: SpawnMeta<'_>, future: F) -> Join<T>
where
    T: Send + 'static,
    S: Spawner + ?Sized,
    F: Future + Send + 'static,
    F::Output: Ending<T>,
{
    let cell = Arc::new(Cell::new());
    let task =
        Box::pin(BoxedTask { future: Contained::new(future), link: Link::new(cell.clone()) });
    spawner.spawn_with(meta.containing(&*task), task);
    SharedHandle::new(cell).into()
}

/// The state that a task shares with its handles.
pub(super) struct Cell<T> {
    /// Set under the lock, and read without it, so that a poll does not lock.
    aborted: AtomicBool,
    state: Mutex<State<T>>,
}

struct State<T> {
    progress: Progress<T>,
    /// The handle is detached.
    detached: bool,
    /// There is, or was, an abort handle.
    watched: bool,
    /// The waker of the joiner.
    joiner: Option<Waker>,
    /// The task's waker, which gets it polled, so that it notices that it was aborted.
    task: Option<Waker>,
}

enum Progress<T> {
    Live,
    Ended(Result<T, End>),
    Taken,
}

impl<T> Cell<T> {
    pub(super) fn new() -> Cell<T> {
        Cell {
            aborted: AtomicBool::new(false),
            state: Mutex::new(State {
                progress: Progress::Live,
                detached: false,
                watched: false,
                joiner: None,
                task: None,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No user code runs under the lock, so no panic can poison it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_aborted(&self) -> bool {
        self.aborted.load(Ordering::Acquire)
    }

    /// Called when the task has ended and its future was dropped.
    fn end(&self, result: Result<T, End>) {
        let mut unwanted = None;
        let mut state = self.lock();
        // Under the lock: an abort comes before the end and decides it, or comes after it and is ignored.
        let result = if self.is_aborted() {
            unwanted = Some(result);
            Err(End::Cancelled)
        } else {
            result
        };
        if state.detached {
            state.progress = Progress::Taken;
            unwanted = unwanted.or(Some(result));
        } else {
            state.progress = Progress::Ended(result);
        }
        let joiner = state.joiner.take();
        let task = state.task.take();
        // Wake after unlocking: the waker may poll the handle.
        drop(state);
        wake(joiner);
        drop(task);
        discard(unwanted);
    }
}

impl<T: Send> Abort for Cell<T> {
    fn abort(&self) {
        let mut state = self.lock();
        if !matches!(state.progress, Progress::Live) {
            return;
        }
        self.aborted.store(true, Ordering::Release);
        let task = state.task.take();
        drop(state);
        wake(task);
    }

    fn is_finished(&self) -> bool {
        !matches!(self.lock().progress, Progress::Live)
    }
}

impl<T: Send + 'static> SharedJoin<T> for Cell<T> {
    fn poll_join(&self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        let mut state = self.lock();
        if matches!(state.progress, Progress::Live) {
            if state.joiner.as_ref().is_some_and(|joiner| joiner.will_wake(cx.waker())) {
                return Poll::Pending;
            }
            // Clone and drop wakers without the lock: both may run user code.
            drop(state);
            let mut waker = Some(cx.waker().clone());
            state = self.lock();
            if matches!(state.progress, Progress::Live) {
                mem::swap(&mut state.joiner, &mut waker);
                drop(state);
                return Poll::Pending;
            }
            drop(state);
            drop(waker);
            state = self.lock();
        }
        let progress = mem::replace(&mut state.progress, Progress::Taken);
        drop(state);
        match progress {
            Progress::Ended(result) => Poll::Ready(result),
            Progress::Live | Progress::Taken => {
                unreachable!("the handle keeps track of having resolved")
            }
        }
    }

    fn watch(self: Arc<Self>) -> Arc<dyn Abort> {
        self.lock().watched = true;
        self
    }

    fn detach(self: Arc<Self>) {
        let mut state = self.lock();
        state.detached = true;
        let joiner = state.joiner.take();
        let task = if state.watched { None } else { state.task.take() };
        let unwanted = match mem::replace(&mut state.progress, Progress::Taken) {
            Progress::Live => {
                state.progress = Progress::Live;
                None
            }
            Progress::Ended(result) => Some(result),
            Progress::Taken => None,
        };
        drop(state);
        drop(joiner);
        drop(task);
        discard(unwanted);
    }
}

pin_project! {
    /// A future, and the cell for its result.
    struct BoxedTask<F, T> {
        #[pin]
        future: Contained<F>,
        // Declared after the future, which is thus dropped before the cell is told of the end.
        link: Link<T>,
    }
}

impl<F, T> Future for BoxedTask<F, T>
where
    F: Future,
    F::Output: Ending<T>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if this.link.ended {
            return Poll::Ready(());
        }
        if !this.link.is_aborted() {
            match this.future.as_mut().poll_caught(cx) {
                Poll::Ready(result) => {
                    return if this.link.finish(result) { Poll::Ready(()) } else { Poll::Pending };
                }
                Poll::Pending => {
                    if this.link.register(cx.waker()) {
                        return Poll::Pending;
                    }
                }
            }
        }
        discard(this.future.clear());
        this.link.end(Err(End::Cancelled));
        Poll::Ready(())
    }
}

/// The task's reference to the cell. Dropping it before the end means that the spawner dropped the task, because
/// it was shut down.
pub(super) struct Link<T> {
    cell: Arc<Cell<T>>,
    ended: bool,
    /// The waker that was last stored in the cell: a task that is polled often need not lock the cell
    /// to find that it is still there.
    ///
    /// Its addresses suffice. As long as an abort may come, the cell owns that waker, so that nothing
    /// else can have them. The waker leaves the cell by an abort, which sets `aborted` first, or with
    /// the last handle, after which no abort comes.
    registered: WakerId,
}

/// The addresses of a waker's data and of its functions. That of the functions is never 0.
type WakerId = (usize, usize);

impl<T> Link<T> {
    pub(super) fn new(cell: Arc<Cell<T>>) -> Link<T> {
        Link { cell, ended: false, registered: (0, 0) }
    }

    pub(super) fn is_aborted(&self) -> bool {
        self.cell.is_aborted()
    }

    pub(super) fn end(&mut self, result: Result<T, End>) {
        self.ended = true;
        self.cell.end(result);
    }

    /// Ends the task with the result of its last poll. Returns false if the executor must drop it instead.
    pub(super) fn finish(&mut self, result: Result<impl Ending<T>, Payload>) -> bool {
        if !seam::keeps_end() {
            discard(result);
            return false;
        }
        self.end(end_of(result.map_err(seam::panicked)));
        true
    }

    /// Registers the task's waker. Returns false if the task was aborted, and so must not wait.
    #[inline]
    fn register(&mut self, waker: &Waker) -> bool {
        let id = (waker.data().addr(), ptr::from_ref(waker.vtable()).addr());
        if self.registered == id {
            // An abort from here on wakes the task.
            return !self.is_aborted();
        }
        self.registered = id;
        self.store(waker)
    }

    fn store(&self, waker: &Waker) -> bool {
        let mut state = self.cell.lock();
        if self.cell.is_aborted() {
            return false;
        }
        // Without a handle that could abort, do not keep the waker: it may own the task, which owns this cell.
        if state.detached && !state.watched {
            return true;
        }
        if state.task.as_ref().is_some_and(|task| task.will_wake(waker)) {
            return true;
        }
        drop(state);
        let mut waker = Some(waker.clone());
        state = self.cell.lock();
        let aborted = self.cell.is_aborted();
        mem::swap(&mut state.task, &mut waker);
        // Unlock before dropping the old waker, which may run user code.
        drop(state);
        !aborted
    }
}

impl<T> Drop for Link<T> {
    fn drop(&mut self) {
        if !self.ended {
            self.end(Err(End::Shutdown));
        }
    }
}
