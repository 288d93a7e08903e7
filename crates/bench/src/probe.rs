//! What a way to spawn does, found out by trying.

use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use async_runtime_compat::yield_now;
use futures::FutureExt;
use futures_channel::oneshot;

use crate::way::JoinWay;

/// How long a probe waits for something that may never come.
const PATIENCE: Duration = Duration::from_millis(50);

/// What becomes of a task whose handle is dropped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OnDrop {
    /// It runs to its end.
    RunsOn,
    /// It is cancelled.
    Cancelled,
}

/// What the joiner of a task that panics gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OnPanic {
    /// An error, as the result of the join.
    Error,
    /// A panic.
    Panic,
    /// Nothing: the join never resolves.
    Nothing,
}

impl fmt::Display for OnDrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OnDrop::RunsOn => "runs on",
            OnDrop::Cancelled => "is cancelled",
        })
    }
}

impl fmt::Display for OnPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OnPanic::Error => "an error",
            OnPanic::Panic => "a panic",
            OnPanic::Nothing => "nothing",
        })
    }
}

/// Drops the handle of a task that waits, and looks whether it goes on waiting.
pub async fn on_drop<W: JoinWay>(way: W) -> OnDrop {
    let (sender, receiver) = oneshot::channel::<()>();
    drop(way.spawn(receiver));
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if sender.is_canceled() {
            return OnDrop::Cancelled;
        }
        yield_now().await;
    }
    OnDrop::RunsOn
}

/// Joins a task that panics.
pub async fn on_panic<W: JoinWay>(way: W) -> OnPanic {
    // A panic that the hook does not print.
    let task = way.spawn(async { panic::resume_unwind(Box::new("a probe")) });
    let mut join = pin!(AssertUnwindSafe(task).catch_unwind());
    let start = Instant::now();
    loop {
        match futures::poll!(join.as_mut()) {
            Poll::Ready(Ok(_)) => return OnPanic::Error,
            Poll::Ready(Err(_)) => return OnPanic::Panic,
            Poll::Pending if start.elapsed() > PATIENCE => return OnPanic::Nothing,
            Poll::Pending => yield_now().await,
        }
    }
}
