//! The example `websocket_server`, on each backend, with real TLS clients over real sockets.

#[cfg(feature = "json")]
#[path = "../../examples/websocket_server/app.rs"]
mod app;
#[allow(dead_code, reason = "without a feature there is no backend to find")]
#[path = "../../examples/websocket_server/backend.rs"]
mod backend;
#[cfg(feature = "json")]
#[allow(dead_code, reason = "without a backend there is nothing to run on")]
mod calls;
#[path = "../../examples/tour/client.rs"]
mod client;
mod hostile;
#[cfg(feature = "json")]
#[path = "../../examples/websocket_server/parts.rs"]
mod parts;
mod requests;
#[path = "../../examples/websocket_server/server.rs"]
mod server;
#[cfg(feature = "json")]
#[path = "../../examples/websocket_server/service.rs"]
mod service;
mod shutdown;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use async_channel::Receiver;
use async_io::Timer;
use async_runtime_compat::{FnSpawner, Runtime, Spawner};
use async_tungstenite::tungstenite::Message;
use futures_lite::{StreamExt as _, future};
use serde_json::json;

use client::{Client, Socket};
use server::{Config, Event, Server};

/// A test that hangs has failed.
const LIMIT: Duration = Duration::from_secs(60);

/// Far longer than a test: what it limits does not run out.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// Stamps the tests. `$backend` is a spawner, and what has to live for as long as it is used.
macro_rules! websocket_tests {
    ($backend:expr) => {
        websocket_tests! { $backend =>
            requests::each_operation_is_answered,
            requests::malformed_json_is_located,
            requests::wrong_field_is_named,
            requests::unknown_operation_is_told_the_known_ones,
            requests::binary_message_is_refused,
            requests::pipelined_requests_are_answered_in_order,
            requests::pings_are_answered_while_a_request_is_open,
            hostile::oversized_message_closes_its_connection_alone,
            hostile::message_that_grows_too_large_closes_its_connection,
            hostile::client_that_hangs_in_the_handshake_holds_up_nobody,
            hostile::client_that_hangs_in_the_handshake_is_dropped,
            hostile::client_that_vanishes_in_a_message_harms_nobody,
            hostile::client_that_stalls_in_a_message_is_dropped,
            hostile::client_that_takes_no_replies_is_dropped,
            hostile::handler_that_panics_ends_its_connection_alone,
            shutdown::open_request_is_finished,
            shutdown::no_connection_is_accepted,
            shutdown::stuck_connection_is_aborted_after_the_grace_period,
            shutdown::dropped_server_takes_its_connections_along,
        }
    };
    // Those that take a whole runtime.
    (runtime $backend:expr) => {
        websocket_tests! { $backend =>
            calls::actions_answer_with_their_events,
            calls::events_come_while_other_requests_are_open,
            calls::action_that_does_not_fit_is_told_where,
            calls::unknown_names_are_told_the_known_ones,
            calls::task_is_executed_once,
            calls::slow_reader_gets_all_events_in_order,
            calls::client_that_does_not_read_stops_what_it_called,
            calls::client_that_leaves_does_not_stop_a_task,
            calls::call_can_be_cancelled,
            calls::action_that_panics_ends_nothing_else,
            calls::shutdown_finishes_open_calls,
            calls::shutdown_aborts_what_does_not_end,
        }
    };
    ($backend:expr => $($module:ident::$name:ident,)*) => {$(
        #[test]
        fn $name() {
            let (spawner, _running) = $backend;
            $crate::websocket::$module::$name(spawner);
        }
    )*};
}

macro_rules! stamp {
    ($($feature:literal $name:ident: $backend:literal;)*) => {$(
        #[cfg(feature = $feature)]
        mod $name {
            websocket_tests!(super::running($backend));

            #[cfg(feature = "json")]
            websocket_tests!(runtime super::running($backend));
        }
    )*};
}

stamp! {
    "tokio" tokio: "tokio";
    "tokio" tokio_current_thread: "tokio-current-thread";
    "smol" smol: "smol";
    "async-std" async_std: "async-std";
    "async-executor" async_executor: "async-executor";
}

mod own_spawner {
    websocket_tests!((super::threads(), ()));
}

#[allow(dead_code, reason = "without a feature there is no backend to run")]
fn running(name: &str) -> (Arc<dyn Runtime>, backend::Running) {
    let running = backend::Backend::find(name).unwrap().start().unwrap();
    (running.runtime(), running)
}

/// A caller's own spawner: a thread for each task.
fn threads() -> Arc<dyn Spawner> {
    Arc::new(FnSpawner::new(|task| {
        thread::spawn(|| future::block_on(task));
    }))
}

/// Limits that no test runs into, however slow the machine is.
fn patient() -> Config {
    Config {
        handshake_timeout: NEVER,
        idle_timeout: NEVER,
        close_timeout: NEVER,
        ..Config::default()
    }
}

/// A server under test, and a client of it.
struct Setup {
    server: Server,
    client: Client,
    log: Log,
}

impl Setup {
    async fn new(spawner: Arc<dyn Spawner>, config: Config) -> Setup {
        let (line, lines) = async_channel::unbounded();
        let sink: Arc<dyn Fn(&Event<'_>) + Send + Sync> = Arc::new(move |event| {
            // A test may be through before its server is.
            let _ = line.try_send(event.to_string());
        });
        let log = Log { lines, sink: sink.clone() };
        let config = Config { log: sink, ..config };
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::start(spawner, address, config).await.unwrap();
        let client = Client::new(server.local_addr(), server.authority()).unwrap();
        Setup { server, client, log }
    }
}

/// What the server logs.
struct Log {
    lines: Receiver<String>,
    sink: Arc<dyn Fn(&Event<'_>) + Send + Sync>,
}

impl Log {
    /// Waits for a line with these words.
    async fn wait_for(&self, words: &str) {
        while !self.lines.recv().await.unwrap().contains(words) {}
    }

    /// Whether the server is gone, with all of its connections: each of them holds the log.
    fn is_released(&self) -> bool {
        Arc::strong_count(&self.sink) == 1
    }
}

fn run(test: impl Future<Output = ()>) {
    let limit = async {
        Timer::after(LIMIT).await;
        panic!("the test hangs");
    };
    async_io::block_on(future::or(test, limit));
}

/// Checks that a connection is served.
async fn assert_alive(socket: &mut Socket) {
    let request = json!({ "id": "alive?", "op": "echo", "value": [1, null] });
    let reply = client::ask(socket, &request.to_string()).await.unwrap();
    assert_eq!(reply, json!({ "id": "alive?", "ok": [1, null] }));
}

/// Sends a request that is open for the time given, and waits until the server has read it.
async fn open_request(socket: &mut Socket, duration: Duration) {
    let millis = u64::try_from(duration.as_millis()).unwrap();
    let request = json!({ "id": "open", "op": "sleep", "millis": millis }).to_string();
    socket.send(Message::text(request)).await.unwrap();
    // Messages are read in order.
    socket.send(Message::Ping("read?".into())).await.unwrap();
    let message = socket.next().await.unwrap().unwrap();
    assert_eq!(message, Message::Pong("read?".into()));
}
