//! Tests on an executor of their own.

use std::future::{Future, pending};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use ::async_executor::Executor;
use ::async_io::block_on;

use super::{Backend, as_current};
use crate::backend::async_executor::ExecutorSpawner;
use crate::handle::AbortHandle;
use crate::seam::Runtime;
use crate::spawner::SpawnerExt;

pub struct AsyncExecutor {
    /// `None`: the thread that runs the test also drives the executor.
    workers: Option<usize>,
}

impl AsyncExecutor {
    #[must_use]
    pub fn current_thread() -> AsyncExecutor {
        AsyncExecutor { workers: None }
    }

    #[must_use]
    pub fn multi_thread() -> AsyncExecutor {
        AsyncExecutor::worker_threads(thread::available_parallelism().map_or(1, usize::from))
    }

    #[must_use]
    pub fn worker_threads(number: usize) -> AsyncExecutor {
        AsyncExecutor { workers: Some(number) }
    }
}

impl Backend for AsyncExecutor {
    fn block_on<F, Fut>(self, body: F) -> Fut::Output
    where
        F: FnOnce(Arc<dyn Runtime>) -> Fut,
        Fut: Future,
    {
        let executor = Arc::new(Executor::new());
        // Stopped first, also if the test panics: dropping the executor's last `Arc` drops its tasks.
        let workers = self.workers.map(|number| Workers::start(&executor, number));
        as_current(ExecutorSpawner::new(executor.clone()), |runtime| match workers {
            None => block_on(executor.run(body(runtime))),
            Some(_) => block_on(body(runtime)),
        })
    }
}

/// Threads that drive an executor, until this is dropped.
struct Workers(Vec<(AbortHandle, JoinHandle<()>)>);

impl Workers {
    fn start(executor: &Arc<Executor<'static>>, number: usize) -> Workers {
        let spawner = ExecutorSpawner::new(executor.clone());
        let mut workers = Workers(Vec::with_capacity(number));
        for _ in 0..number {
            let stop = spawner.spawn_with_handle(pending::<()>());
            let stopper = stop.abort_handle();
            let executor = executor.clone();
            let drive = move || drop(block_on(executor.run(stop)));
            let thread = thread::Builder::new().name("async-executor-worker".to_owned());
            let thread = thread.spawn(drive);
            let thread =
                thread.unwrap_or_else(|error| panic!("cannot start a worker thread: {error}"));
            workers.0.push((stopper, thread));
        }
        workers
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for (stop, _) in &self.0 {
            stop.abort();
        }
        for (_, thread) in self.0.drain(..) {
            // An error is a panic of a worker, which the panic hook has reported.
            let _ = thread.join();
        }
    }
}
