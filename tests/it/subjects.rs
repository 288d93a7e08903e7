//! What the tests run on: each backend, set up so that it can be shut down, and a caller's own.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};

use async_runtime_compat::conformance::{Load, Subject};
use async_runtime_compat::{BlockingPool, BoxFuture, Spawner};

use crate::thread_timer::ThreadTimer;

#[cfg(feature = "tokio")]
pub(crate) fn tokio_multi_thread() -> Subject {
    use async_runtime_compat::tokio::TokioSpawner;

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    let spawner = TokioSpawner::new(runtime.handle().clone());
    Subject::new(spawner.clone())
        .timer(spawner.clone())
        .blocking(spawner)
        .on_shutdown(move || drop(runtime))
}

#[cfg(feature = "tokio")]
pub(crate) fn tokio_current_thread() -> Subject {
    use async_runtime_compat::tokio::TokioSpawner;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let spawner = TokioSpawner::new(runtime.handle().clone());
    let (stop, stopped) = async_channel::bounded::<()>(1);
    let driver = thread::spawn(move || {
        // An error, because the sender is dropped, is what ends it.
        let _ = runtime.block_on(stopped.recv());
    });
    Subject::new(spawner.clone()).timer(spawner.clone()).blocking(spawner).on_shutdown(move || {
        drop(stop);
        driver.join().unwrap();
    })
}

#[cfg(feature = "smol")]
pub(crate) fn smol() -> Subject {
    use async_runtime_compat::smol::SmolSpawner;

    Subject::new(SmolSpawner).timer(SmolSpawner).blocking(SmolSpawner)
}

#[cfg(feature = "async-std")]
pub(crate) fn async_std() -> Subject {
    use async_runtime_compat::async_std::AsyncStdSpawner;

    Subject::new(AsyncStdSpawner).timer(AsyncStdSpawner).blocking(AsyncStdSpawner)
}

#[cfg(feature = "async-executor")]
pub(crate) fn async_executor(threads: usize) -> Subject {
    use async_executor::Executor;
    use async_runtime_compat::async_executor::ExecutorSpawner;
    use futures_lite::future::block_on;

    let executor = Arc::new(Executor::new());
    let spawner = ExecutorSpawner::new(executor.clone());
    let (stop, stopped) = async_channel::bounded::<()>(1);
    let drivers: Vec<_> = (0..threads)
        .map(|_| {
            let (executor, stopped) = (executor.clone(), stopped.clone());
            thread::spawn(move || {
                let _ = block_on(executor.run(stopped.recv()));
            })
        })
        .collect();
    Subject::new(spawner.clone()).timer(spawner.clone()).blocking(spawner).on_shutdown(move || {
        drop(stop);
        for driver in drivers {
            driver.join().unwrap();
        }
        drop(executor);
    })
}

/// A backend whose tasks find it by `current()`.
#[cfg(feature = "tokio")]
pub(crate) fn ambient_tokio() -> Subject {
    use async_runtime_compat::Ambient;
    use async_runtime_compat::tokio::TokioSpawner;

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    let ambient = Ambient::new(TokioSpawner::new(runtime.handle().clone()));
    Subject::new(ambient.clone())
        .timer(ambient.clone())
        .blocking(ambient)
        .on_shutdown(move || drop(runtime))
}

/// The same of an executor that the caller drives.
#[cfg(feature = "async-executor")]
pub(crate) fn ambient_async_executor() -> Subject {
    use async_executor::Executor;
    use async_runtime_compat::Ambient;
    use async_runtime_compat::async_executor::ExecutorSpawner;
    use futures_lite::future::block_on;

    let executor = Arc::new(Executor::new());
    let ambient = Ambient::new(ExecutorSpawner::new(executor.clone()));
    let (stop, stopped) = async_channel::bounded::<()>(1);
    let driver = thread::spawn(move || {
        let _ = block_on(executor.run(stopped.recv()));
    });
    Subject::new(ambient.clone()).timer(ambient.clone()).blocking(ambient).on_shutdown(move || {
        drop(stop);
        driver.join().unwrap();
    })
}

/// A caller's own spawner: a thread for each task.
pub(crate) fn threads() -> Subject {
    threads_behind(|threads| threads)
}

/// The same behind a pointer, or whatever else `wrap` makes of it.
pub(crate) fn threads_behind<S: Spawner + 'static>(wrap: impl FnOnce(Threads) -> S) -> Subject {
    let threads = Threads::default();
    let shutdown = threads.clone();
    let pool = Arc::new(BlockingPool::builder().max_threads(8).build());
    let shutdown_pool = pool.clone();
    let shut_down = move || {
        shutdown_pool.shutdown();
        shutdown.shut_down();
    };
    let load = Load { live: 500, chain: 200, threads: 16, each: 20 };
    Subject::new(wrap(threads))
        .timer(ThreadTimer::new())
        .blocking(pool)
        .on_shutdown(shut_down)
        .load(load)
}

/// A thread for each task, with a shutdown.
#[derive(Clone, Default)]
pub(crate) struct Threads(Arc<ThreadsState>);

#[derive(Default)]
struct ThreadsState {
    stopped: AtomicBool,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Threads {
    fn shut_down(&self) {
        self.0.stopped.store(true, Ordering::SeqCst);
        let tasks = std::mem::take(&mut *self.0.tasks.lock().unwrap());
        for task in &tasks {
            task.thread().unpark();
        }
        for task in tasks {
            // An error is the panic of a raw task. It was that task's alone.
            let _ = task.join();
        }
    }
}

impl Spawner for Threads {
    fn spawn(&self, mut future: BoxFuture<'static, ()>) {
        let state = self.0.clone();
        let mut tasks = self.0.tasks.lock().unwrap();
        if self.0.stopped.load(Ordering::SeqCst) {
            drop(tasks);
            drop(future);
            return;
        }
        tasks.retain(|task| !task.is_finished());
        let run = move || {
            let waker = Waker::from(Arc::new(Unpark(thread::current())));
            let mut cx = Context::from_waker(&waker);
            while !state.stopped.load(Ordering::SeqCst) {
                if future.as_mut().poll(&mut cx).is_ready() {
                    break;
                }
                thread::park();
            }
        };
        // A small stack: some tests have thousands of tasks.
        tasks.push(thread::Builder::new().stack_size(512 * 1024).spawn(run).unwrap());
    }
}

pub(crate) struct Unpark(pub(crate) Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls a boxed future once.
pub(crate) fn poll_boxed(future: &mut BoxFuture<'static, ()>, waker: &Waker) -> Poll<()> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}
