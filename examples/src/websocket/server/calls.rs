//! Services and tasks that clients call by name. A call runs for a while, emits events, and has a
//! result.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_channel::{Receiver, Sender};
use async_tungstenite::tungstenite::Message;
use futures_lite::{StreamExt as _, future};
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, FuturesUnordered};
use serde_json::{Value, json};

use super::connection::{End, Replies};
use super::protocol::{self, RequestError};

/// The maximum number of open calls per connection.
const MAX_CALLS: usize = 64;

/// The services and tasks that clients can call by name.
pub trait Registry: Send + Sync {
    /// All services and tasks, with their states.
    fn list(&self) -> Value;

    /// A descriptor of each: name, type, description, and the JSON schemas of actions, events, outputs
    /// and errors.
    fn actions(&self) -> Value;

    /// Dispatches an action to a service.
    ///
    /// # Errors
    ///
    /// If the service is unknown, does not run or does not take the action. Nothing was started.
    fn dispatch(&self, service: &str, action: Value) -> Result<Call, RequestError>;

    /// Executes a task.
    ///
    /// # Errors
    ///
    /// If the task is unknown, already runs or does not take the action. Nothing was started.
    fn execute(&self, task: &str, action: Value) -> Result<Call, RequestError>;
}

/// A call that was started. It keeps running if its client disconnects.
pub struct Call {
    /// The events in order. An event that cannot be serialized is an error in its place.
    pub events: BoxStream<'static, Result<Value, RequestError>>,
    /// The result. It follows the last event.
    pub result: BoxFuture<'static, Result<Value, RequestError>>,
    /// Requests that the call end, and returns at once.
    pub cancel: Box<dyn FnOnce() + Send>,
}

/// The registry of a server that only has its own operations.
pub(super) struct Empty;

impl Registry for Empty {
    fn list(&self) -> Value {
        json!({ "services": [], "tasks": [] })
    }

    fn actions(&self) -> Value {
        json!({ "services": [], "tasks": [] })
    }

    fn dispatch(&self, _service: &str, _action: Value) -> Result<Call, RequestError> {
        Err(RequestError::new("unknown_service", "this server has no services".to_owned()))
    }

    fn execute(&self, _task: &str, _action: Value) -> Result<Call, RequestError> {
        Err(RequestError::new("unknown_task", "this server has no tasks".to_owned()))
    }
}

/// The calls of a connection whose result has not been sent yet.
pub(super) struct OpenCalls {
    started: Sender<Started>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    last: u64,
    calls: Vec<OpenCall>,
}

struct OpenCall {
    number: u64,
    /// The id of its request. The client chooses it and may use it twice.
    id: Value,
    /// Taken when the call is cancelled.
    cancel: Option<Box<dyn FnOnce() + Send>>,
}

/// A call whose events have to be forwarded.
pub(super) struct Started {
    number: u64,
    id: Value,
    events: BoxStream<'static, Result<Value, RequestError>>,
    result: BoxFuture<'static, Result<Value, RequestError>>,
}

impl OpenCalls {
    /// No calls yet. The receiver yields each call that is started.
    pub(super) fn new() -> (OpenCalls, Receiver<Started>) {
        let (started, forwarded) = async_channel::unbounded();
        (OpenCalls { started, open: Mutex::default() }, forwarded)
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a call, unless too many are open.
    pub(super) fn start(
        &self,
        id: &Value,
        call: impl FnOnce() -> Result<Call, RequestError>,
    ) -> Result<(), RequestError> {
        // The lock need not be held until the push: a connection answers one request at a time.
        if self.lock().calls.len() >= MAX_CALLS {
            let message = format!("{MAX_CALLS} calls are open: wait for one to end, or cancel it");
            return Err(RequestError::new("too_many_calls", message));
        }
        let Call { events, result, cancel } = call()?;
        let mut open = self.lock();
        open.last += 1;
        let number = open.last;
        open.calls.push(OpenCall { number, id: id.clone(), cancel: Some(cancel) });
        drop(open);
        // Fails if the connection is about to end.
        let _ = self.started.try_send(Started { number, id: id.clone(), events, result });
        Ok(())
    }

    /// Requests that all calls with this id end, and returns their number.
    pub(super) fn cancel(&self, id: &Value) -> usize {
        let mut open = self.lock();
        let calls = open.calls.iter_mut().filter(|call| call.id == *id);
        let cancels: Vec<_> = calls.filter_map(|call| call.cancel.take()).collect();
        drop(open);
        let count = cancels.len();
        for cancel in cancels {
            cancel();
        }
        count
    }

    fn end(&self, number: u64) {
        self.lock().calls.retain(|call| call.number != number);
    }

    /// Starts no more calls. The open ones are forwarded to their ends.
    pub(super) fn close(&self) {
        self.started.close();
    }
}

/// Forwards the events and results of all calls, until no more calls can come and all have ended.
///
/// The next event of a call is received only after the previous one was sent. A client that reads
/// slowly thus slows down its own calls, and nothing else.
pub(super) async fn forward_all(
    calls: &OpenCalls,
    started: Receiver<Started>,
    replies: &Replies<'_>,
) -> Result<(), End> {
    let mut forwarded = FuturesUnordered::new();
    loop {
        let next = async { Step::Started(started.recv().await.ok()) };
        let ended = async {
            match forwarded.next().await {
                Some(end) => Step::Ended(end),
                None => future::pending().await,
            }
        };
        match future::or(next, ended).await {
            Step::Started(Some(call)) => forwarded.push(forward(call, calls, replies)),
            Step::Started(None) => break,
            Step::Ended(end) => end?,
        }
    }
    while let Some(end) = forwarded.next().await {
        end?;
    }
    Ok(())
}

enum Step {
    Started(Option<Started>),
    Ended(Result<(), End>),
}

/// Forwards the events of a call, and then its result.
async fn forward(call: Started, calls: &OpenCalls, replies: &Replies<'_>) -> Result<(), End> {
    let Started { number, id, mut events, result } = call;
    let forwarding = async {
        while let Some(event) = events.next().await {
            replies.send(Message::text(protocol::event(&id, event))).await?;
            // Otherwise a call that always has an event ready would starve the others.
            future::yield_now().await;
        }
        Ok(())
    };
    // Polls the result along with the events: it is the result that reacts to `cancel`.
    let ((), result) = future::try_zip(forwarding, async { Ok(result.await) }).await?;
    calls.end(number);
    replies.send(Message::text(protocol::reply(&id, result))).await
}
