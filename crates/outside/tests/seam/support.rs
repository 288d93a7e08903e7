//! What several of these tests need.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use async_runtime_compat::prelude::*;
use async_runtime_compat::{BoxFuture, BoxJob, RawSleep};

/// How long an event may take before a test fails.
const LIMIT: Duration = Duration::from_secs(60);

/// A list that several threads write.
pub(crate) struct Log<T>(Arc<Mutex<Vec<T>>>);

impl<T> Log<T> {
    pub(crate) fn new() -> Log<T> {
        Log(Arc::new(Mutex::new(Vec::new())))
    }

    pub(crate) fn push(&self, entry: T) {
        self.0.lock().unwrap().push(entry);
    }

    /// Empties it.
    pub(crate) fn take(&self) -> Vec<T> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl<T> Clone for Log<T> {
    fn clone(&self) -> Log<T> {
        Log(self.0.clone())
    }
}

/// Something that happens once, and can be waited for, in a task and on a thread.
#[derive(Clone)]
pub(crate) struct Event(Arc<(async_channel::Sender<()>, async_channel::Receiver<()>)>);

impl Event {
    pub(crate) fn new() -> Event {
        Event(Arc::new(async_channel::unbounded()))
    }

    pub(crate) fn set(&self) {
        self.0.0.close();
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.0.is_closed()
    }

    pub(crate) async fn happens(&self) {
        // An error, because the channel is closed.
        let _ = self.0.1.recv().await;
    }

    /// Blocks the thread until it happens.
    #[track_caller]
    pub(crate) fn wait(&self) {
        let (done, waited) = mpsc::channel();
        let event = self.clone();
        std::thread::spawn(move || {
            futures_lite::future::block_on(event.happens());
            let _ = done.send(());
        });
        waited.recv_timeout(LIMIT).expect("the event happens within a minute");
    }
}

/// Sets an event when it is dropped.
pub(crate) struct SetOnDrop(pub(crate) Event);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// A channel whose receiver gives up after a minute.
pub(crate) fn channel<T>() -> (Sender<T>, Within<T>) {
    let (sender, receiver) = mpsc::channel();
    (sender, Within(receiver))
}

pub(crate) struct Within<T>(Receiver<T>);

impl<T> Within<T> {
    #[track_caller]
    pub(crate) fn next(&self) -> T {
        self.0.recv_timeout(LIMIT).expect("it comes within a minute")
    }

    /// What has come.
    pub(crate) fn present(&self) -> Vec<T> {
        self.0.try_iter().collect()
    }
}

/// Panics with a message, and without a report on the standard error.
pub(crate) fn quiet_panic(message: &'static str) -> ! {
    resume_unwind(Box::new(message))
}

/// Panics in its destructor.
pub(crate) struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        quiet_panic("in a destructor");
    }
}

/// Pending for this many polls.
pub(crate) async fn polls(mut number: u32) {
    poll_fn(|cx| {
        if number == 0 {
            return Poll::Ready(());
        }
        number -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A spawner that keeps its tasks until the test polls or drops them.
#[derive(Clone, Default)]
pub(crate) struct Queue {
    tasks: Arc<Mutex<VecDeque<BoxFuture<'static, ()>>>>,
}

impl Spawner for Queue {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.tasks.lock().unwrap().push_back(future);
    }
}

impl Queue {
    /// Takes the oldest task.
    pub(crate) fn take(&self) -> BoxFuture<'static, ()> {
        self.tasks.lock().unwrap().pop_front().expect("something was spawned")
    }
}

/// Polls a future once, with a waker that wakes nobody.
pub(crate) fn poll_once<F: Future + Unpin>(mut future: F) -> Poll<F::Output> {
    Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop()))
}

/// A runtime of nothing, which is only told from others.
pub(crate) struct Nowhere;

impl Spawner for Nowhere {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        drop(future);
    }
}

impl Blocking for Nowhere {
    fn execute(&self, job: BoxJob) {
        drop(job);
    }
}

impl Timer for Nowhere {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn system_time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn sleep(&self, _: Duration) -> Sleep {
        Sleep::new(Never, None)
    }
}

struct Never;

impl RawSleep for Never {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn reset(self: Pin<&mut Self>, _: Instant) {}

    fn poll_elapsed(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// A runtime that can be told from others.
pub(crate) fn nowhere() -> Arc<dyn Runtime> {
    Arc::new(Nowhere)
}

/// Whether the two are the same object.
pub(crate) fn is_same(one: &Arc<dyn Runtime>, other: &Arc<dyn Runtime>) -> bool {
    std::ptr::addr_eq(Arc::as_ptr(one), Arc::as_ptr(other))
}
