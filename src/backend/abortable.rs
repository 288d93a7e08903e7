//! Native handles that can only be cancelled by consuming them, made to be aborted from elsewhere.
//!
//! async-task's handles have no `&self` cancel: one cancels by giving the handle away, and dropping
//! it cancels too. An [`Abortable`] owns the handle on behalf of everybody who may join or abort.
//! It is made when somebody first asks to abort through a reference; who never asks never pays.

use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};

use super::contain::discard;
use super::contained_task::Output;
use super::{Abort, SharedJoin};
use crate::error::End;

/// A task's native handle. Dropping it detaches the task.
pub(super) trait NativeTask: Send + Unpin + Sized + 'static {
    type Value: Send + 'static;

    /// Waits for the end of the task, as [`Future::poll`] does. It is `End::Shutdown` if the
    /// executor let go of the task.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<Self::Value, End>>;

    /// Whether the task has ended; `None` if only a poll can tell.
    fn is_ended(&self) -> Option<bool>;

    /// Requests that the task stop, and waits until its future is dropped. Gives the output if
    /// the task completed before that.
    fn cancel(self) -> impl Future<Output = Option<Output<Self::Value>>> + Send + 'static;
}

/// Polls with a panic as a value: async-task resumes a task's panic in whoever awaits it.
#[inline]
pub(super) fn poll_caught<T>(poll: impl FnOnce() -> Poll<T>) -> Poll<Result<T, End>> {
    match catch_unwind(AssertUnwindSafe(poll)) {
        Ok(poll) => poll.map(Ok),
        Err(payload) => Poll::Ready(Err(End::Panic(payload))),
    }
}

/// Polls a native cancellation.
pub(super) fn poll_cancel<T>(
    cancel: Pin<&mut (impl Future<Output = Option<Output<T>>> + ?Sized)>,
    cx: &mut Context<'_>,
) -> Poll<Result<T, End>> {
    Poll::Ready(match ready!(poll_caught(|| cancel.poll(cx))) {
        Ok(Some(output)) => Ok(output.into_inner()),
        Ok(None) => Err(End::Cancelled),
        Err(end) => Err(end),
    })
}

pub(super) struct Abortable<N: NativeTask> {
    state: Mutex<State<N>>,
}

struct State<N: NativeTask> {
    progress: Progress<N>,
    /// An abort was requested.
    aborted: bool,
    /// [`Abort::is_finished`] has said so, and must not take it back.
    finished: bool,
    /// Somebody came by while the progress was out for work, and went away again.
    missed: bool,
    /// Who waits for the end.
    joiner: Option<Waker>,
}

enum Progress<N: NativeTask> {
    Running(N),
    Cancelling(Cancelling<N>),
    Ended(Result<N::Value, End>),
    Taken,
    /// Somebody is at work on it, outside of the lock.
    Out,
}

type Cancelling<N> = Pin<Box<dyn Future<Output = Option<Output<<N as NativeTask>::Value>>> + Send>>;

