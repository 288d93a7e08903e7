//! A server that is up, with its clients.

use std::cell::RefCell;
use std::future::Future;
use std::mem;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::Spawner;
use async_runtime_compat_examples::websocket::{self, Client, Socket};
use futures_util::future::join_all;

use super::clients::{self, Work};
use super::native;
use crate::backend::{self, Backend};

/// Far longer than it takes: the clients have closed their connections.
const GRACE: Duration = Duration::from_secs(60);

/// What a server runs on.
pub(super) trait Host: Send + 'static {
    /// Starts the server that is written for it.
    fn serve(self) -> impl Future<Output = Box<dyn Served>> + Send;
}

/// A server, whatever it was compiled for.
pub(super) trait Served: Send {
    /// A client of it.
    fn client(&self) -> Client;

    /// Stops it when its clients have left.
    fn stop(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

macro_rules! hosts {
    ($($host:ty: $($server:ident)::*;)*) => {$(
        impl Host for $host {
            async fn serve(self) -> Box<dyn Served> {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                let config = $($server)::*::Config::default();
                let server = $($server)::*::Server::start(self, address, config);
                Box::new(server.await.expect("there is a port on loopback"))
            }
        }

        impl Served for $($server)::*::Server {
            fn client(&self) -> Client {
                Client::new(self.local_addr(), self.authority()).expect("the certificate is right")
            }

            fn stop(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
                Box::pin(async {
                    let report = self.shutdown(GRACE).await.expect("the server's task is there");
                    let failed = report.aborted + report.panicked;
                    assert_eq!(failed, 0, "connections should end in order: {report}");
                })
            }
        }
    )*};
}

hosts! {
    Arc<dyn Spawner>: websocket;
    backend::async_executor::Native: native::async_executor;
    backend::async_std::Native: native::async_std;
    backend::smol::Native: native::smol;
    backend::tokio::Native: native::tokio;
}

/// A server on a backend, and clients on the same one.
pub(super) struct Site<'a, B> {
    backend: &'a B,
    work: Work,
    server: Box<dyn Served>,
    client: Arc<Client>,
    sockets: RefCell<Vec<Socket>>,
}

impl<'a, B: Backend> Site<'a, B> {
    /// Starts the server, and opens the connections that the work starts with.
    pub(super) fn open(backend: &'a B, host: impl Host, work: Work) -> Site<'a, B> {
        let (server, client, sockets) = backend.run(async move {
            let server = host.serve().await;
            let client = Arc::new(server.client());
            let sockets = work.open(&client).await;
            (server, client, sockets)
        });
        Site { backend, work, server, client, sockets: RefCell::new(sockets) }
    }

    /// Does so many rounds of the work, and gives the time that they took.
    pub(super) fn run(&self, rounds: u64) -> Duration {
        let (work, client) = (self.work, self.client.clone());
        let mut sockets = mem::take(&mut *self.sockets.borrow_mut());
        let (sockets, elapsed) = self.backend.run(async move {
            let elapsed = work.perform(&client, &mut sockets, rounds).await;
            (sockets, elapsed)
        });
        self.sockets.replace(sockets);
        elapsed
    }

    /// Closes the connections, and stops the server.
    pub(super) fn close(self) {
        let Site { backend, server, sockets, .. } = self;
        backend.run(async move {
            join_all(sockets.into_inner().into_iter().map(clients::close)).await;
            server.stop().await;
        });
    }
}
