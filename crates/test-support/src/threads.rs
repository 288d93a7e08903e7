//! A user's own spawner: a thread for each task, with a shutdown.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};

use async_runtime_compat::{BoxFuture, Spawner};

/// A thread for each task.
#[derive(Clone, Default)]
pub struct Threads(Arc<State>);

#[derive(Default)]
struct State {
    stopped: AtomicBool,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Threads {
    /// Drops the pending tasks, waits for their threads, and refuses new ones.
    pub fn shut_down(&self) {
        self.0.stopped.store(true, Ordering::SeqCst);
        let tasks = std::mem::take(&mut *self.0.tasks.lock().unwrap());
        for task in &tasks {
            task.thread().unpark();
        }
        for task in tasks {
            // An error is the panic of a raw task, and of no concern to the others.
            let _ = task.join();
        }
    }
}

impl Spawner for Threads {
    fn spawn(&self, mut future: BoxFuture<'static, ()>) {
        let state = self.0.clone();
        let mut tasks = self.0.tasks.lock().unwrap();
        if self.0.stopped.load(Ordering::SeqCst) {
            // Unlocked first: the future's destructor may spawn.
            drop(tasks);
            drop(future);
            return;
        }
        tasks.retain(|task| !task.is_finished());
        let run = move || {
            let waker = Unpark::waker();
            while !state.stopped.load(Ordering::SeqCst) {
                if poll_boxed(&mut future, &waker).is_ready() {
                    break;
                }
                thread::park();
            }
        };
        // A small stack: some tests have thousands of tasks.
        tasks.push(thread::Builder::new().stack_size(512 * 1024).spawn(run).unwrap());
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threads").finish_non_exhaustive()
    }
}

/// A waker that unparks a thread.
#[derive(Debug)]
pub struct Unpark(pub Thread);

impl Unpark {
    /// Wakes the current thread.
    #[must_use]
    pub fn waker() -> Waker {
        Waker::from(Arc::new(Unpark(thread::current())))
    }
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls a boxed future once.
pub fn poll_boxed(future: &mut BoxFuture<'static, ()>, waker: &Waker) -> Poll<()> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}
