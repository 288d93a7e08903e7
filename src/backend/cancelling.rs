//! The cancellation of a task on an executor built on async-task.

pub(super) mod outputs;

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};

use pin_project_lite::pin_project;

use super::contained_task::Output;
use crate::contain::wake;
use crate::error::End;
use crate::sync::{Mutex, MutexGuard};
use outputs::Drops;

pin_project! {
    /// A native cancellation, which ends once the task's future and its output are dropped.
    ///
    /// If the task completes after the request, async-task drops the output and then wakes the waker. A poll in
    /// between would resolve too early. So it is polled once, which makes the request and registers a waker of its own,
    /// and from then on only after that waker was woken. If the task ends between the request and the registration, see
    /// [`outputs`].
    pub(super) struct Cancelling<C> {
        #[pin]
        cancel: C,
        // `None` if outputs have no destructor, so that there is no drop to wait for.
        gate: Option<Arc<Gate>>,
        stage: Stage,
    }
}

/// How far a cancellation is.
enum Stage {
    Requesting,
    /// The waker was registered while the task was there.
    Registered,
    /// The task had ended before that, without an output for the handle.
    Ended(Drops),
}

impl<C> Cancelling<C> {
    pub(super) fn new<T>(cancel: C) -> Cancelling<C>
    where
        C: Future<Output = Option<Output<T>>>,
    {
        Cancelling {
            cancel,
            gate: mem::needs_drop::<T>().then(Arc::default),
            stage: Stage::Requesting,
        }
    }
}

impl<T, C: Future<Output = Option<Output<T>>>> Future for Cancelling<C> {
    type Output = Result<T, End>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        let this = self.project();
        let Some(gate) = this.gate else {
            let output = ready!(this.cancel.poll(cx));
            return Poll::Ready(output.map_or(Err(End::Cancelled), Output::into_end));
        };
        if let Stage::Ended(drops) = this.stage {
            return drops.poll(cx).map(|()| Err(End::Cancelled));
        }
        if !gate.pass(cx.waker()) {
            return Poll::Pending;
        }
        let waker = Waker::from(gate.clone());
        let Poll::Ready(output) = this.cancel.poll(&mut Context::from_waker(&waker)) else {
            *this.stage = Stage::Registered;
            return Poll::Pending;
        };
        if let Some(output) = output {
            return Poll::Ready(output.into_end());
        }
        if matches!(this.stage, Stage::Registered) {
            return Poll::Ready(Err(End::Cancelled));
        }
        let mut drops = Drops::new();
        let poll = drops.poll(cx);
        *this.stage = Stage::Ended(drops);
        poll.map(|()| Err(End::Cancelled))
    }
}

/// The waker that async-task gets.
struct Gate(Mutex<GateState>);

struct GateState {
    woken: bool,
    waker: Option<Waker>,
}

impl Default for Gate {
    /// A gate that lets the first poll pass.
    fn default() -> Gate {
        Gate(Mutex::new(GateState { woken: true, waker: None }))
    }
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
