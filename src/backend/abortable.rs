//! Native handles that can only be cancelled by consuming them, made to be aborted from elsewhere.
//!
//! async-task's handles have no `&self` cancel: cancelling consumes the handle, and so does dropping it. An
//! [`Abortable`] owns the handle for all joiners and aborters. It is created on the first request to abort
//! through a reference; tasks without such a request do not pay for it.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};

use super::Abort;
use super::cancelling::Cancelling;
use super::contained_task::Output;
use super::shared_join::SharedJoin;
use crate::contain::{discard, wake};
use crate::error::End;
use crate::sync::atomic::{AtomicU8, Ordering};
use crate::sync::{Mutex, MutexGuard};

/// A task's native handle. Dropping it detaches the task.
pub(super) trait NativeTask: Send + Unpin + Sized + 'static {
    type Value: Send + 'static;

    /// Waits for the end of the task, as [`Future::poll`] does. The end is `End::Shutdown` if the executor dropped
    /// the task.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<Self::Value, End>>;

    /// Whether the task has ended; `None` if only a poll can tell.
    fn is_ended(&self) -> Option<bool>;

    /// Requests that the task stop, and waits until its future is dropped. Returns the output if the task
    /// completed before that.
    fn cancel(self) -> impl Future<Output = Option<Output<Self::Value>>> + Send + 'static;
}

/// A native handle on the heap, shared by joins and aborts.
///
/// It registers itself as the task's waker, whoever drives it. So no caller displaces another's waker, and the
/// joiner is woken in one place.
pub(super) struct Abortable<N: NativeTask> {
    this: Weak<Abortable<N>>,
    /// `POLLED` while the task is polled under the lock, and `WOKEN` if it woke this meanwhile.
    poll: AtomicU8,
    state: Mutex<State<N>>,
}

const IDLE: u8 = 0;
const POLLED: u8 = 1;
const WOKEN: u8 = 2;

#[expect(clippy::struct_excessive_bools, reason = "the flags are independent")]
struct State<N: NativeTask> {
    progress: Progress<N>,
    /// An abort was requested.
    aborted: bool,
    /// [`Abort::is_finished`] has returned true, and must not return false again.
    finished: bool,
    /// A caller found the progress taken out, and left.
    missed: bool,
    /// The task's registered waker is known: this `Abortable`, or `joiner`. A poll replaces it.
    registered: bool,
    /// The task's waker is this `Abortable`, so that a poll replaces no other waker.
    own_waker: bool,
    /// The handle is detached.
    detached: bool,
    /// The waker of the joiner.
    joiner: Option<Waker>,
}

enum Progress<N: NativeTask> {
    Running(N),
    Cancelling(Pin<Box<dyn Future<Output = Result<N::Value, End>> + Send>>),
    Ended(Result<N::Value, End>),
    Taken,
    /// Taken out by a caller that works on it outside the lock.
    Out,
}

impl<N: NativeTask> Abortable<N> {
    /// Takes over a task whose registered waker is known: `joiner`, or none. It is polled at once, so that a task that
    /// has already ended keeps its output, whatever is requested afterwards.
    pub(super) fn new(task: N, joiner: Option<Waker>) -> Arc<Abortable<N>> {
        let this = Abortable::of(task, joiner);
        // Before it is shared: from here on it is polled under the lock.
        this.drive();
        this
    }

    /// Takes over a task whose registered waker is not known: a poll would replace it. The task must be able to tell
    /// whether it has [ended](NativeTask::is_ended).
    pub(super) fn polled(task: N) -> Arc<Abortable<N>> {
        Abortable::of(task, None)
    }

