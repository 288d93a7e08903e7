//! The cancellation of a task on an executor built on async-task.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};

use pin_project_lite::pin_project;

use super::contained_task::Output;
use crate::contain::wake;
use crate::error::End;

pin_project! {
    /// A native cancellation, which ends once the task's future and its output are dropped.
    ///
    /// If the task completes after the request, async-task drops the output and then wakes the waker. A poll in
    /// between would resolve too early. So it is polled once, which makes the request and registers a waker of its own,
    /// and from then on only after that waker was woken.
    pub(super) struct Cancelling<C> {
        #[pin]
        cancel: C,
        gate: Arc<Gate>,
    }
}

impl<C> Cancelling<C> {
    pub(super) fn new(cancel: C) -> Cancelling<C> {
        let state = GateState { woken: true, waker: None };
        Cancelling { cancel, gate: Arc::new(Gate(Mutex::new(state))) }
    }
}

impl<T, C: Future<Output = Option<Output<T>>>> Future for Cancelling<C> {
    type Output = Result<T, End>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        let this = self.project();
        if !this.gate.pass(cx.waker()) {
            return Poll::Pending;
        }
        let waker = Waker::from(this.gate.clone());
        let output = ready!(this.cancel.poll(&mut Context::from_waker(&waker)));
        Poll::Ready(output.map_or(Err(End::Cancelled), Output::into_end))
    }
}

/// The waker that async-task gets.
struct Gate(Mutex<GateState>);

struct GateState {
    woken: bool,
    waker: Option<Waker>,
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, GateState> {
        // No user code runs under the lock, so no panic can poison it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers the waker. Returns whether the gate has been woken since the last time.
    fn pass(&self, waker: &Waker) -> bool {
        let mut waker = Some(waker.clone());
        let mut state = self.lock();
        mem::swap(&mut state.waker, &mut waker);
        let woken = mem::take(&mut state.woken);
        // Unlock before dropping the old waker, which may run user code.
        drop(state);
        woken
    }
}

impl Wake for Gate {
    fn wake(self: Arc<Self>) {
        let mut state = self.lock();
        state.woken = true;
        let waker = state.waker.take();
        // Wake after unlocking: the waker may poll the cancellation.
        drop(state);
        wake(waker);
    }
}
