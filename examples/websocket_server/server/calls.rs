//! What clients call by name: it runs for a while, tells events, and has a result.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_channel::{Receiver, Sender};
use async_tungstenite::tungstenite::Message;
use futures_lite::{StreamExt as _, future};
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, FuturesUnordered};
use serde_json::{Value, json};

use super::connection::{End, Replies};
use super::protocol::{self, RequestError};

/// The most calls that a connection may have open at a time.
const MAX_CALLS: usize = 64;

/// What there is to be called by name. What it is made of is none of the server's business.
pub(crate) trait Registry: Send + Sync {
    /// What there is, with its state.
    fn list(&self) -> Value;

    /// The schemas of the actions, by name.
    fn actions(&self) -> Value;

    /// Passes an action on to a service.
    ///
    /// # Errors
    ///
    /// If nothing was begun.
    fn dispatch(&self, service: &str, action: Value) -> Result<Call, RequestError>;

    /// Starts a task.
    ///
    /// # Errors
    ///
    /// If nothing was begun.
    fn execute(&self, task: &str, action: Value) -> Result<Call, RequestError>;
}

/// Something that was begun. It does not end because the client has left.
#[allow(dead_code, reason = "a server without a registry makes none")]
pub(crate) struct Call {
    /// The events in their order. One that cannot be told is an error in its place.
    pub(crate) events: BoxStream<'static, Result<Value, RequestError>>,
    /// The result, which is there after the last event.
    pub(crate) result: BoxFuture<'static, Result<Value, RequestError>>,
    /// Requests that it end, and returns at once.
    pub(crate) cancel: Box<dyn FnOnce() + Send>,
}

/// A server that has nothing but its own operations.
pub(super) struct Nothing;

impl Registry for Nothing {
    fn list(&self) -> Value {
        json!({ "services": [], "tasks": [] })
    }

    fn actions(&self) -> Value {
        json!({ "services": {}, "tasks": {} })
    }

    fn dispatch(&self, _service: &str, _action: Value) -> Result<Call, RequestError> {
        Err(RequestError::new("unknown_service", "this server has no services".to_owned()))
    }

    fn execute(&self, _task: &str, _action: Value) -> Result<Call, RequestError> {
        Err(RequestError::new("unknown_task", "this server has no tasks".to_owned()))
    }
}

/// The calls of a connection that have not been answered to their end.
pub(super) struct OpenCalls {
    begun: Sender<Begun>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    last: u64,
    calls: Vec<OpenCall>,
}

struct OpenCall {
    number: u64,
    /// The id of its request, which is the client's matter, and may be there twice.
    id: Value,
    /// Taken when it is cancelled.
    cancel: Option<Box<dyn FnOnce() + Send>>,
}

/// A call whose events are to be forwarded.
pub(super) struct Begun {
    number: u64,
    id: Value,
    events: BoxStream<'static, Result<Value, RequestError>>,
    result: BoxFuture<'static, Result<Value, RequestError>>,
}

impl OpenCalls {
    /// None, and where those come out that are begun.
    pub(super) fn new() -> (OpenCalls, Receiver<Begun>) {
        let (begun, forwarded) = async_channel::unbounded();
        (OpenCalls { begun, open: Mutex::default() }, forwarded)
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a call, if there is room for one more.
    pub(super) fn begin(
        &self,
        id: &Value,
        call: impl FnOnce() -> Result<Call, RequestError>,
    ) -> Result<(), RequestError> {
        // Nobody else adds to them meanwhile: the connection's requests are read one by one.
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
        let _ = self.begun.try_send(Begun { number, id: id.clone(), events, result });
        Ok(())
    }

    /// Requests that the calls of this id end, and gives how many these are.
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

    /// No more calls are begun. Those that are open are answered to their end.
    pub(super) fn close(&self) {
        self.begun.close();
    }
}

/// Forwards what all calls tell, until there are no more to come.
///
/// It takes an event of a call when the one before it has been taken by the client's connection, so
/// that a client that reads slowly slows down what it has called, and nothing else.
pub(super) async fn forward_all(
    calls: &OpenCalls,
    begun: Receiver<Begun>,
    replies: &Replies<'_>,
) -> Result<(), End> {
    let mut forwarded = FuturesUnordered::new();
    loop {
        let next = async { Step::Begun(begun.recv().await.ok()) };
        let ended = async {
            match forwarded.next().await {
                Some(end) => Step::Ended(end),
                None => future::pending().await,
            }
        };
        match future::or(next, ended).await {
            Step::Begun(Some(call)) => forwarded.push(forward(call, calls, replies)),
            Step::Begun(None) => break,
            Step::Ended(end) => end?,
        }
    }
    while let Some(end) = forwarded.next().await {
        end?;
    }
    Ok(())
}

enum Step {
    Begun(Option<Begun>),
    Ended(Result<(), End>),
}

/// Forwards the events of a call, and then its result.
async fn forward(begun: Begun, calls: &OpenCalls, replies: &Replies<'_>) -> Result<(), End> {
    let Begun { number, id, mut events, result } = begun;
    let forwarding = async {
        while let Some(event) = events.next().await {
            replies.send(Message::text(protocol::event(&id, event))).await?;
            // Else one that tells events all the time leaves the others no turn.
            future::yield_now().await;
        }
        Ok(())
    };
    // Both at the same time: a request to end is seen to while the events are read.
    let ((), result) = future::try_zip(forwarding, async { Ok(result.await) }).await?;
    calls.end(number);
    replies.send(Message::text(protocol::reply(&id, result))).await
}