    fn of(task: N, joiner: Option<Waker>) -> Arc<Abortable<N>> {
        Arc::new_cyclic(|this| Abortable {
            this: this.clone(),
            poll: AtomicU8::new(IDLE),
            state: Mutex::new(State {
                progress: Progress::Running(task),
                aborted: false,
                finished: false,
                missed: false,
                registered: false,
                own_waker: false,
                detached: false,
                joiner,
            }),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State<N>> {
        // No user code runs under the lock, so no panic can poison it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Advances the task as far as possible. Returns true once it has ended.
    ///
    /// Polling it runs no user code, except that it may drop a previously registered waker; cancelling it runs the
    /// executor's code. For these two the handle is taken out of the lock, since user code may call back into this
    /// type. A caller that finds it taken out sets `missed` and returns: the one that has it checks `missed` when
    /// it puts the handle back. All other polls are under the lock, so that an abort finds the handle and takes
    /// effect at once.
    fn drive(&self) -> bool {
        self.drive_on(self.lock())
    }

    fn drive_on<'a>(&'a self, mut state: MutexGuard<'a, State<N>>) -> bool {
        let Some(this) = self.this.upgrade() else { return false };
        let waker = Waker::from(this);
        let mut cx = Context::from_waker(&waker);
        // An abort counts from its request, even if it is carried out after the task completed.
        let mut late = false;
        loop {
            let mut progress = match mem::replace(&mut state.progress, Progress::Out) {
                Progress::Out => {
                    state.missed = true;
                    return false;
                }
                progress @ (Progress::Ended(_) | Progress::Taken) => {
                    state.progress = progress;
                    return true;
                }
                progress => progress,
            };
            let aborted = state.aborted;
            if state.own_waker && !aborted {
                // Relaxed: a wake-up that comes before this waits for the lock, and polls again. A store would do, too,
                // but loom does not put it into one order with the changes that this thread has not seen.
                self.poll.swap(POLLED, Ordering::Relaxed);
                let end = progress.poll(&mut cx);
                // Acquire: the next poll sees what came before the wake-ups.
                let woken = self.poll.swap(IDLE, Ordering::Acquire) & WOKEN != 0;
                if let Poll::Ready(end) = end {
                    self.end(state, end, late);
                    return true;
                }
                state.progress = progress;
                drop(state);
                if !woken {
                    return false;
                }
                state = self.lock();
                continue;
            }
            // Read under the lock: a task that has completed by now, before any later abort, keeps its
            // output.
            let completed = progress.is_ended();
            state.missed = false;
            state.registered = true;
            drop(state);

            if aborted {
                progress = progress.cancel();
            }
            let end = progress.poll(&mut cx);

            state = self.lock();
            state.own_waker = true;
            late |= state.aborted && !completed;
            if let Poll::Ready(end) = end {
                self.end(state, end, late);
                // Drop after unlocking: it may run user code.
                drop(progress);
                return true;
            }
            state.progress = progress;
            // An abort that was requested meanwhile has found the progress taken out as well.
            if !state.missed {
                return false;
            }
        }
    }

    /// Ends the task; `late` if an abort was requested before its end. The progress is `Out`.
    fn end<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<N>>,
        mut end: Result<N::Value, End>,
        late: bool,
    ) {
        if late || state.detached {
            // Before anybody is told of the end: when the join resolves, the output has been dropped, too.
            drop(state);
            discard(mem::replace(&mut end, Err(End::Cancelled)));
            state = self.lock();
        }
        state.progress = if state.detached { Progress::Taken } else { Progress::Ended(end) };
        let joiner = state.joiner.take();
        // Wake after unlocking: the waker is user code.
        drop(state);
        wake(joiner);
    }

    /// Takes the result, once there is one.
    fn take(&self) -> Option<Result<N::Value, End>> {
        let mut state = self.lock();
        match mem::replace(&mut state.progress, Progress::Taken) {
            Progress::Ended(result) => Some(result),
            progress => {
                state.progress = progress;
                None
            }
        }
    }
}

impl<N: NativeTask> Progress<N> {
    fn is_ended(&self) -> bool {
        matches!(self, Progress::Running(task) if task.is_ended() == Some(true))
    }

    fn cancel(self) -> Progress<N> {
        match self {
            // A task that has completed keeps its output.
            Progress::Running(task) if task.is_ended() != Some(true) => {
                Progress::Cancelling(Box::pin(Cancelling::new(task.cancel())))
            }
            progress => progress,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<N::Value, End>> {
        match self {
            Progress::Running(task) => task.poll_end(cx),
            Progress::Cancelling(cancel) => cancel.as_mut().poll(cx),
            _ => unreachable!("only the one who took it out works on it"),
        }
    }
}

impl<N: NativeTask> Abort for Abortable<N> {
    fn abort(&self) {
        let mut state = self.lock();
        // Leave a finished task alone: a join must not find it taken out.
        if state.finished || state.aborted || state.progress.is_ended() {
            return;
        }
        state.aborted = true;
        // Without unlocking: otherwise another caller could take the handle out, and the task would run on
        // until that caller cancelled it.
        self.drive_on(state);
    }

    fn is_finished(&self) -> bool {
        let mut state = self.lock();
        match &state.progress {
            _ if state.finished => true,
            Progress::Out => false,
            // A poll would replace a waker that is not known here.
            Progress::Running(task) if !state.registered => {
                let ended = task.is_ended() == Some(true);
                state.finished = ended;
                ended
            }
            _ => {
                drop(state);
                self.drive()
            }
        }
    }
}

impl<N: NativeTask> SharedJoin<N::Value> for Abortable<N> {
    fn poll_join(&self, cx: &mut Context<'_>) -> Poll<Result<N::Value, End>> {
        let mut joiner = Some(cx.waker().clone());
        mem::swap(&mut self.lock().joiner, &mut joiner);
        drop(joiner);
        if !self.drive() {
            return Poll::Pending;
        }
        let mut state = self.lock();
        let joiner = state.joiner.take();
        drop(state);
        drop(joiner);
        Poll::Ready(self.take().expect("the handle keeps track of having resolved"))
    }

    fn watch(self: Arc<Self>) -> Arc<dyn Abort> {
        self
    }

    fn detach(self: Arc<Self>) {
        let mut state = self.lock();
        state.detached = true;
        let joiner = state.joiner.take();
        drop(state);
        drop(joiner);
        if self.drive() {
            discard(self.take());
        }
    }
}

impl<N: NativeTask> Wake for Abortable<N> {
    fn wake(self: Arc<Self>) {
        // The thread that polls the task, perhaps this one, holds the lock, and polls again.
        // Release, and written even if it is set: what came before this wake-up is seen by the poll that follows, which
        // an earlier wake-up on another thread may have caused.
        if self.poll.fetch_or(WOKEN, Ordering::Release) & POLLED == 0 {
            self.drive();
        }
    }
}

#[cfg(all(test, model))]
mod models;
