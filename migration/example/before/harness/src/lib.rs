//! A daemon for tests.

use std::io;
use std::thread;

use async_tungstenite::tungstenite::Error;
use async_tungstenite::{WebSocketStream, client_async};
use daemon::Daemon;
use events::Hub;
use smol::net::TcpStream;

/// A daemon that is closed when it is dropped.
#[derive(Debug)]
pub struct TestDaemon {
    daemon: Option<Daemon>,
    hub: Hub,
}

impl TestDaemon {
    /// Starts a daemon on a free port.
    pub async fn start() -> io::Result<TestDaemon> {
        let hub = Hub::default();
        let daemon = Daemon::start("127.0.0.1:0", hub.clone()).await?;
        Ok(TestDaemon { daemon: Some(daemon), hub })
    }

    /// What the daemon's clients are told.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// A client of the daemon.
    pub async fn connect(&self) -> Result<WebSocketStream<TcpStream>, Error> {
        let daemon = self.daemon.as_ref().ok_or(Error::AlreadyClosed)?;
        let stream = TcpStream::connect(daemon.address()).await?;
        let (socket, _) = client_async(format!("ws://{}", daemon.address()), stream).await?;
        Ok(socket)
    }
}

impl Drop for TestDaemon {
    fn drop(&mut self) {
        // `drop` cannot await, and must not block the executor's thread.
        if let Some(daemon) = self.daemon.take() {
            thread::spawn(move || smol::block_on(daemon.close()));
        }
    }
}
