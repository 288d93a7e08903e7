//! The HTTP server and its clients: on each backend over real sockets, and in a simulation.

mod requests;
mod shutdown;
mod simulated;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use async_io::Timer;
use async_runtime_compat_examples::backend::Backend;
use async_runtime_compat_examples::http::net::Io;
use async_runtime_compat_examples::http::{Client, Host, Protocol, Server};
use futures_lite::future;

/// A test fails if it takes longer than this.
const LIMIT: Duration = Duration::from_secs(60);

/// A limit that no test reaches.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// Stamps tests that take a [`Host`], for each backend.
macro_rules! on_all_backends {
    ($($test:ident,)*) => {
        $crate::on_all_backends! { @ [$($test)*]
            tokio: "tokio";
            tokio_current_thread: "tokio-current-thread";
            smol: "smol";
            async_std: "async-std";
            async_executor: "async-executor";
        }
    };
    (@ $tests:tt $($name:ident: $backend:literal;)*) => {
        $(mod $name { $crate::on_all_backends! { @@ $tests $backend } })*
    };
    (@@ [$($test:ident)*] $backend:literal) => {$(
        #[test]
        fn $test() {
            super::$test(&$crate::host($backend));
        }
    )*};
}
pub(crate) use on_all_backends;

fn host(name: &str) -> Host {
    Host::start(Backend::find(name).unwrap()).unwrap()
}

fn run<T>(test: impl Future<Output = T>) -> T {
    let limit = async {
        Timer::after(LIMIT).await;
        panic!("the test hangs");
    };
    async_io::block_on(future::or(test, limit))
}

/// A server under test.
struct Setup<'a> {
    host: &'a Host,
    server: Server,
}

impl<'a> Setup<'a> {
    fn new(host: &'a Host) -> Setup<'a> {
        Setup::with(host, NEVER)
    }

    fn with(host: &'a Host, header_timeout: Duration) -> Setup<'a> {
        let listener = host.net.listen(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let server = Server::start(host.runtime.clone(), listener, header_timeout).unwrap();
        Setup { host, server }
    }

    fn address(&self) -> SocketAddr {
        self.server.local_addr()
    }

    async fn io(&self) -> Box<dyn Io> {
        self.host.net.connect(self.address()).await.unwrap()
    }

    async fn client(&self, protocol: Protocol) -> Client {
        Client::new(&self.host.runtime, self.io().await, protocol).await.unwrap()
    }
}
