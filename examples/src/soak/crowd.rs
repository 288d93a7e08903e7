//! The clients: each calls services and tasks, and checks each event it receives.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_io::Timer;
use async_tungstenite::tungstenite::{Error as WsError, Message};
use futures_lite::future;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use super::account::Account;
use super::worker::EMITTERS;
use super::{JOBS, PATIENCE, Stage, WORKERS};
use crate::websocket::{Client, Socket, client};

/// The number of requests that a client has open at a time.
const OPEN: usize = 4;

/// A request without a final reply yet.
enum Open {
    /// A request with one reply.
    Plain(Plain),
    Call(Call),
}

/// A JSON pointer into the reply, and the value expected there.
struct Plain {
    pointer: &'static str,
    value: Value,
}

/// What is known about a call.
struct Call {
    number: u64,
    /// The number of events that it has emitted.
    emitted: Arc<AtomicU64>,
    received: u64,
    /// The number of each emitter's next event.
    next: [u64; EMITTERS],
    /// The number of events if it completes.
    asked: Option<u64>,
    may_panic: bool,
    may_fail: bool,
}

/// One client, over all of its connections.
struct Guest<'a> {
    stage: &'a Stage,
    rng: StdRng,
    last_id: u64,
    open: HashMap<u64, Open>,
}

/// Why a connection ended.
enum Over {
    /// The client decided to disconnect.
    Left,
    /// The server closed the connection, or it broke.
    Lost,
}

/// Calls services and tasks until the round ends, then waits for the remaining answers.
pub(super) async fn visit(stage: &Stage, seed: u64) {
    let rng = StdRng::seed_from_u64(seed);
    let mut guest = Guest { stage, rng, last_id: 0, open: HashMap::new() };
    while stage.goes_on() {
        let Some(mut socket) = connect(stage).await else {
            // The server is restarting.
            Timer::after(Duration::from_millis(20)).await;
            continue;
        };
        stage.account.connected.add(1);
        let stayed = guest.stay(&mut socket).await;
        if matches!(stayed, Err(Over::Lost) | Ok(())) {
            // Closes the connection gracefully if it still can be.
            let closing = async {
                if socket.close(None).await.is_ok() {
                    client::closed(&mut socket).await;
                }
            };
            let expired = async {
                Timer::after(PATIENCE).await;
            };
            future::or(closing, expired).await;
        }
        guest.forget();
    }
}

async fn connect(stage: &Stage) -> Option<Socket> {
    let endpoint = stage.server.service().endpoint()?;
    let client = Client::new(endpoint.address, &endpoint.authority).ok()?;
    let connected = async { client.connect().await.ok() };
    let expired = async {
        Timer::after(PATIENCE).await;
        None
    };
    future::or(connected, expired).await
}

