//! A future that counts its polls and drops, and those of its output.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};

/// What has happened to a task.
#[derive(Clone, Default)]
pub(crate) struct Counts(Arc<State>);

#[derive(Default)]
struct State {
    polls: AtomicUsize,
    futures: AtomicUsize,
    outputs: AtomicUsize,
    waker: Mutex<Option<Waker>>,
}

impl Counts {
    /// The polls, the drops of the future, and those of the output.
    pub(crate) fn get(&self) -> (usize, usize, usize) {
        let of = |count: &AtomicUsize| count.load(Ordering::SeqCst);
        (of(&self.0.polls), of(&self.0.futures), of(&self.0.outputs))
    }

    /// A future that ends like this, at its first poll.
    pub(crate) fn future(&self, end: End) -> Counted {
        Counted { counts: self.clone(), ends: vec![end], gate: None }
    }

    /// A future with such polls, each of which waits on its thread until it is let go.
    pub(crate) fn gated(&self, ends: Vec<End>) -> (Counted, Gate) {
        let (entered, is_entered) = mpsc::channel();
        let (release, is_released) = mpsc::channel();
        let gate = Some((entered, is_released));
        (Counted { counts: self.clone(), ends, gate }, Gate { is_entered, release })
    }

    /// Takes the waker of the last poll that was pending.
    pub(crate) fn waker(&self) -> Option<Waker> {
        self.0.waker.lock().unwrap().take()
    }
}

/// What a poll does in the end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum End {
    Ready,
    Panic,
    Pending,
}

/// Sees a poll begin, and lets it go on.
pub(crate) struct Gate {
    is_entered: mpsc::Receiver<()>,
    release: mpsc::Sender<()>,
}

impl Gate {
    /// Waits until a poll has begun.
    pub(crate) fn entered(&self) {
        self.is_entered.recv().expect("the future is polled again");
    }

    /// Lets one poll go on.
    pub(crate) fn release(&self) {
        self.release.send(()).expect("the future is alive");
    }
}

pub(crate) struct Counted {
    counts: Counts,
    /// Of the polls; the last one for all later ones.
    ends: Vec<End>,
    gate: Option<(mpsc::Sender<()>, mpsc::Receiver<()>)>,
}

impl Future for Counted {
    type Output = Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Output> {
        let state = &self.counts.0;
        let poll = state.polls.fetch_add(1, Ordering::SeqCst);
        if let Some((entered, is_released)) = &self.gate {
            let _ = entered.send(());
            // An error: the test is over.
            let _ = is_released.recv();
        }
        match self.ends[poll.min(self.ends.len() - 1)] {
            End::Ready => Poll::Ready(Output(self.counts.clone())),
            End::Panic => resume_unwind(Box::new("the panic")),
            End::Pending => {
                *state.waker.lock().unwrap() = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.counts.0.futures.fetch_add(1, Ordering::SeqCst);
    }
}

pub(crate) struct Output(Counts);

impl Drop for Output {
    fn drop(&mut self) {
        self.0.0.outputs.fetch_add(1, Ordering::SeqCst);
    }
}

/// A waker that counts.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls a future once.
pub(crate) fn poll_with<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}
