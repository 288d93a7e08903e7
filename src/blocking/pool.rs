//! A pool of threads, for spawners that have none.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::contain::discard;
use crate::seam::{Blocking, BoxJob, takes_real_time};

/// A bounded pool of threads for work that blocks.
///
/// It is for spawners that bring no pool of their own; the built-in backends do. It starts a thread
/// when a job finds none idle, up to a maximum, and lets threads end that have been idle for a
/// while. Jobs beyond the maximum wait, first in, first out, in a queue without a bound: `execute`
/// never blocks and loses nothing.
///
/// # Dropping
///
/// Dropping the pool waits for nothing and takes nothing back: jobs that were handed over before
/// are run, and then its threads end. As all threads do, they end with the process, whatever is
/// still queued. To drop what has not started, or to wait, there is
/// [`shutdown`](BlockingPool::shutdown) and [`shutdown_timeout`](BlockingPool::shutdown_timeout).
///
/// # Examples
///
/// ```
/// use async_runtime_compat::BlockingPool;
/// use async_runtime_compat::prelude::*;
///
/// let pool = BlockingPool::builder().max_threads(4).thread_name("files").build();
/// let length = pool.spawn_blocking(|| std::fs::metadata("Cargo.toml").map(|file| file.len()));
/// # futures_lite::future::block_on(async {
/// assert!(length.await?.is_ok());
/// # Ok::<(), JoinError>(())
/// # }).unwrap();
/// ```
pub struct BlockingPool {
    shared: Arc<Shared>,
}

/// How a [`BlockingPool`] is set up; made by [`BlockingPool::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct BlockingPoolBuilder {
    max_threads: usize,
    idle_timeout: Duration,
    thread_name: String,
    stack_size: Option<usize>,
}

impl BlockingPoolBuilder {
    /// How many threads there may be at a time. 512 if it is not set, as on tokio.
    ///
    /// # Panics
    ///
    /// If it is 0.
    #[track_caller]
    pub fn max_threads(self, max_threads: usize) -> BlockingPoolBuilder {
        assert!(max_threads > 0, "a blocking pool without threads would never run a job");
        BlockingPoolBuilder { max_threads, ..self }
    }

    /// How long a thread without work waits before it ends. 10 seconds if it is not set, as on
    /// tokio; [`Duration::MAX`] is for ever.
    pub fn idle_timeout(self, idle_timeout: Duration) -> BlockingPoolBuilder {
        BlockingPoolBuilder { idle_timeout, ..self }
    }

    /// What the threads are called, each with a number after it: `blocking-1` if it is not set.
    ///
    /// # Panics
    ///
    /// If it contains a NUL, as [`std::thread::Builder::spawn`] would.
    #[track_caller]
    pub fn thread_name(self, thread_name: impl Into<String>) -> BlockingPoolBuilder {
        let thread_name = thread_name.into();
        assert!(!thread_name.contains('\0'), "a thread's name must not contain a NUL");
        BlockingPoolBuilder { thread_name, ..self }
    }

    /// The size of each thread's stack in bytes. That of [`std::thread`] if it is not set.
    pub fn stack_size(self, stack_size: usize) -> BlockingPoolBuilder {
        BlockingPoolBuilder { stack_size: Some(stack_size), ..self }
    }

    /// Makes the pool. It starts no thread yet.
    #[must_use]
    pub fn build(self) -> BlockingPool {
        BlockingPool {
            shared: Arc::new(Shared {
                config: self,
                state: Mutex::new(State {
                    queue: VecDeque::new(),
                    threads: 0,
                    idle: 0,
                    started: 0,
                    closed: false,
                }),
                work: Condvar::new(),
                ended: Condvar::new(),
            }),
        }
    }
}

struct Shared {
    config: BlockingPoolBuilder,
    state: Mutex<State>,
    /// There is a job, or there will be none any more.
    work: Condvar,
    /// The last thread has ended.
    ended: Condvar,
}

/// Where there is a job in the queue, there is a thread.
struct State {
    queue: VecDeque<BoxJob>,
    threads: usize,
    /// Of the threads, those that wait for work. One that was notified counts until it is awake,
    /// and so does the job in the queue that it was notified of.
    idle: usize,
    /// For the threads' names.
    started: u64,
    /// No job is accepted any more.
    closed: bool,
}

