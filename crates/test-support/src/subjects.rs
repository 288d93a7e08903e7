//! Each backend as a subject of the conformance suite, and a user's own spawner.

use std::sync::Arc;

use async_runtime_compat::BlockingPool;
pub use async_runtime_compat_conformance::conformance_tests;
use async_runtime_compat_conformance::{Load, Subject};
use async_runtime_compat_sim::{Sim, SimRuntime};

use crate::thread_timer::ThreadTimer;
use crate::threads::Threads;

/// Stamps the conformance suite for several subjects, each in a module of its own, all cases or
/// those of the clauses that are listed.
#[macro_export]
macro_rules! stamp {
    (clauses: $clauses:tt; $($name:ident: $subject:expr;)*) => {$(
        mod $name {
            #[allow(unused_imports, reason = "some subjects need none")]
            use super::*;

            $crate::subjects::conformance_tests!($subject, clauses: $clauses);
        }
    )*};
    ($($name:ident: $subject:expr;)*) => {$(
        mod $name {
            #[allow(unused_imports, reason = "some subjects need none")]
            use super::*;

            $crate::subjects::conformance_tests!($subject);
        }
    )*};
}

#[cfg(feature = "tokio")]
mod tokio_subjects {
    use std::thread;

    use async_runtime_compat::tokio::TokioSpawner;
    use async_runtime_compat::{Ambient, Runtime};
    use async_runtime_compat_conformance::Subject;
    use tokio::runtime::Builder;

    /// A tokio runtime with two workers.
    #[must_use]
    pub fn tokio_multi_thread() -> Subject {
        multi_thread(|spawner| spawner)
    }

    /// The same, behind something that keeps it a runtime.
    pub fn multi_thread<R>(wrap: impl FnOnce(TokioSpawner) -> R) -> Subject
    where
        R: Runtime + Clone + 'static,
    {
        let tokio = Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
        let runtime = wrap(TokioSpawner::new(tokio.handle().clone()));
        super::of_runtime(runtime).on_shutdown(move || drop(tokio))
    }

    /// A tokio runtime on one thread, which drives it.
    #[must_use]
    pub fn tokio_current_thread() -> Subject {
        let tokio = Builder::new_current_thread().enable_time().build().unwrap();
        let spawner = TokioSpawner::new(tokio.handle().clone());
        let (stop, stopped) = async_channel::bounded::<()>(1);
        let driver = thread::spawn(move || {
            // An error, because the sender is dropped, is what ends it.
            let _ = tokio.block_on(stopped.recv());
        });
        super::of_runtime(spawner).on_shutdown(move || {
            drop(stop);
            driver.join().unwrap();
        })
    }

    /// A runtime that its tasks find by `current()`.
    #[must_use]
    pub fn ambient_tokio() -> Subject {
        multi_thread(Ambient::new)
    }
}
#[cfg(feature = "tokio")]
pub use tokio_subjects::{
    ambient_tokio, multi_thread as tokio_behind, tokio_current_thread, tokio_multi_thread,
};

/// smol's global executor.
#[cfg(feature = "smol")]
#[must_use]
pub fn smol() -> Subject {
    global(async_runtime_compat::smol::SmolSpawner)
}

/// async-std's global executor.
#[cfg(feature = "async-std")]
#[must_use]
pub fn async_std() -> Subject {
    global(async_runtime_compat::async_std::AsyncStdSpawner)
}

/// A runtime that is the whole process's: it has no shutdown.
#[cfg(any(feature = "smol", feature = "async-std"))]
pub fn global<R: async_runtime_compat::Runtime + Clone + 'static>(runtime: R) -> Subject {
    of_runtime(runtime).skips(["c5", "c15::spawned_after_shutdown"])
}

/// An executor that this many threads drive.
#[cfg(feature = "async-executor")]
#[must_use]
pub fn async_executor(threads: usize) -> Subject {
    async_executor_behind(threads, |spawner| spawner)
}

/// The same, as something whose tasks find it by `current()`.
#[cfg(feature = "async-executor")]
#[must_use]
pub fn ambient_async_executor() -> Subject {
    async_executor_behind(1, async_runtime_compat::Ambient::new)
}

#[cfg(feature = "async-executor")]
fn async_executor_behind<R: async_runtime_compat::Runtime + Clone + 'static>(
    threads: usize,
    wrap: impl FnOnce(async_runtime_compat::async_executor::ExecutorSpawner) -> R,
) -> Subject {
    use async_executor::Executor;
    use async_runtime_compat::async_executor::ExecutorSpawner;
    use futures_lite::future::block_on;

    let executor = Arc::new(Executor::new());
    let runtime = wrap(ExecutorSpawner::new(executor.clone()));
    let (stop, stopped) = async_channel::bounded::<()>(1);
    let drivers: Vec<_> = (0..threads)
        .map(|_| {
            let (executor, stopped) = (executor.clone(), stopped.clone());
            std::thread::spawn(move || {
                let _ = block_on(executor.run(stopped.recv()));
            })
        })
        .collect();
    of_runtime(runtime).on_shutdown(move || {
        drop(stop);
        for driver in drivers {
            driver.join().unwrap();
        }
        drop(executor);
    })
}

/// A subject whose spawner, timer and pool are one runtime.
#[cfg(any(feature = "tokio", feature = "smol", feature = "async-std", feature = "async-executor"))]
fn of_runtime<R: async_runtime_compat::Runtime + Clone + 'static>(runtime: R) -> Subject {
    Subject::new(runtime.clone()).timer(runtime.clone()).blocking(runtime)
}

/// A simulation on a thread of its own.
///
/// The cases are threads that the simulation does not control, and so it waits for them.
#[must_use]
pub fn simulated() -> Subject {
    let (send, receive) = std::sync::mpsc::channel::<SimRuntime>();
    let (stop, stopped) = async_channel::bounded::<()>(1);
    let sim = Sim::new(1).foreign_threads(true).allow_leaks(true).allow_panics(true);
    let driver = std::thread::spawn(move || {
        let report = sim.max_steps(1 << 40).run(|rt| async move {
            send.send(rt).unwrap();
            // An error, because the sender is dropped, is what ends it.
            let _ = stopped.recv().await;
        });
        report.unwrap();
    });
    let runtime = receive.recv().unwrap();
    Subject::new(runtime.clone()).timer(runtime.clone()).blocking(runtime).one_thread().on_shutdown(
        move || {
            drop(stop);
            driver.join().unwrap();
        },
    )
}

/// A user's own spawner, timer and pool: a thread for each task.
#[must_use]
pub fn threads() -> Subject {
    let threads = Threads::default();
    let shutdown = threads.clone();
    let pool = Arc::new(BlockingPool::builder().max_threads(8).build());
    let shutdown_pool = pool.clone();
    Subject::new(threads)
        .timer(ThreadTimer::new())
        .blocking(pool)
        .on_shutdown(move || {
            shutdown_pool.shutdown();
            shutdown.shut_down();
        })
        .load(Load { live: 500, chain: 200, threads: 16, each: 20 })
}
