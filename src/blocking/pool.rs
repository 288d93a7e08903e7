//! A pool of threads for spawners without one.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::contain::discard;
use crate::seam::{Blocking, BoxJob, takes_real_time};

/// A bounded pool of threads for blocking work.
///
/// It is meant for spawners without a pool; the built-in backends have one. It starts a thread when a job
/// finds none idle, up to a maximum, and ends threads that have been idle for a while. Further jobs wait in an
/// unbounded queue, first in, first out: `execute` never blocks, and no job is lost.
///
/// # Dropping
///
/// Dropping the pool does not wait: jobs submitted before that still run, and then its threads end. Like all
/// threads they end with the process, even if jobs are queued. To drop the queued jobs, or to wait, use
/// [`shutdown`](BlockingPool::shutdown) or [`shutdown_timeout`](BlockingPool::shutdown_timeout).
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

/// Configures a [`BlockingPool`]; returned by [`BlockingPool::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct BlockingPoolBuilder {
    max_threads: usize,
    idle_timeout: Duration,
    thread_name: String,
    stack_size: Option<usize>,
}

impl BlockingPoolBuilder {
    /// Sets the maximum number of threads. The default is 512, as on tokio.
    ///
    /// # Panics
    ///
    /// Panics if it is 0.
    #[track_caller]
    pub fn max_threads(self, max_threads: usize) -> BlockingPoolBuilder {
        assert!(max_threads > 0, "a blocking pool without threads would never run a job");
        BlockingPoolBuilder { max_threads, ..self }
    }

    /// Sets how long a thread without work waits before it ends. The default is 10 seconds, as on tokio;
    /// [`Duration::MAX`] means for ever.
    pub fn idle_timeout(self, idle_timeout: Duration) -> BlockingPoolBuilder {
        BlockingPoolBuilder { idle_timeout, ..self }
    }

    /// Sets the name of the threads, which is followed by a number. The default is `blocking`, as in
    /// `blocking-1`.
    ///
    /// # Panics
    ///
    /// Panics if it contains a NUL, as [`std::thread::Builder::spawn`] would.
    #[track_caller]
    pub fn thread_name(self, thread_name: impl Into<String>) -> BlockingPoolBuilder {
        let thread_name = thread_name.into();
        assert!(!thread_name.contains('\0'), "a thread's name must not contain a NUL");
        BlockingPoolBuilder { thread_name, ..self }
    }

    /// Sets the size of each thread's stack, in bytes. The default is that of [`std::thread`].
    pub fn stack_size(self, stack_size: usize) -> BlockingPoolBuilder {
        BlockingPoolBuilder { stack_size: Some(stack_size), ..self }
    }

    /// Builds the pool, without starting a thread.
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
    /// Notified when a job is queued, and when the pool is closed.
    work: Condvar,
    /// Notified when the last thread has ended.
    ended: Condvar,
}

/// Invariant: if there is a job in the queue, there is a thread that will take it.
struct State {
    queue: VecDeque<BoxJob>,
    threads: usize,
    /// The number of threads that wait for work. A thread that was notified counts as idle until it wakes up,
    /// and the job that it was notified of stays in the queue until then.
    idle: usize,
    /// For the threads' names.
    started: u64,
    /// No job is accepted any more.
    closed: bool,
}

impl BlockingPool {
    /// Creates a pool of up to 512 threads, which end after 10 idle seconds.
    #[must_use]
    pub fn new() -> BlockingPool {
        BlockingPool::builder().build()
    }

    /// Configures a pool with other limits.
    pub fn builder() -> BlockingPoolBuilder {
        BlockingPoolBuilder {
            max_threads: 512,
            idle_timeout: Duration::from_secs(10),
            thread_name: "blocking".to_owned(),
            stack_size: None,
        }
    }

    /// Closes the pool, and drops the jobs that have not started. Returns at once.
    ///
    /// The joins of dropped jobs, and of later ones, say [`is_shutdown`](crate::JoinError::is_shutdown). Jobs
    /// that have started run to their end, and their joins return their output.
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

    /// Like [`shutdown`](BlockingPool::shutdown), and waits until the jobs that have started have ended, for at
    /// most the timeout; [`Duration::MAX`] means no limit.
    ///
    /// Returns whether all of them have ended. This blocks the thread: do not call it in a task. In a job of the
    /// pool itself it waits for its own end, until the timeout.
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
    /// Panics if the pool has no thread and the system refuses to start one, as [`std::thread::spawn`] does.
    /// The job is dropped. If the pool has a thread, that thread runs the job.
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
        // Start it under the lock, so that no other job relies on a thread that fails to start.
        if let Err(error) = self.shared.start_thread(&mut state) {
            if state.threads == 0 {
                let refused = std::mem::take(&mut state.queue);
                drop(state);
                refused.into_iter().for_each(discard);
                panic!("cannot start the first thread of a blocking pool: {error}");
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
        // No user code runs under the lock, so no panic can poison it.
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

    /// The main loop of a thread.
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
