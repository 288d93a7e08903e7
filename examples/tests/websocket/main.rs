//! The WebSocket server on each backend, with TLS clients over real sockets.

mod calls;
mod hostile;
mod requests;
mod shutdown;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use async_channel::Receiver;
use async_io::Timer;
use async_runtime_compat::{FnSpawner, Runtime, Spawner};
use async_runtime_compat_examples::backend::{Backend, Running};
use async_runtime_compat_examples::websocket::{Client, Config, Event, Server, Socket, client};
use async_tungstenite::tungstenite::Message;
use futures_lite::{StreamExt as _, future};
use serde_json::json;

/// A test fails if it takes longer than this.
const LIMIT: Duration = Duration::from_secs(60);

/// A limit that no test reaches.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

macro_rules! tests {
    ($backend:expr => $($module:ident::$name:ident,)*) => {$(
        #[test]
        fn $name() {
            let (spawner, _running) = $backend;
            $crate::$module::$name(spawner);
        }
    )*};
}

/// Stamps the tests of a server on `$backend`: a spawner, and a guard that keeps it running.
macro_rules! server_tests {
    ($backend:expr) => {
        tests! { $backend =>
            requests::each_operation_is_answered,
            requests::malformed_json_is_located,
            requests::wrong_field_is_named,
            requests::unknown_operation_lists_the_known_ones,
            requests::binary_message_is_refused,
            requests::pipelined_requests_are_answered_in_order,
            requests::pings_are_answered_while_a_request_is_open,
            hostile::oversized_message_closes_its_connection_only,
            hostile::message_that_grows_too_large_closes_its_connection,
            hostile::client_that_hangs_in_the_handshake_delays_nobody,
            hostile::client_that_hangs_in_the_handshake_is_dropped,
            hostile::client_that_disconnects_in_a_message_harms_nobody,
            hostile::client_that_stalls_in_a_message_is_dropped,
            hostile::client_that_reads_no_replies_is_dropped,
            hostile::handler_that_panics_ends_its_connection_only,
            shutdown::open_request_is_finished,
            shutdown::no_connection_is_accepted,
            shutdown::stuck_connection_is_aborted_after_the_grace_period,
            shutdown::dropped_server_aborts_its_connections,
        }
    };
}

/// Stamps the tests of the server as a service, on a runtime and its guard.
macro_rules! service_tests {
    ($backend:expr) => {
        tests! { $backend =>
            calls::actions_answer_with_their_events,
            calls::services_and_tasks_are_described,
            calls::events_arrive_while_other_requests_are_open,
            calls::invalid_action_is_located,
            calls::unknown_name_lists_the_known_ones,
            calls::task_is_executed_once_per_key,
            calls::slow_reader_gets_all_events_in_order,
            calls::client_that_does_not_read_stops_its_call,
            calls::client_that_disconnects_does_not_stop_a_task,
            calls::call_can_be_cancelled,
            calls::action_that_panics_ends_nothing_else,
            calls::shutdown_finishes_open_calls,
            calls::shutdown_aborts_endless_calls,
        }
    };
}

macro_rules! stamp {
    ($($name:ident: $backend:literal;)*) => {$(
        mod $name {
            server_tests!(super::running($backend));
            service_tests!(super::running($backend));
        }
    )*};
}

stamp! {
    tokio: "tokio";
    tokio_current_thread: "tokio-current-thread";
    smol: "smol";
    async_std: "async-std";
    async_executor: "async-executor";
}

mod own_spawner {
    server_tests!((super::threads(), ()));
}

fn running(name: &str) -> (Arc<dyn Runtime>, Running) {
    let running = Backend::find(name).unwrap().start().unwrap();
    (running.runtime(), running)
}

/// A user's own spawner: a thread for each task.
fn threads() -> Arc<dyn Spawner> {
    Arc::new(FnSpawner::new(|task| {
        thread::spawn(|| future::block_on(task));
    }))
}

/// A configuration whose limits no test reaches, however slow the machine is.
fn patient() -> Config {
    Config {
        handshake_timeout: NEVER,
        idle_timeout: NEVER,
        close_timeout: NEVER,
        ..Config::default()
    }
}

/// A server under test, and its client.
struct Setup {
    server: Server,
    client: Client,
    log: Log,
}

impl Setup {
    async fn new(spawner: Arc<dyn Spawner>, config: Config) -> Setup {
        let (line, lines) = async_channel::unbounded();
        let sink: Arc<dyn Fn(&Event<'_>) + Send + Sync> = Arc::new(move |event| {
            // A test may end before its server does.
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

/// The server's log.
struct Log {
    lines: Receiver<String>,
    sink: Arc<dyn Fn(&Event<'_>) + Send + Sync>,
}

impl Log {
    /// Waits for a line that contains `words`.
    async fn wait_for(&self, words: &str) {
        while !self.lines.recv().await.unwrap().contains(words) {}
    }

    /// Whether the server and all of its connections have been dropped: each of them holds the log.
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

/// Sends a request that is open for `duration`, and waits until the server has read it.
async fn open_request(socket: &mut Socket, duration: Duration) {
    let millis = u64::try_from(duration.as_millis()).unwrap();
    let request = json!({ "id": "open", "op": "sleep", "millis": millis }).to_string();
    socket.send(Message::text(request)).await.unwrap();
    // Messages are read in order: the pong follows once the request was read.
    socket.send(Message::Ping("read?".into())).await.unwrap();
    let message = socket.next().await.unwrap().unwrap();
    assert_eq!(message, Message::Pong("read?".into()));
}
