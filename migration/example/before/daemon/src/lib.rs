//! Tells WebSocket clients what happens.

use std::io;
use std::net::SocketAddr;

use async_tungstenite::accept_async;
use async_tungstenite::tungstenite::{Error, Message};
use events::Hub;
use smol::channel::Receiver;
use smol::net::{AsyncToSocketAddrs, TcpListener, TcpStream};
use smol::{Task, spawn};

/// Serves events to WebSocket clients. Dropping it lets in no more of them.
#[derive(Debug)]
pub struct Daemon {
    address: SocketAddr,
    accepting: Task<()>,
    hub: Hub,
}

impl Daemon {
    /// Starts to serve the hub's events.
    pub async fn start(address: impl AsyncToSocketAddrs, hub: Hub) -> io::Result<Daemon> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let accepting = spawn(accept(listener, hub.clone()));
        Ok(Daemon { address, accepting, hub })
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets in no more clients, and ends the events of those that are there.
    pub async fn close(self) {
        self.accepting.cancel().await;
        self.hub.publish("closing");
        self.hub.close();
    }
}

async fn accept(listener: TcpListener, hub: Hub) {
    while let Ok((stream, _)) = listener.accept().await {
        spawn(serve(stream, hub.listen())).detach();
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
