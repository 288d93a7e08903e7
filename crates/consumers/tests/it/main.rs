//! The adapters at work, on every backend that is compiled in.

mod azure;
#[allow(dead_code, reason = "the example needs more of it")]
#[path = "../../../../examples/websocket_server/backend.rs"]
mod backend;
mod http;
mod libp2p;
#[allow(dead_code, reason = "the example needs more of it")]
#[path = "../../../../examples/hyper/net.rs"]
mod net;
mod opentelemetry;
mod quinn;

use std::future::Future;
use std::time::Duration;

use async_io::Timer;
use futures_lite::future;

use backend::BACKENDS;
use net::Host;

/// A test that hangs has failed.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs a test on each backend. The name of the last one is that which failed.
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
