//! Each backend as an `Arc<dyn Runtime>`, and a user's own that is put together.

use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use async_runtime_compat::prelude::*;
use async_runtime_compat::{BlockingPool, FnSpawner, RawSleep, with_blocking, with_timer};
use futures_lite::future::block_on;

/// A runtime, kept running for as long as this lives.
pub struct Running {
    /// The runtime.
    pub runtime: Arc<dyn Runtime>,
    _alive: Box<dyn Any>,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").finish_non_exhaustive()
    }
}

impl Running {
    fn new(runtime: impl Runtime + 'static, alive: impl Any) -> Running {
        Running { runtime: Arc::new(runtime), _alive: Box::new(alive) }
    }

    /// Runs a test, which fails after a minute rather than hang.
    pub fn run<F: Future<Output = ()>>(&self, test: impl FnOnce(Arc<dyn Runtime>) -> F) {
        let limited = self.runtime.timeout(Duration::from_secs(60), test(self.runtime.clone()));
        block_on(limited).expect("the test is over within a minute");
    }
}

/// Stamps tests that take a [`Running`], for each backend that is enabled.
#[macro_export]
macro_rules! on_all_backends {
    ($($test:ident,)*) => {
        $crate::with_tokio! {
            mod tokio { $crate::on_runtime! { tokio [$($test)*] } }
            mod tokio_current_thread { $crate::on_runtime! { tokio_current_thread [$($test)*] } }
        }
        $crate::with_smol! {
            mod smol { $crate::on_runtime! { smol [$($test)*] } }
        }
        $crate::with_async_std! {
            mod async_std { $crate::on_runtime! { async_std [$($test)*] } }
        }
        $crate::with_async_executor! {
            mod async_executor { $crate::on_runtime! { async_executor [$($test)*] } }
        }
    };
}

/// Stamps tests that take a [`Running`], for each backend that is enabled and a user's own runtime.
#[macro_export]
macro_rules! on_all_runtimes {
    ($($test:ident,)*) => {
        $crate::on_all_backends! { $($test,)* }
        mod own { $crate::on_runtime! { own [$($test)*] } }
    };
}

/// The tests of one runtime.
#[doc(hidden)]
#[macro_export]
macro_rules! on_runtime {
    ($runtime:ident [$($test:ident)*]) => {$(
        #[test]
        fn $test() {
            super::$test(&$crate::runtimes::$runtime());
        }
    )*};
}

pub use crate::{on_all_backends, on_all_runtimes};

/// A tokio runtime with four workers.
#[cfg(feature = "tokio")]
#[must_use]
pub fn tokio() -> Running {
    use async_runtime_compat::tokio::TokioSpawner;

    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_time()
        .build()
        .unwrap();
    Running::new(TokioSpawner::new(tokio.handle().clone()), tokio)
}

/// A tokio runtime on one thread.
#[cfg(feature = "tokio")]
#[must_use]
pub fn tokio_current_thread() -> Running {
    use async_runtime_compat::tokio::TokioSpawner;

    let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let spawner = TokioSpawner::new(tokio.handle().clone());
    let (stop, stopped) = async_channel::bounded::<()>(1);
    // An error, because the sender is dropped, is what ends it.
    thread::spawn(move || tokio.block_on(stopped.recv()));
    Running::new(spawner, stop)
}

/// smol's global executor.
#[cfg(feature = "smol")]
#[must_use]
pub fn smol() -> Running {
    Running::new(async_runtime_compat::smol::SmolSpawner, ())
}

/// async-std's global executor.
#[cfg(feature = "async-std")]
#[must_use]
pub fn async_std() -> Running {
    Running::new(async_runtime_compat::async_std::AsyncStdSpawner, ())
}

/// An executor that one thread drives.
#[cfg(feature = "async-executor")]
#[must_use]
pub fn async_executor() -> Running {
    use async_executor::Executor;
    use async_runtime_compat::async_executor::ExecutorSpawner;

    let executor = Arc::new(Executor::new());
    let spawner = ExecutorSpawner::new(executor.clone());
    let (stop, stopped) = async_channel::bounded::<()>(1);
    thread::spawn(move || block_on(executor.run(stopped.recv())));
    Running::new(spawner, stop)
}

/// A user's own spawner, timer and pool, put together.
#[must_use]
pub fn own() -> Running {
    let threads = FnSpawner::new(|task| {
        thread::spawn(|| block_on(task));
    });
    let timed = with_timer(threads, Stopped(Instant::now()));
    Running::new(with_blocking(timed, BlockingPool::builder().max_threads(4).build()), ())
}

/// A timer on which no time passes.
#[derive(Clone, Copy, Debug)]
pub struct Stopped(pub Instant);

impl Timer for Stopped {
    fn now(&self) -> Instant {
        self.0
    }

    fn system_time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let raw = StoppedSleep { now: self.0, deadline: self.0 };
        Sleep::new(raw, self.0.checked_add(duration))
    }
}

struct StoppedSleep {
    now: Instant,
    deadline: Instant,
}

impl RawSleep for StoppedSleep {
    fn now(&self) -> Instant {
        self.now
    }

    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.deadline = deadline;
    }

    fn poll_elapsed(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.deadline <= self.now { Poll::Ready(()) } else { Poll::Pending }
    }
}