impl<N: NativeTask> Abortable<N> {
    /// `joiner` is the waker that was registered with the task last, if that is known.
    pub(super) fn new(task: N, joiner: Option<Waker>) -> Abortable<N> {
        Abortable {
            state: Mutex::new(State {
                progress: Progress::Running(task),
                aborted: false,
                finished: false,
                missed: false,
                joiner,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<N>> {
        // Nothing of the user's runs under the lock, so there is no panic that could poison it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the task's handle as far as it gets. Ready once the progress is `Ended` or `Taken`.
    ///
    /// The handle is taken out of the lock for that: cancelling and polling run code of the
    /// user's (wakers), which may come back here. Who finds it gone leaves: the one who has it
    /// looks for new requests when putting it back, and wakes the joiner if one was missed.
    fn drive(&self, cx: &mut Context<'_>) -> Poll<()> {
        // An abort was requested while the handle was out. It is carried out too late, but counts
        // from when it was requested.
        let mut late = false;
        loop {
            let mut state = self.lock();
            let mut progress = match mem::replace(&mut state.progress, Progress::Out) {
                Progress::Out => {
                    state.missed = true;
                    return Poll::Pending;
                }
                progress @ (Progress::Ended(_) | Progress::Taken) => {
                    state.progress = progress;
                    return Poll::Ready(());
                }
                progress => progress,
            };
            let aborted = state.aborted;
            drop(state);

            if aborted {
                progress = progress.cancel();
            }
            let end = progress.poll(cx);

            let mut state = self.lock();
            late |= state.aborted && !aborted;
            let mut unwanted = None;
            let ended = end.is_ready();
            if let Poll::Ready(mut end) = end {
                if late {
                    unwanted = Some(mem::replace(&mut end, Err(End::Cancelled)));
                }
                progress = mem::replace(&mut state.progress, Progress::Ended(end));
            } else {
                progress = mem::replace(&mut state.progress, progress);
            }
            let again = !ended && state.aborted && !aborted;
            let joiner = if mem::take(&mut state.missed) { state.joiner.take() } else { None };
            drop(state);
            // All of these may run code of the user's.
            drop(progress);
            discard(unwanted);
            if let Some(joiner) = joiner {
                joiner.wake();
            }
            if !again {
                return if ended { Poll::Ready(()) } else { Poll::Pending };
            }
        }
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

    /// Drops the output of a detached task if it is there, and sees to it that it will be
    /// dropped when it is not there yet.
    fn reap(self: &Arc<Self>) {
        let waker = Waker::from(self.clone());
        if self.drive(&mut Context::from_waker(&waker)).is_ready() {
            discard(self.take());
        }
    }
}

impl<N: NativeTask> Progress<N> {
    fn cancel(self) -> Progress<N> {
        match self {
            // A task that has completed keeps its output.
            Progress::Running(task) if task.is_ended() != Some(true) => {
                Progress::Cancelling(Box::pin(task.cancel()))
            }
            progress => progress,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<N::Value, End>> {
        match self {
            Progress::Running(task) => task.poll_end(cx),
            Progress::Cancelling(cancel) => poll_cancel(cancel.as_mut(), cx),
            _ => unreachable!("only the one who took it out works on it"),
        }
    }
}

impl<N: NativeTask> Abort for Abortable<N> {
    fn abort(&self) {
        let mut state = self.lock();
        if state.finished || mem::replace(&mut state.aborted, true) {
            return;
        }
        // Polling with the wrong waker displaces the joiner's: make it come back and register.
        // async-task wakes it when it cancels, too; that is not documented to stay so.
        state.missed = true;
        drop(state);
        let _ = self.drive(&mut Context::from_waker(Waker::noop()));
    }

    fn is_finished(&self) -> bool {
        let mut state = self.lock();
        let known = match &state.progress {
            _ if state.finished => Some(true),
            Progress::Running(task) => task.is_ended(),
            Progress::Ended(_) | Progress::Taken => Some(true),
            Progress::Out => Some(false),
            Progress::Cancelling(_) => None,
        };
        let finished = if let Some(finished) = known {
            finished
        } else {
            // Poll with the joiner's waker, so as not to displace it.
            let joiner = state.joiner.take();
            drop(state);
            let waker = joiner.as_ref().unwrap_or(Waker::noop());
            let finished = self.drive(&mut Context::from_waker(waker)).is_ready();
            state = self.lock();
            if state.joiner.is_none() {
                state.joiner = joiner;
            }
            finished
        };
        state.finished |= finished;
        finished
    }
}

impl<N: NativeTask> SharedJoin<N::Value> for Abortable<N> {
    fn poll_join(&self, cx: &mut Context<'_>) -> Poll<Result<N::Value, End>> {
        let mut joiner = Some(cx.waker().clone());
        mem::swap(&mut self.lock().joiner, &mut joiner);
        drop(joiner);
        ready!(self.drive(cx));
        Poll::Ready(self.take().expect("the handle keeps track of having resolved"))
    }

    fn detach(self: Arc<Self>) {
        let mut reaper = Some(Waker::from(self.clone()));
        mem::swap(&mut self.lock().joiner, &mut reaper);
        drop(reaper);
        self.reap();
    }
}

impl<N: NativeTask> Wake for Abortable<N> {
    fn wake(self: Arc<Self>) {
        self.reap();
    }
}
