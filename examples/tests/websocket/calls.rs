//! The server as a service among others, which clients call by name.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_channel::{Receiver, Sender};
use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{
    ActionContext, Service, ServiceContext, ServicePhase, ServiceState, ServiceWrapper, Task,
    TaskContext, TaskState, TaskWrapper,
};
use async_runtime_compat_examples::websocket::parts::{Chat, Primes, Ticker};
use async_runtime_compat_examples::websocket::{
    App, Client, Config, Event, GOING_AWAY, Socket, WebSocket, client,
};
use async_tungstenite::tungstenite::Message;
use futures_util::future::join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{NEVER, assert_alive, open_request, patient, run};

const SOON: Duration = Duration::from_millis(50);

/// The number of events that a flood sends if nobody stops it. They exceed all buffers between the
/// service and a client.
const FLOOD: u32 = 4096;

/// Sends large events, and reports how that ended.
struct Flood {
    ended: Sender<FloodEnd>,
}

#[derive(Debug, PartialEq, Eq)]
enum FloodEnd {
    AllSent,
    NobodyLeft { sent: u32 },
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Water {
    Rise,
    Panic,
}

#[derive(Serialize, JsonSchema)]
struct Wave {
    number: u32,
    water: String,
}

impl Service for Flood {
    type Action = Water;
    type Event = Wave;
    type Error = Infallible;
    type Ready = ();

    async fn start(&self, _: &ServiceContext) -> Result<(), Infallible> {
        Ok(())
    }

    async fn run(&self, (): (), cx: ServiceContext) -> Result<(), Infallible> {
        cx.cancel_token().cancelled().await;
        Ok(())
    }

    async fn dispatch(&self, water: Water, cx: ActionContext<Wave>) -> Result<(), Infallible> {
        if matches!(water, Water::Panic) {
            panic!("a client asked for this panic");
        }
        for number in 0..FLOOD {
            if !cx.emit(Wave { number, water: "~".repeat(16 * 1024) }).await {
                let _ = self.ended.send(FloodEnd::NobodyLeft { sent: number }).await;
                return Ok(());
            }
        }
        let _ = self.ended.send(FloodEnd::AllSent).await;
        Ok(())
    }
}

/// Waits until it receives its output.
struct Gate {
    open: Receiver<u32>,
}

impl Task for Gate {
    type Action = ();
    type Event = ();
    type Output = u32;
    type Error = async_channel::RecvError;

    async fn run(&self, (): (), cx: TaskContext<()>) -> Result<u32, Self::Error> {
        cx.emit(()).await;
        self.open.recv().await
    }
}

struct Setup {
    app: Arc<App>,
    server: ServiceWrapper<WebSocket>,
    gate: TaskWrapper<Gate>,
    opener: Sender<u32>,
    floods: Receiver<FloodEnd>,
    lines: Receiver<String>,
}

impl Setup {
    async fn new(runtime: Arc<dyn Runtime>, config: Config, grace: Duration) -> Setup {
        let app = App::new(runtime);
        let (ended, floods) = async_channel::unbounded();
        let (opener, open) = async_channel::unbounded();
        let (line, lines) = async_channel::unbounded();
        app.services.register("ticker", Ticker, &[]).unwrap();
        app.services.register("chat", Chat::default(), &[]).unwrap();
        app.services.register("flood", Flood { ended }, &[]).unwrap();
        app.tasks.register("primes", Primes).unwrap();
        let gate = app.tasks.register("gate", Gate { open }).unwrap();
        let log = Arc::new(move |event: &Event<'_>| {
            let _ = line.try_send(event.to_string());
        });
        let config = Config { registry: Arc::new(Arc::downgrade(&app)), log, ..config };
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = WebSocket::new(address, grace, config);
        let needs = ["chat", "flood", "ticker"];
        let server = app.services.register("websocket", server, &needs).unwrap();
        app.services.start_all().await.unwrap();
        Setup { app, server, gate, opener, floods, lines }
    }

    async fn connect(&self) -> Socket {
        let endpoint = self.server.service().endpoint().unwrap();
        let client = Client::new(endpoint.address, &endpoint.authority).unwrap();
        client.connect().await.unwrap()
    }

