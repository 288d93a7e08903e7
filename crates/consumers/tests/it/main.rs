//! The adapters at work, on every backend.

mod azure;
mod http;
mod libp2p;
mod opentelemetry;
mod quinn;

use std::future::Future;
use std::time::Duration;

use async_io::Timer;
use async_runtime_compat_examples::backend::BACKENDS;
use async_runtime_compat_examples::http::Host;
use futures_lite::future;

/// A test fails if it takes longer than this.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs a test on each backend. If the test fails, the last name printed is the backend's.
fn on_all_backends(test: impl Fn(&Host)) {
    for backend in BACKENDS {
        println!("on {}", backend.name);
        test(&Host::start(backend).unwrap());
    }
}

fn run<T>(test: impl Future<Output = T>) -> T {
    let limit = async {
        Timer::after(LIMIT).await;
        panic!("the test hangs");
    };
    async_io::block_on(future::or(test, limit))
}
