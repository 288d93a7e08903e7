//! What the tests run on.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::prelude::*;
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
    pub(crate) fn run<F: Future<Output = ()>>(self, test: impl FnOnce(Arc<dyn Runtime>) -> F) {
        let limited = self.runtime.timeout(Duration::from_secs(60), test(self.runtime.clone()));
        block_on(limited).expect("the test is over within a minute");
    }
}

/// Stamps tests for each runtime, and for many schedules of the simulation.
///
/// Each takes an `Arc<dyn Runtime>`.
macro_rules! on_all_runtimes {
    ($($test:ident,)*) => {
        $crate::runtimes::on_all_runtimes! { @ [$($test)*]
            #[cfg(feature = "tokio")] tokio;
            #[cfg(feature = "tokio")] tokio_current_thread;
            #[cfg(feature = "smol")] smol;
            #[cfg(feature = "async-std")] async_std;
            #[cfg(feature = "async-executor")] async_executor;
        }
        #[cfg(feature = "sim")]
        mod sim {$(
            #[test]
            fn $test() {
                $crate::explore::explore(100, |rt| super::$test(std::sync::Arc::new(rt)));
            }
        )*}
    };
    (@ $tests:tt $(#[$gate:meta] $name:ident;)*) => {
        $(#[$gate] mod $name { $crate::runtimes::on_all_runtimes! { @@ $name $tests } })*
    };
    (@@ $name:ident [$($test:ident)*]) => {$(
        #[test]
        fn $test() {
            $crate::runtimes::$name().run(super::$test);
        }
    )*};
}
pub(crate) use on_all_runtimes;

#[cfg(feature = "tokio")]
pub(crate) fn tokio() -> Running {
    use async_runtime_compat::tokio::TokioSpawner;

    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let tokio = builder.worker_threads(4).enable_time().build().unwrap();
    Running::new(TokioSpawner::new(tokio.handle().clone()), tokio)
}

#[cfg(feature = "tokio")]
pub(crate) fn tokio_current_thread() -> Running {
    use async_runtime_compat::tokio::TokioSpawner;

    let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let spawner = TokioSpawner::new(tokio.handle().clone());
    let (stop, stopped) = async_channel::bounded::<()>(1);
    // An error, because the sender is dropped, is what ends it.
    std::thread::spawn(move || tokio.block_on(stopped.recv()));
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
    std::thread::spawn(move || block_on(executor.run(stopped.recv())));
    Running::new(spawner, stop)
}
