//! Tells WebSocket clients what happens.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use async_runtime_compat::prelude::*;
use async_tungstenite::accept_async;
use async_tungstenite::tungstenite::{Error, Message};
use events::Hub;
use smol::channel::Receiver;
use smol::net::{AsyncToSocketAddrs, TcpListener, TcpStream};

/// Serves events to WebSocket clients. Dropping it lets in no more of them.
#[derive(Debug)]
pub struct Daemon {
    address: SocketAddr,
    accepting: AbortOnDrop<()>,
    hub: Hub,
}

impl Daemon {
    /// Starts to serve the hub's events.
    pub async fn start(
        spawner: Arc<dyn Spawner>,
        address: impl AsyncToSocketAddrs,
        hub: Hub,
    ) -> io::Result<Daemon> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let accepting = spawner.spawn_with_handle(accept(spawner.clone(), listener, hub.clone()));
        Ok(Daemon { address, accepting: accepting.abort_on_drop(), hub })
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets in no more clients, and ends the events of those that are there.
    pub async fn close(self) {
        // An accept loop that panicked is over as well.
        let _ = self.accepting.cancel().await;
        self.hub.publish("closing");
        self.hub.close();
    }
}

async fn accept(spawner: Arc<dyn Spawner>, listener: TcpListener, hub: Hub) {
    while let Ok((stream, peer)) = listener.accept().await {
        let client = serve(stream, hub.listen());
        spawner.spawn_detached(async move {
            if let Err(error) = client.await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

/// Sends the events to a client.
async fn serve(stream: TcpStream, events: Receiver<String>) -> Result<(), Error> {
    let mut socket = accept_async(stream).await?;
    while let Ok(event) = events.recv().await {
        socket.send(Message::text(event)).await?;
    }
    socket.close(None).await
}
