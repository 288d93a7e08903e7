//! Requests with known replies, on many concurrent connections.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_io::Timer;
use async_runtime_compat_examples::websocket::{Client, Socket, client};
use async_tungstenite::tungstenite::Error as WsError;
use futures_lite::future;
use futures_util::future::join_all;
use serde_json::{Value, json};

/// The run is given up after this time without a single reply.
const PATIENCE: Duration = Duration::from_secs(10);

/// The amount of load.
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

/// The results of a run.
pub(crate) struct Outcome {
    pub(crate) conversations: Vec<Conversation>,
    /// The time that all requests took together.
    pub(crate) elapsed: Duration,
}

/// One client's connection and results.
#[derive(Default)]
pub(crate) struct Conversation {
    /// The connection, unless it is lost.
    pub(crate) socket: Option<Socket>,
    /// The time from request to reply, for each correct reply.
    pub(crate) latencies: Vec<Duration>,
}

/// Connects all clients, then has all of them send their requests, each client one at a time.
///
/// Adds one to `answered` for each correct reply.
pub(crate) async fn drive(client: &Client, load: Load, answered: &AtomicUsize) -> Outcome {
    let mut conversations: Vec<Conversation> = Vec::new();
    conversations.resize_with(load.connections, Conversation::default);

    let connecting = join_all(conversations.iter_mut().map(|it| it.connect(client)));
    unless_stalled(answered, connecting).await;
    let start = Instant::now();
    let talking = join_all(conversations.iter_mut().map(|it| it.talk(load.messages, answered)));
    unless_stalled(answered, talking).await;
    Outcome { conversations, elapsed: start.elapsed() }
}

/// Awaits the future, but gives up if `answered` stands still for too long.
async fn unless_stalled<T>(answered: &AtomicUsize, future: impl Future<Output = T>) {
    let stalled = async {
        loop {
            let before = answered.load(Ordering::Relaxed);
            Timer::after(PATIENCE).await;
            if answered.load(Ordering::Relaxed) == before {
                return;
            }
        }
    };
    let done = async {
        future.await;
    };
    future::or(done, stalled).await;
}

impl Conversation {
    async fn connect(&mut self, client: &Client) {
        self.socket = client.connect().await.ok();
    }

    async fn talk(&mut self, messages: usize, answered: &AtomicUsize) {
        let Some(socket) = &mut self.socket else { return };
        for id in 0..messages {
            let exchange = Exchange::new(id);
            let start = Instant::now();
            match exchange.perform(socket).await {
                Ok(true) => {
                    self.latencies.push(start.elapsed());
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                Ok(false) => {}
                Err(_) => {
                    // The remaining requests are lost, too.
                    self.socket = None;
                    return;
                }
            }
        }
    }
}

/// A request and its expected reply.
struct Exchange {
    id: usize,
    request: Value,
    /// A JSON pointer into the reply, and the value expected there.
    expected: (&'static str, Value),
}

impl Exchange {
    /// The requests cycle through four kinds. One of them is malformed; its reply names the field.
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

    /// Sends the request, and returns whether the reply is correct.
    async fn perform(&self, socket: &mut Socket) -> Result<bool, WsError> {
        let reply = client::ask(socket, &self.request.to_string()).await?;
        let (pointer, value) = &self.expected;
        Ok(reply["id"] == self.id && reply.pointer(pointer) == Some(value))
    }
}