impl Guest<'_> {
    /// Sends requests until the round or the connection ends, or the client chooses to disconnect.
    async fn stay(&mut self, socket: &mut Socket) -> Result<(), Over> {
        while self.stage.goes_on() {
            while self.open.len() < OPEN {
                let request = self.request();
                self.send(socket, &request).await?;
            }
            match self.rng.random_range(0..2000) {
                0 => return Err(Over::Left),
                // Reads nothing for a while, so that its calls have to wait.
                1..20 => {
                    let pause = self.rng.random_range(1..200);
                    Timer::after(Duration::from_millis(pause)).await;
                }
                _ => {}
            }
            self.receive(socket).await?;
        }
        // Some calls are endless and have to be cancelled.
        let calls: Vec<_> = self.open.keys().copied().collect();
        for call in calls {
            let cancel =
                self.plain("/id", |id| (id.into(), json!({ "op": "cancel", "call": call })));
            self.send(socket, &cancel).await?;
        }
        while !self.open.is_empty() {
            self.receive(socket).await?;
        }
        Ok(())
    }

    async fn send(&mut self, socket: &mut Socket, request: &Value) -> Result<(), Over> {
        socket.send(Message::text(request.to_string())).await.map_err(|_| Over::Lost)
    }

    /// Makes a request, and records the expected reply.
    fn request(&mut self) -> Value {
        match self.rng.random_range(0..100) {
            0..60 => self.dispatch(),
            60..66 => self.execute(),
            66..82 => self.plain("/ok", |id| {
                let value = json!({ "nested": [id, null] });
                (value.clone(), json!({ "op": "echo", "value": value }))
            }),
            82..88 => self.plain("/error/path", |_| {
                let action =
                    json!({ "tell": { "call": 0, "events": "many", "emitters": 1, "micros": 0 } });
                let request = json!({ "op": "dispatch", "service": "worker-0", "action": action });
                (json!("action.tell.events"), request)
            }),
            88..92 => self.plain("/error/code", |_| {
                let request = json!({ "op": "dispatch", "service": "nobody", "action": null });
                (json!("unknown_service"), request)
            }),
            92..95 => {
                self.plain("/ok/services/0/name", |_| (json!("websocket"), json!({ "op": "list" })))
            }
            _ => {
                let calls: Vec<_> = self.open.keys().copied().collect();
                let call = calls.get(self.rng.random_range(0..=calls.len())).copied();
                self.plain("/id", |id| (id.into(), json!({ "op": "cancel", "call": call })))
            }
        }
    }

    fn id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn plain(
        &mut self,
        pointer: &'static str,
        request: impl FnOnce(u64) -> (Value, Value),
    ) -> Value {
        let id = self.id();
        let (value, mut request) = request(id);
        request["id"] = id.into();
        self.open.insert(id, Open::Plain(Plain { pointer, value }));
        request
    }

    fn call(&mut self, asked: Option<u64>, may_panic: bool, may_fail: bool) -> (u64, u64) {
        let (number, emitted) = self.stage.account.open();
        let (received, next) = (0, [0; EMITTERS]);
        let call = Call { number, emitted, received, next, asked, may_panic, may_fail };
        let id = self.id();
        self.open.insert(id, Open::Call(call));
        (id, number)
    }

    fn dispatch(&mut self) -> Value {
        let events = self.rng.random_range(0..100_u32);
        let kind = self.rng.random_range(0..20);
        let emitters = self.rng.random_range(1..=EMITTERS);
        let asked = u64::from(events) * emitters as u64;
        let micros = [0, 0, 0, 200, 1000][self.rng.random_range(0..5_usize)];
        let (id, action) = match kind {
            0 => {
                let (id, call) = self.call(None, true, false);
                (id, json!({ "panic": { "call": call, "events": events } }))
            }
            1 => {
                let (id, call) = self.call(None, false, false);
                (id, json!({ "endless": { "call": call } }))
            }
            _ => {
                let (id, call) = self.call(Some(asked), false, false);
                let tell = json!({
                    "call": call, "events": events, "emitters": emitters, "micros": micros,
                });
                (id, json!({ "tell": tell }))
            }
        };
        let worker = self.rng.random_range(0..WORKERS);
        json!({ "id": id, "op": "dispatch", "service": format!("worker-{worker}"), "action": action })
    }

    fn execute(&mut self) -> Value {
        let events = self.rng.random_range(0..50_u32);
        let end = ["complete", "fail", "panic"][self.rng.random_range(0..3_usize)];
        let (id, call) = self.call(Some(events.into()), end == "panic", end == "fail");
        let job = self.rng.random_range(0..JOBS);
        let action = json!({ "call": call, "events": events, "end": end });
        json!({ "id": id, "op": "execute", "task": format!("job-{job}"), "action": action })
    }

    /// Receives and checks one message.
    async fn receive(&mut self, socket: &mut Socket) -> Result<(), Over> {
        let message = async { Some(client::reply(socket).await) };
        let expired = async {
            Timer::after(PATIENCE).await;
            None
        };
        match future::or(message, expired).await {
            Some(Ok(message)) => {
                self.take(&message);
                Ok(())
            }
            Some(Err(WsError::Io(error))) if error.kind() == std::io::ErrorKind::InvalidData => {
                self.stage.account.mistake(format!("a message is not JSON: {error}"));
                Err(Over::Lost)
            }
            Some(Err(_)) => Err(Over::Lost),
            None => {
                let open = self.open.len();
                let mistake = format!("{open} requests were not answered within {PATIENCE:?}");
                self.stage.account.mistake(mistake);
                Err(Over::Lost)
            }
        }
    }

    fn take(&mut self, message: &Value) {
        let account = &*self.stage.account;
        let id = message["id"].as_u64();
        let Some((id, open)) = id.and_then(|id| Some((id, self.open.get_mut(&id)?))) else {
            return account.mistake(format!("a message without a request: {message}"));
        };
        match open {
            Open::Plain(Plain { pointer, value }) => {
                if message.pointer(pointer) != Some(value) {
                    account.mistake(format!("expected {value} at {pointer} of {message}"));
                }
                account.others.add(1);
            }
            Open::Call(call) => {
                if message.get("event").is_some() {
                    return call.event(account, message);
                }
                call.end(account, message);
                account.close(call.number);
            }
        }
        self.open.remove(&id);
    }

    /// Gives up the open requests of a connection that ended.
    fn forget(&mut self) {
        for (_, open) in self.open.drain() {
            if let Open::Call(call) = open {
                self.stage.account.cut.add(1);
                self.stage.account.close(call.number);
            }
        }
    }
}

impl Call {
    /// Checks that events arrive in order and without gaps.
    fn event(&mut self, account: &Account, message: &Value) {
        account.events.add(1);
        self.received += 1;
        let event = &message["event"];
        let emitter = event["emitter"].as_u64().and_then(|it| usize::try_from(it).ok());
        let next = emitter.and_then(|emitter| self.next.get_mut(emitter));
        let (Some(next), Some(number)) = (next, event["number"].as_u64()) else {
            return account.mistake(format!("not an event of a worker: {message}"));
        };
        if number != *next {
            account.mistake(format!("event {number} arrived instead of {next}"));
        }
        *next = number + 1;
    }

    /// Checks that all emitted events have arrived, however the call ended.
    fn end(&mut self, account: &Account, message: &Value) {
        let emitted = self.emitted.load(Ordering::SeqCst);
        let expected = match (message.get("ok"), self.asked) {
            (Some(ok), Some(asked)) if ok["outcome"] != "already_completed" => asked.max(emitted),
            _ => emitted,
        };
        if self.received != expected {
            account.lost.add(expected.saturating_sub(self.received));
            let received = self.received;
            account.mistake(format!("{received} of {expected} events arrived before {message}"));
        }
        let counter = match message.pointer("/error/code").and_then(Value::as_str) {
            None => &account.completed,
            Some("cancelled") => &account.cancelled,
            Some("panicked") if self.may_panic => &account.panicked,
            Some("failed") if self.may_fail => &account.failed,
            Some("not_running" | "already_running" | "unknown_task") => &account.refused,
            Some(_) => return account.mistake(format!("not an end of a call: {message}")),
        };
        counter.add(1);
    }
}
