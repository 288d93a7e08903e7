//! The bridges to other crates, on every backend that is compiled in.

mod conformance;
mod futures;
mod hyper;

use std::future::Future;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use async_io::Timer;
use async_runtime_compat::{BlockingPool, FnSpawner, Runtime, with_blocking, with_timer};
use futures_lite::future;

use test_support::thread_timer::ThreadTimer;

/// A test fails if it takes longer than this.
const LIMIT: Duration = Duration::from_secs(60);

/// Stamps tests that take an `&Arc<dyn Runtime>`, for each backend and for a user's own runtime.
macro_rules! on_all_runtimes {
    ($($test:ident,)*) => {
        $crate::on_all_runtimes! { @ [$($test)*]
            #[cfg(feature = "tokio")] tokio: test_support::runtimes::tokio();
            #[cfg(feature = "tokio")] tokio_current_thread: test_support::runtimes::tokio_current_thread();
            #[cfg(feature = "smol")] smol: test_support::runtimes::smol();
            #[cfg(feature = "async-std")] async_std: test_support::runtimes::async_std();
            #[cfg(feature = "async-executor")] async_executor: test_support::runtimes::async_executor();
            #[cfg(all())] own: $crate::own();
        }
    };
    (@ $tests:tt $(#[$gate:meta] $name:ident: $running:expr;)*) => {
        $(#[$gate] mod $name { $crate::on_all_runtimes! { @@ $tests $running } })*
    };
    (@@ [$($test:ident)*] $running:expr) => {$(
        #[test]
        fn $test() {
            let running = $running;
            super::$test(&running.runtime);
        }
    )*};
}
pub(crate) use on_all_runtimes;

/// A user's own runtime.
struct Own {
    runtime: Arc<dyn Runtime>,
}

/// A thread for each task, and a timer with its own thread.
fn own() -> Own {
    let threads = FnSpawner::new(|task| {
        thread::spawn(|| future::block_on(task));
    });
    let timed = with_timer(threads, ThreadTimer::new());
    let pool = BlockingPool::builder().max_threads(4).build();
    Own { runtime: Arc::new(with_blocking(timed, pool)) }
}

fn run<T>(test: impl Future<Output = T>) -> T {
    let limit = async {
        Timer::after(LIMIT).await;
        panic!("the test hangs");
    };
    async_io::block_on(future::or(test, limit))
}