    fn state(&self, name: &str) -> ServicePhase {
        self.app.services.get(name).unwrap().state().phase()
    }

    async fn wait_for_line(&self, words: &str) {
        while !self.lines.recv().await.unwrap().contains(words) {}
    }

    /// Drops the clients, shuts down, and checks that no task is left.
    async fn end<T>(self, clients: T) {
        drop(clients);
        self.app.shutdown(NEVER).await.unwrap();
        assert_eq!(format!("{:?}", self.app.group().tasks()), "[]");
    }
}

async fn send(socket: &mut Socket, request: Value) {
    socket.send(Message::text(request.to_string())).await.unwrap();
}

async fn next(socket: &mut Socket) -> Value {
    client::reply(socket).await.unwrap()
}

async fn ask(socket: &mut Socket, request: Value) -> Value {
    send(socket, request).await;
    next(socket).await
}

fn dispatch(id: u32, service: &str, action: Value) -> Value {
    let mut request = json!({ "id": id, "op": "dispatch", "service": service });
    request["action"] = action;
    request
}

fn execute(id: u32, task: &str, action: Value) -> Value {
    let mut request = json!({ "id": id, "op": "execute", "task": task });
    request["action"] = action;
    request
}

pub(super) fn actions_answer_with_their_events(runtime: Arc<dyn Runtime>) {
    run(async {
        let setup = Setup::new(runtime, patient(), NEVER).await;
        let mut socket = setup.connect().await;
        send(&mut socket, dispatch(7, "ticker", json!({ "ticks": 3, "millis": 1 }))).await;
        for tick in 1..=3 {
            let event = json!({ "id": 7, "event": { "tick": tick, "of": 3 } });
            assert_eq!(next(&mut socket).await, event);
        }
        assert_eq!(next(&mut socket).await, json!({ "id": 7, "ok": null }));

        let status = ask(&mut socket, dispatch(8, "websocket", json!("status"))).await;
        assert_eq!(status, json!({ "id": 8, "event": { "accepted": 1, "open": 1 } }));
        assert_eq!(next(&mut socket).await, json!({ "id": 8, "ok": null }));
        setup.end(socket).await;
    });
}

pub(super) fn events_arrive_while_other_requests_are_open(runtime: Arc<dyn Runtime>) {
    run(async {
        let setup = Setup::new(runtime, patient(), NEVER).await;
        let (mut listener, mut speaker) = (setup.connect().await, setup.connect().await);
        send(&mut listener, dispatch(1, "chat", json!("listen"))).await;
        // Requests are answered in order, so the call was started.
        assert_alive(&mut listener).await;
        // Does not end during the test.
        open_request(&mut listener, Duration::from_secs(60)).await;
        // The action runs in its own task, so the listener may miss the first messages.
        let said = json!({ "say": { "from": "speaker", "text": "hello" } });
        let event = async {
            let event = next(&mut listener).await;
            assert_eq!(event["id"], 1);
            assert_eq!(event["event"], said["say"]);
        };
        let speaking = async {
            loop {
                let reply = ask(&mut speaker, dispatch(2, "chat", said.clone())).await;
                assert_eq!(reply, json!({ "id": 2, "ok": null }));
            }
        };
        futures_lite::future::or(event, speaking).await;
        // A server that stops waits for the open request without noticing that the client is gone.
        drop(listener);
        setup.wait_for_line("lost").await;
        setup.end(speaker).await;
    });
}

pub(super) fn invalid_action_is_located(runtime: Arc<dyn Runtime>) {
    run(async {
        let setup = Setup::new(runtime, patient(), NEVER).await;
        let mut socket = setup.connect().await;

        let action = json!({ "ticks": 1, "millis": "soon" });
        let reply = ask(&mut socket, dispatch(1, "ticker", action)).await;
        assert_eq!((&reply["id"], &reply["error"]["code"]), (&json!(1), &json!("bad_action")));
        assert_eq!(reply["error"]["path"], "action.millis");
        let message = reply["error"]["message"].as_str().unwrap();
        assert!(message.ends_with("at 'millis': invalid type: string \"soon\", expected u32"));

        let action = json!({ "ticks": 1, "millis": 1, "extra": 1 });
        let reply = ask(&mut socket, dispatch(2, "ticker", action)).await;
        assert_eq!(reply["error"]["path"], "action.extra");

        let reply = ask(&mut socket, execute(3, "primes", json!([-1]))).await;
        assert_eq!(reply["error"]["path"], "action[0]");
        let primes = setup.app.tasks.get("primes").unwrap();
        assert!(matches!(primes.state(), TaskState::NotStarted));

        let reply = ask(&mut socket, json!({ "id": 4, "op": "dispatch", "service": "chat" })).await;
        assert_eq!(reply["error"]["code"], "bad_request");
        assert!(reply["error"]["message"].as_str().unwrap().contains("missing field `action`"));
        setup.end(socket).await;
    });
}

