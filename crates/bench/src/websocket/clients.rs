//! What the clients do.

use std::time::{Duration, Instant};

use async_runtime_compat_examples::websocket::{Client, Socket, client};
use async_tungstenite::tungstenite::{Error as WsError, Message};
use futures_lite::StreamExt as _;
use futures_util::future::join_all;
use serde_json::json;

/// How much the clients do in one round, and how.
#[derive(Clone, Copy)]
pub(super) struct Work {
    pub(super) name: &'static str,
    clients: u32,
    /// How often each client asks, one request after the other.
    requests: u32,
    connections: Connections,
}

#[derive(Clone, Copy, PartialEq)]
enum Connections {
    /// They are open before the first round, and after the last one.
    Open,
    /// There is one for each request, which is opened and closed for it.
    OneForEach,
}

pub(super) const WORKS: [Work; 3] = [
    Work {
        name: "16 clients, open connections",
        clients: 16,
        requests: 20,
        connections: Connections::Open,
    },
    Work {
        name: "64 clients, open connections",
        clients: 64,
        requests: 10,
        connections: Connections::Open,
    },
    Work {
        name: "16 clients, a connection for each request",
        clients: 16,
        requests: 1,
        connections: Connections::OneForEach,
    },
];

impl Work {
    /// The requests of one round, of all clients.
    pub(super) fn requests(self) -> u32 {
        self.clients * self.requests
    }

    /// Opens the connections that are there for all rounds.
    pub(super) async fn open(self, client: &Client) -> Vec<Socket> {
        match self.connections {
            Connections::Open => join_all((0..self.clients).map(|_| open(client))).await,
            Connections::OneForEach => Vec::new(),
        }
    }

    /// Does so many rounds, and gives the time that they took.
    pub(super) async fn perform(
        self,
        client: &Client,
        sockets: &mut [Socket],
        rounds: u64,
    ) -> Duration {
        let start = Instant::now();
        for _ in 0..rounds {
            match self.connections {
                Connections::Open => {
                    join_all(sockets.iter_mut().map(|socket| self.ask(socket))).await;
                }
                Connections::OneForEach => {
                    let visits = (0..self.clients).map(|_| self.visit(client));
                    join_all(visits).await;
                }
            }
        }
        start.elapsed()
    }

    async fn ask(self, socket: &mut Socket) {
        for id in 0..self.requests {
            let request = json!({ "id": id, "op": "sum", "numbers": [id, 2, 3] }).to_string();
            let reply = client::ask(socket, &request).await.expect("the server replies");
            assert_eq!(reply, json!({ "id": id, "ok": id + 5 }));
        }
    }

    async fn visit(self, client: &Client) {
        let mut socket = open(client).await;
        self.ask(&mut socket).await;
        close(socket).await;
    }
}

async fn open(client: &Client) -> Socket {
    client.connect().await.expect("the server takes connections")
}

/// Closes a connection, and waits until the server has closed it, too.
pub(super) async fn close(mut socket: Socket) {
    socket.close(None).await.expect("the connection is open");
    while let Some(message) = socket.next().await {
        match message {
            Ok(Message::Close(_)) | Err(WsError::ConnectionClosed) => {}
            unexpected => panic!("instead of closing the connection, {unexpected:?}"),
        }
    }
}