impl BlockingPool {
    /// A pool of up to 512 threads that end after 10 idle seconds.
    #[must_use]
    pub fn new() -> BlockingPool {
        BlockingPool::builder().build()
    }

    /// A pool with other limits.
    pub fn builder() -> BlockingPoolBuilder {
        BlockingPoolBuilder {
            max_threads: 512,
            idle_timeout: Duration::from_secs(10),
            thread_name: "blocking".to_owned(),
            stack_size: None,
        }
    }

    /// Drops the jobs that have not started, and accepts no more. Returns at once.
    ///
    /// Their joins say [`is_shutdown`](crate::JoinError::is_shutdown), and so do those of later
    /// jobs. Jobs that have started run to their end, and their joins give what they return.
    ///
    /// # Errors
    ///
    /// Cannot fail. Shutting down again does nothing.
    pub fn shutdown(&self) {
        let mut state = self.shared.lock();
        state.closed = true;
        let dropped = std::mem::take(&mut state.queue);
        drop(state);
        self.shared.work.notify_all();
        dropped.into_iter().for_each(discard);
    }

    /// Like [`shutdown`](BlockingPool::shutdown), and waits until the jobs that have started have
    /// ended, for as long as the timeout at most; [`Duration::MAX`] is without a limit.
    ///
    /// Returns whether they have all ended. It blocks the thread, so it is not for tasks; called
    /// from a job of the pool itself, it waits for its own end until the time is up.
    pub fn shutdown_timeout(&self, timeout: Duration) -> bool {
        self.shutdown();
        let state = self.shared.lock();
        let (state, _) = self
            .shared
            .ended
            .wait_timeout_while(state, timeout, |state| state.threads > 0)
            .unwrap_or_else(PoisonError::into_inner);
        state.threads == 0
    }
}

impl Blocking for BlockingPool {
    /// # Panics
    ///
    /// If the pool has no thread and the system refuses to start one, as [`std::thread::spawn`]
    /// does. The job is dropped. A pool that has a thread leaves the job to it.
    fn execute(&self, job: BoxJob) {
        takes_real_time("a `BlockingPool`");
        let mut state = self.shared.lock();
        if state.closed {
            drop(state);
            discard(job);
            return;
        }
        state.queue.push_back(job);
        if state.queue.len() <= state.idle {
            drop(state);
            self.shared.work.notify_one();
            return;
        }
        if state.threads == self.shared.config.max_threads {
            return;
        }
        // Under the lock, so that no other job relies on a thread that does not come to be.
        if let Err(error) = self.shared.start_thread(&mut state) {
            if state.threads == 0 {
                let refused = std::mem::take(&mut state.queue);
                drop(state);
                refused.into_iter().for_each(discard);
                panic!("no thread for a blocking pool that has none: {error}");
            }
        }
    }
}

impl Default for BlockingPool {
    fn default() -> BlockingPool {
        BlockingPool::new()
    }
}

impl Drop for BlockingPool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.work.notify_all();
    }
}

impl fmt::Debug for BlockingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.lock();
        f.debug_struct("BlockingPool")
            .field("max_threads", &self.shared.config.max_threads)
            .field("threads", &state.threads)
            .field("idle", &state.idle)
            .field("queued", &state.queue.len())
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing of the user's runs under the lock, so there is no panic that could poison it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start_thread(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        let name = format!("{}-{}", self.config.thread_name, state.started + 1);
        let mut builder = thread::Builder::new().name(name);
        if let Some(stack_size) = self.config.stack_size {
            builder = builder.stack_size(stack_size);
        }
        let shared = self.clone();
        builder.spawn(move || shared.work())?;
        state.threads += 1;
        state.started += 1;
        Ok(())
    }

    /// What a thread does from its start to its end.
    fn work(&self) {
        let mut state = self.lock();
        loop {
            while let Some(job) = state.queue.pop_front() {
                drop(state);
                discard(catch_unwind(AssertUnwindSafe(job)));
                state = self.lock();
            }
            if state.closed {
                break;
            }
            state.idle += 1;
            let waiting = |state: &mut State| state.queue.is_empty() && !state.closed;
            state = self
                .work
                .wait_timeout_while(state, self.config.idle_timeout, waiting)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            state.idle -= 1;
            // Closed, or idle for too long.
            if state.queue.is_empty() {
                break;
            }
        }
        state.threads -= 1;
        if state.threads == 0 {
            self.ended.notify_all();
        }
    }
}
