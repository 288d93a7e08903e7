//! Requests with known replies, on many connections at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_tungstenite::tungstenite::Error as WsError;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::client::{self, Client, Socket};

/// How much to ask for.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    /// The number of requests on each connection.
    pub(crate) messages: usize,
}

impl Load {
    pub(crate) fn total(self) -> usize {
        self.connections * self.messages
    }
}

/// What came of it.
pub(crate) struct Outcome {
    /// The time from a request to its reply, of each reply that was right.
    pub(crate) latencies: Vec<Duration>,
    /// The time that the requests took together.
    pub(crate) elapsed: Duration,
    /// The connections that are still open.
    pub(crate) sockets: Vec<Socket>,
}

/// Connects all clients, and then has all of them send their requests, one after the other.
///
/// Each right reply adds one to `answered`.
pub(crate) async fn drive(client: &Client, load: Load, answered: &AtomicUsize) -> Outcome {
    let connecting = (0..load.connections).map(|_| client.connect());
    let sockets: Vec<Socket> = join_all(connecting).await.into_iter().flatten().collect();

    let start = Instant::now();
    let conversations = sockets.into_iter().map(|socket| converse(socket, load.messages, answered));
    let conversations = join_all(conversations).await;
    let elapsed = start.elapsed();

    let (latencies, sockets): (Vec<_>, Vec<_>) = conversations.into_iter().unzip();
    let sockets = sockets.into_iter().flatten().collect();
    Outcome { latencies: latencies.concat(), elapsed, sockets }
}

async fn converse(
    mut socket: Socket,
    messages: usize,
    answered: &AtomicUsize,
) -> (Vec<Duration>, Option<Socket>) {
    let mut latencies = Vec::with_capacity(messages);
    for id in 0..messages {
        let exchange = Exchange::new(id);
        let start = Instant::now();
        match exchange.perform(&mut socket).await {
            Ok(true) => {
                latencies.push(start.elapsed());
                answered.fetch_add(1, Ordering::Relaxed);
            }
            Ok(false) => {}
            // The rest is lost.
            Err(_) => return (latencies, None),
        }
    }
    (latencies, Some(socket))
}

/// A request, and what its reply has to say.
struct Exchange {
    id: usize,
    request: Value,
    /// Where in the reply to look, and what for.
    expected: (&'static str, Value),
}

impl Exchange {
    /// Requests of each kind in turn; one in four is malformed, and its reply names the field.
    fn new(id: usize) -> Exchange {
        let (request, expected) = match id % 4 {
            0 => {
                let value = json!({ "nested": [id, null, "text"] });
                (json!({ "id": id, "op": "echo", "value": value }), ("/ok", value))
            }
            1 => (json!({ "id": id, "op": "sum", "numbers": [id, 2, 3] }), ("/ok", json!(id + 5))),
            2 => (json!({ "id": id, "op": "reverse", "text": "drawer" }), ("/ok", json!("reward"))),
            _ => (
                json!({ "id": id, "op": "sum", "numbers": [1, "two"] }),
                ("/error/path", json!("numbers[1]")),
            ),
        };
        Exchange { id, request, expected }
    }

    /// Whether the reply is right.
    async fn perform(&self, socket: &mut Socket) -> Result<bool, WsError> {
        let reply = client::ask(socket, &self.request.to_string()).await?;
        let (pointer, value) = &self.expected;
        Ok(reply["id"] == self.id && reply.pointer(pointer) == Some(value))
    }
}
