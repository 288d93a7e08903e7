//! hyper's executor and timer, and HTTP over both.

mod requests;
mod rt;
mod shutdown;

use std::net::SocketAddr;
use std::time::Duration;

use crate::NEVER;
use crate::client::{Client, Protocol};
use crate::net::{Host, Io};
use crate::server::Server;

/// The example's server, and where it listens.
struct Setup<'a> {
    running: &'a Host,
    server: Server,
}

impl<'a> Setup<'a> {
    fn new(running: &'a Host) -> Setup<'a> {
        Setup::with(running, NEVER)
    }

    fn with(running: &'a Host, header_timeout: Duration) -> Setup<'a> {
        let listener = running.net.listen(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let server = Server::start(running.runtime.clone(), listener, header_timeout).unwrap();
        Setup { running, server }
    }

    fn address(&self) -> SocketAddr {
        self.server.local_addr()
    }

    async fn io(&self) -> Box<dyn Io> {
        self.running.net.connect(self.address()).await.unwrap()
    }

    async fn client(&self, protocol: Protocol) -> Client {
        Client::new(&self.running.runtime, self.io().await, protocol).await.unwrap()
    }
}
