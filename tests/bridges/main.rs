//! The bridges to other crates, on every backend that is compiled in.

// The examples' own code: what is shown is what is tested.
#[allow(dead_code, reason = "without a feature there is no backend to find")]
#[path = "../../examples/websocket_server/backend.rs"]
mod backend;
#[path = "../../examples/hyper/client.rs"]
mod client;
mod conformance;
mod futures;
mod hyper;
#[allow(dead_code, reason = "the tests need two of the four clients")]
#[path = "../../examples/hyper/load.rs"]
mod load;
#[path = "../../examples/hyper/net.rs"]
mod net;
#[path = "../../examples/hyper/server.rs"]
mod server;
#[cfg(feature = "sim")]
mod simulated;

use std::future::Future;
use std::thread;
use std::time::Duration;

use async_io::Timer;
use async_runtime_compat::{BlockingPool, FnSpawner, with_blocking, with_timer};
use futures_lite::future;

use backend::Backend;
use net::{AsyncIo, Host};
use test_support::thread_timer::ThreadTimer;

/// A test that hangs has failed.
const LIMIT: Duration = Duration::from_secs(60);

/// Far longer than a test: what it limits does not run out.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// Stamps tests that take a [`Host`], for each backend and for a spawner of the caller's.
macro_rules! on_all_backends {
    ($($test:ident,)*) => {
        $crate::on_all_backends! { @ [$($test)*]
            #[cfg(feature = "tokio")] tokio: $crate::running("tokio");
            #[cfg(feature = "tokio")] tokio_current_thread: $crate::running("tokio-current-thread");
            #[cfg(feature = "smol")] smol: $crate::running("smol");
            #[cfg(feature = "async-std")] async_std: $crate::running("async-std");
            #[cfg(feature = "async-executor")] async_executor: $crate::running("async-executor");
            #[cfg(all())] own: $crate::own();
        }
    };
    (@ $tests:tt $(#[$gate:meta] $name:ident: $running:expr;)*) => {
        $(#[$gate] mod $name { $crate::on_all_backends! { @@ $tests $running } })*
    };
    (@@ [$($test:ident)*] $running:expr) => {$(
        #[test]
        fn $test() {
            super::$test(&$running);
        }
    )*};
}
pub(crate) use on_all_backends;

#[allow(dead_code, reason = "without a feature there is no backend to run")]
fn running(name: &str) -> Host {
    Host::start(Backend::find(name).unwrap()).unwrap()
}

/// A thread for each task, and a timer that is a thread.
fn own() -> Host {
    let threads = FnSpawner::new(|task| {
        thread::spawn(|| future::block_on(task));
    });
    let timed = with_timer(threads, ThreadTimer::new());
    Host::new(with_blocking(timed, BlockingPool::builder().max_threads(4).build()), AsyncIo)
}

fn run<T>(test: impl Future<Output = T>) -> T {
    let limit = async {
        Timer::after(LIMIT).await;
        panic!("the test hangs");
    };
    async_io::block_on(future::or(test, limit))
}