pub(super) fn unknown_name_lists_the_known_ones(runtime: Arc<dyn Runtime>) {
    run(async {
        let setup = Setup::new(runtime, patient(), NEVER).await;
        let mut socket = setup.connect().await;

        let error = ask(&mut socket, dispatch(1, "clock", json!(1))).await["error"].take();
        assert_eq!(error["code"], "unknown_service");
        assert_eq!(error["known"], json!(["chat", "flood", "ticker", "websocket"]));
        let message = "unknown service 'clock'; registered: 'chat', 'flood', 'ticker', 'websocket'";
        assert_eq!(error["message"], message);

        let error = ask(&mut socket, execute(1, "ticker", json!(1))).await["error"].take();
        assert_eq!(error["code"], "unknown_task");
        assert_eq!(error["known"], json!(["gate", "primes"]));

        let list = ask(&mut socket, json!({ "op": "list" })).await["ok"].take();
        assert_eq!(list["services"][0]["name"], "chat");
        assert_eq!(list["services"][0]["state"], json!({ "state": "running" }));
        assert_eq!(list["tasks"][1]["state"], json!({ "state": "not_started" }));
        setup.end(socket).await;
    });
}

pub(super) fn services_and_tasks_are_described(runtime: Arc<dyn Runtime>) {
    run(async {
        let setup = Setup::new(runtime, patient(), NEVER).await;
        let mut socket = setup.connect().await;
        let described = ask(&mut socket, json!({ "op": "actions" })).await["ok"].take();
        let names = |kind: &str| -> Vec<_> {
            let descriptors = described[kind].as_array().unwrap().iter();
            descriptors.map(|it| it["name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names("services"), ["chat", "flood", "ticker", "websocket"]);
        assert_eq!(names("tasks"), ["gate", "primes"]);
        let ticker = &described["services"][2];
        assert!(ticker["type"].as_str().unwrap().ends_with("::Ticker"));
        assert_eq!(ticker["description"], "Emits events at an interval.");
        assert_eq!(ticker["action"]["properties"]["millis"]["type"], "integer");
        assert_eq!(ticker["event"]["required"], json!(["tick", "of"]));
        assert_eq!(ticker["output"]["type"], "null");
        assert_eq!(ticker["error"]["type"], "string");
        assert_eq!(described["tasks"][1]["output"]["type"], "integer");
        // The order is the same each time.
        let again = ask(&mut socket, json!({ "op": "actions" })).await["ok"].take();
        assert_eq!(again.to_string(), described.to_string());
        setup.end(socket).await;
    });
}

pub(super) fn task_is_executed_once_per_key(runtime: Arc<dyn Runtime>) {
    run(async {
        let setup = Setup::new(runtime, patient(), NEVER).await;
        let mut socket = setup.connect().await;

        send(&mut socket, execute(1, "primes", json!({ "below": 20_000 }))).await;
        let found = json!({ "id": 1, "event": { "below": 10_000, "primes": 1229 } });
        assert_eq!(next(&mut socket).await, found);
        let found = json!({ "id": 1, "event": { "below": 20_000, "primes": 2262 } });
        assert_eq!(next(&mut socket).await, found);
        let result = json!({ "id": 1, "ok": { "outcome": "completed", "output": 2262 } });
        assert_eq!(next(&mut socket).await, result);
        let again = ask(&mut socket, execute(2, "primes", json!({ "below": 20_000 }))).await;
        assert_eq!(again, json!({ "id": 2, "ok": { "outcome": "already_completed" } }));
        // Another limit is other work.
        send(&mut socket, execute(2, "primes", json!({ "below": 10 }))).await;
        let found = json!({ "id": 2, "event": { "below": 10, "primes": 4 } });
        assert_eq!(next(&mut socket).await, found);
        let result = json!({ "id": 2, "ok": { "outcome": "completed", "output": 4 } });
        assert_eq!(next(&mut socket).await, result);
        let list = ask(&mut socket, json!({ "op": "list" })).await["ok"].take();
        let completed = json!({ "state": "completed" });
        assert_eq!(
            list["tasks"][1]["runs"],
            json!([
                { "run": 1, "repeat": { "once_per": "20000" }, "state": completed },
                { "run": 2, "repeat": { "once_per": "10" }, "state": completed },
            ])
        );

        let begun = ask(&mut socket, execute(3, "gate", json!(null))).await;
        assert_eq!(begun, json!({ "id": 3, "event": null }));
        let error = ask(&mut socket, execute(4, "gate", json!(null))).await["error"].take();
        assert_eq!(error["code"], "already_running");
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with("task 'gate' is already running: "), "{message}");
        setup.opener.send(5).await.unwrap();
        assert_eq!(next(&mut socket).await["ok"]["output"], 5);
        setup.end(socket).await;
    });
}

pub(super) fn slow_reader_gets_all_events_in_order(runtime: Arc<dyn Runtime>) {
    run(async {
        let setup = Setup::new(runtime, patient(), NEVER).await;
        let mut socket = setup.connect().await;
        send(&mut socket, dispatch(1, "flood", json!("rise"))).await;
        // Other requests are answered meanwhile, on this connection and on another one.
        send(&mut socket, json!({ "id": "alive?", "op": "echo", "value": 1 })).await;
        assert_alive(&mut setup.connect().await).await;

        let (mut number, mut echoed) = (0, false);
        loop {
            let message = next(&mut socket).await;
            if message["id"] == "alive?" {
                assert!(number < FLOOD, "the echo waited for the whole flood");
                echoed = true;
            } else if message.get("ok").is_some() {
                break;
            } else {
                assert_eq!(message["event"]["number"], number);
                number += 1;
            }
        }
        assert!(echoed);
        assert_eq!(number, FLOOD);
        assert_eq!(setup.floods.recv().await, Ok(FloodEnd::AllSent));
        setup.end(socket).await;
    });
}

pub(super) fn client_that_does_not_read_stops_its_call(runtime: Arc<dyn Runtime>) {
    run(async {
        let config = Config { idle_timeout: SOON, ..patient() };
        let setup = Setup::new(runtime, config, NEVER).await;
        let mut socket = setup.connect().await;
        send(&mut socket, dispatch(1, "flood", json!("rise"))).await;
        setup.wait_for_line("the client does not respond").await;
        match setup.floods.recv().await.unwrap() {
            // The flood stops once all buffers are full.
            FloodEnd::NobodyLeft { sent } => assert!(sent < FLOOD),
            FloodEnd::AllSent => panic!("nothing held the flood back"),
        }
        setup.end(socket).await;
    });
}

pub(super) fn client_that_disconnects_does_not_stop_a_task(runtime: Arc<dyn Runtime>) {
    run(async {
        let setup = Setup::new(runtime, patient(), NEVER).await;
        let mut socket = setup.connect().await;
        ask(&mut socket, execute(1, "gate", json!(null))).await;
        drop(socket);
        setup.wait_for_line("lost").await;
        assert!(setup.gate.state().is_running());
        setup.opener.send(5).await.unwrap();
        setup.gate.watch().wait_for(TaskState::is_completed).await.unwrap();
        setup.end(()).await;
    });
}

pub(super) fn call_can_be_cancelled(runtime: Arc<dyn Runtime>) {
    run(async {
        let setup = Setup::new(runtime, patient(), NEVER).await;
        let mut socket = setup.connect().await;
        send(&mut socket, dispatch(5, "chat", json!("listen"))).await;
        ask(&mut socket, execute(6, "gate", json!(null))).await;
        for id in [5, 6] {
            send(&mut socket, json!({ "id": "cancel", "op": "cancel", "call": id })).await;
            let (mut cancelled, mut ended) = (false, false);
            while !(cancelled && ended) {
                let reply = next(&mut socket).await;
                if reply["id"] == "cancel" {
                    assert_eq!(reply["ok"], 1);
                    cancelled = true;
                } else {
                    assert_eq!(reply["id"], id);
                    assert_eq!(reply["error"]["code"], "cancelled");
                    ended = true;
                }
            }
        }
        let reply = ask(&mut socket, json!({ "op": "cancel", "call": 5 })).await;
        assert_eq!(reply["ok"], 0);
        setup.end(socket).await;
    });
}

pub(super) fn action_that_panics_ends_nothing_else(runtime: Arc<dyn Runtime>) {
    run(async {
        let setup = Setup::new(runtime, patient(), NEVER).await;
        let mut socket = setup.connect().await;
        let error = ask(&mut socket, dispatch(1, "flood", json!("panic"))).await["error"].take();
        assert_eq!(error["code"], "panicked");
        assert!(error["message"].as_str().unwrap().ends_with("a client asked for this panic"));
        assert_alive(&mut socket).await;
        assert_eq!(setup.state("flood"), ServicePhase::Running);

        let stopping = setup.app.services.stop("flood", NEVER);
        let (stopped, code) = join(stopping, client::closed(&mut socket)).await;
        stopped.unwrap();
        assert_eq!(code, Some(GOING_AWAY));
        // It depends on the service that was stopped.
        assert_eq!(setup.state("websocket"), ServicePhase::Stopped);
        setup.app.services.get("websocket").unwrap().start().await.unwrap();
        let mut socket = setup.connect().await;
        let error = ask(&mut socket, dispatch(1, "flood", json!("rise"))).await["error"].take();
        assert_eq!(error["code"], "not_running");
        let message = "service 'flood' does not accept actions because it is stopped";
        assert_eq!(error["message"], message);
        setup.end(socket).await;
    });
}

pub(super) fn shutdown_finishes_open_calls(runtime: Arc<dyn Runtime>) {
    run(async {
        let setup = Setup::new(runtime, patient(), NEVER).await;
        let mut socket = setup.connect().await;
        ask(&mut socket, execute(1, "gate", json!(null))).await;
        let mut server = setup.server.watch();
        let ended = async {
            let stopping = |state: &ServiceState| state.phase() == ServicePhase::Stopping;
            server.wait_for(stopping).await.unwrap();
            // Its dependencies run until it has stopped.
            for name in ["chat", "flood", "ticker"] {
                assert_eq!(setup.state(name), ServicePhase::Running);
            }
            setup.opener.send(5).await.unwrap();
            assert_eq!(next(&mut socket).await["ok"]["output"], 5);
            assert_eq!(client::closed(&mut socket).await, Some(GOING_AWAY));
        };
        let (report, ()) = join(setup.app.shutdown(NEVER), ended).await;
        report.unwrap();
        assert_eq!(format!("{:?}", setup.app.group().tasks()), "[]");
        let report = setup.server.service().report().unwrap();
        assert_eq!((report.accepted, report.drained, report.aborted), (1, 1, 0));
    });
}

pub(super) fn shutdown_aborts_endless_calls(runtime: Arc<dyn Runtime>) {
    run(async {
        let setup = Setup::new(runtime, patient(), Duration::from_millis(20)).await;
        let mut socket = setup.connect().await;
        send(&mut socket, dispatch(1, "chat", json!("listen"))).await;
        ask(&mut socket, execute(2, "gate", json!(null))).await;
        assert!(!setup.app.group().is_empty());
        let report = setup.app.shutdown(SOON).await;
        assert_eq!(format!("{:?}", setup.app.group().tasks()), "[]");
        let connections = setup.server.service().report();
        match (report, connections) {
            (Ok(left), Some(connections)) => {
                // Only the endless task was aborted: the services have stopped.
                assert_eq!((left.aborted, left.panicked), (1, 0));
                assert_eq!(connections.aborted, 1);
            }
            // On a slow machine, the server is aborted before it can abort its connection.
            (Err(error), _) => assert!(error.is_timeout()),
            (Ok(_), None) => panic!("the server has stopped without a report"),
        }
        assert!(setup.gate.state().is_failed());
    });
}
