//! Each backend as an `Arc<dyn Runtime>`, and a caller's own that is put together.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use async_runtime_compat::prelude::*;
use async_runtime_compat::{BlockingPool, FnSpawner, RawSleep, with_blocking, with_timer};
use futures_lite::future::block_on;

/// A runtime, and what has to live for as long as it is used.
pub(crate) struct Running {
    pub(crate) runtime: Arc<dyn Runtime>,
    _alive: Box<dyn Any>,
}

impl Running {
    fn new(runtime: impl Runtime + 'static, alive: impl Any) -> Running {
        Running { runtime: Arc::new(runtime), _alive: Box::new(alive) }
    }

    /// Runs a test, which fails rather than hangs.
    #[allow(dead_code, reason = "some tests see to that by themselves")]
    pub(crate) fn run<F: Future<Output = ()>>(&self, test: impl FnOnce(Arc<dyn Runtime>) -> F) {
        let limited = self.runtime.timeout(Duration::from_secs(60), test(self.runtime.clone()));
        block_on(limited).expect("the test is over within a minute");
    }
}

/// Stamps tests that take a [`Running`], for each backend.
#[allow(unused_macros, reason = "some tests take a caller's own runtime, too")]
macro_rules! on_all_backends {
    ($($test:ident,)*) => {
        $crate::runtimes::on_all_backends! { @ [$($test)*]
            #[cfg(feature = "tokio")] tokio;
            #[cfg(feature = "tokio")] tokio_current_thread;
            #[cfg(feature = "smol")] smol;
            #[cfg(feature = "async-std")] async_std;
            #[cfg(feature = "async-executor")] async_executor;
        }
    };
    (@ $tests:tt $(#[$gate:meta] $name:ident;)*) => {
        $(#[$gate] mod $name { $crate::runtimes::on_all_backends! { @@ $name $tests } })*
    };
    (@@ $name:ident [$($test:ident)*]) => {$(
        #[test]
        fn $test() {
            super::$test(&$crate::runtimes::$name());
        }
    )*};
}
#[allow(unused_imports, reason = "as above")]
pub(crate) use on_all_backends;

/// Stamps tests that take a [`Running`], for each backend and a caller's own runtime.
#[allow(unused_macros, reason = "on that one no time passes")]
macro_rules! on_all_runtimes {
    ($($test:ident,)*) => {
        $crate::runtimes::on_all_backends! { $($test,)* }
        mod own { $crate::runtimes::on_all_backends! { @@ own [$($test)*] } }
    };
}
#[allow(unused_imports, reason = "as above")]
pub(crate) use on_all_runtimes;

#[cfg(feature = "tokio")]
pub(crate) fn tokio() -> Running {
    use async_runtime_compat::tokio::TokioSpawner;

    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_time()
        .build()
        .unwrap();
    Running::new(TokioSpawner::new(tokio.handle().clone()), tokio)
}

#[cfg(feature = "tokio")]
pub(crate) fn tokio_current_thread() -> Running {
    use async_runtime_compat::tokio::TokioSpawner;

    let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let spawner = TokioSpawner::new(tokio.handle().clone());
    let (stop, stopped) = async_channel::bounded::<()>(1);
    // An error, because the sender is dropped, is what ends it.
    thread::spawn(move || tokio.block_on(stopped.recv()));
    Running::new(spawner, stop)
}

#[cfg(feature = "smol")]
pub(crate) fn smol() -> Running {
    Running::new(async_runtime_compat::smol::SmolSpawner, ())
}

#[cfg(feature = "async-std")]
pub(crate) fn async_std() -> Running {
    Running::new(async_runtime_compat::async_std::AsyncStdSpawner, ())
}

#[cfg(feature = "async-executor")]
pub(crate) fn async_executor() -> Running {
    use async_executor::Executor;
    use async_runtime_compat::async_executor::ExecutorSpawner;

    let executor = Arc::new(Executor::new());
    let spawner = ExecutorSpawner::new(executor.clone());
    let (stop, stopped) = async_channel::bounded::<()>(1);
    thread::spawn(move || block_on(executor.run(stopped.recv())));
    Running::new(spawner, stop)
}

/// A caller's own spawner, made a runtime of.
pub(crate) fn own() -> Running {
    let threads = FnSpawner::new(|task| {
        thread::spawn(|| block_on(task));
    });
    let timed = with_timer(threads, Stopped(Instant::now()));
    Running::new(with_blocking(timed, BlockingPool::builder().max_threads(4).build()), ())
}

/// A timer on which no time passes.
#[derive(Clone, Copy)]
pub(crate) struct Stopped(pub(crate) Instant);

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
