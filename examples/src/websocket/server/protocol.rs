//! The protocol: each request is a JSON object in a text message.
//!
//! ```json
//! {"id": 1, "op": "echo",    "value": {"any": "json"}}
//! {"id": 2, "op": "sum",     "numbers": [1, 2, 3]}
//! {"id": 3, "op": "reverse", "text": "drawer"}
//! {"id": 4, "op": "sleep",   "millis": 250}
//! {"id": 5, "op": "panic"}
//! {"id": 6, "op": "list"}
//! {"id": 7, "op": "actions"}
//! {"id": 8, "op": "dispatch", "service": "ticker", "action": {"ticks": 2, "millis": 100}}
//! {"id": 9, "op": "execute",  "task": "primes", "action": {"below": 100}}
//! {"id": 10, "op": "cancel",  "call": 8}
//! ```
//!
//! The reply repeats the `id`, which may be any JSON value. It is `{"id": 2, "ok": 6}`, or an error
//! that names the faulty part of the request:
//!
//! ```json
//! {"id": 2, "error": {"code": "bad_request", "path": "numbers[1]", "line": 1, "column": 41,
//!   "message": "`numbers[1]`: invalid type: string \"2\", expected i64 at line 1 column 41"}}
//! ```
//!
//! `dispatch` and `execute` start a call. Its events carry the request's id and come between the
//! replies to other requests; its result comes last. If nothing was started, the only message is
//! the error:
//!
//! ```json
//! {"id": 8, "event": {"tick": 1, "of": 2}}
//! {"id": 8, "event": {"tick": 2, "of": 2}}
//! {"id": 8, "ok": null}
//! {"id": 9, "error": {"code": "bad_action", "path": "action.below",
//!   "message": "invalid action for task 'primes': at 'below': invalid type: …, expected u32"}}
//! {"id": 9, "error": {"code": "failed", "message": "task 'primes' failed: disk is full"}}
//! ```
//!
//! `list` replies with the services and the tasks, each with its state. `actions` replies with a
//! descriptor of each, from which a client can build its calls. The schemas are JSON schemas (draft
//! 2020-12):
//!
//! ```json
//! {"id": 7, "ok": {"services": [{"name": "ticker", "type": "ticker::Ticker",
//!   "description": "Emits events at an interval.", "action": {"type": "object", …},
//!   "event": {"type": "object", …}, "output": {"type": "null", …}, "error": {"type": "string", …}}],
//!   "tasks": […]}}
//! ```
//!
//! An event that cannot be serialized is replaced by an `event_error`. `cancel` requests that all
//! calls with an id end, and replies with their number.
//!
//! | error code | the request |
//! |---|---|
//! | `bad_json` | is not JSON |
//! | `bad_request` | lacks a field, or has one of the wrong type, or an unknown `op` |
//! | `out_of_range`, `overflow` | exceeds a limit |
//! | `not_text` | is a binary message |
//! | `unknown_service`, `unknown_task` | has an unknown name; `known` lists the known ones |
//! | `bad_action` | has an action that the service or task does not take |
//! | `not_running`, `already_running` | is for a service that does not run, or a task that does; the message names its state |
//! | `too_many_calls` | would exceed the connection's limit of open calls |
//! | `failed`, `panicked`, `cancelled` | started a call that ended this way |
//! | `shut_down` | came while the server was shutting down |

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use serde_json::{Value, json};

use super::Config;
use super::calls::OpenCalls;
use super::time::Clock;

/// The longest sleep that a client may ask for.
const MAX_SLEEP: Duration = Duration::from_secs(60);

/// The answer to a message.
pub(super) enum Answer {
    /// A reply.
    Reply(String),
    /// No reply yet: the call that was started sends its own messages.
    Later,
}

/// Answers a text message.
///
/// # Panics
///
/// If the client requests it, with the operation `panic`.
pub(super) async fn answer(text: &str, calls: &OpenCalls, config: &Config) -> Answer {
    match parse(text) {
        Ok(Head { id }) => match perform(&id, text, calls, config).await {
            Ok(Some(value)) => Answer::Reply(reply(&id, Ok(value))),
            Ok(None) => Answer::Later,
            Err(error) => Answer::Reply(reply(&id, Err(error))),
        },
        Err(error) => Answer::Reply(reply(&Value::Null, Err(error))),
    }
}

/// Answers a binary message.
pub(super) fn answer_binary() -> String {
    let message = "requests are JSON in text messages, and this message is binary";
    reply(&Value::Null, Err(RequestError::new("not_text", message.to_owned())))
}

/// The only or last message in reply to a request.
pub(super) fn reply(id: &Value, result: Result<Value, RequestError>) -> String {
    match result {
        Ok(value) => json!({ "id": id, "ok": value }),
        Err(error) => json!({ "id": id, "error": error }),
    }
    .to_string()
}

/// A message with an event of a call.
pub(super) fn event(id: &Value, event: Result<Value, RequestError>) -> String {
    match event {
        Ok(event) => json!({ "id": id, "event": event }),
        Err(error) => json!({ "id": id, "event_error": error }),
    }
    .to_string()
}

// A request is parsed in steps, each from the whole text. An enum of all operations could be parsed
// in one step, but serde's errors would then lack the position in the text.

#[derive(Deserialize)]
#[serde(expecting = "a JSON object")]
struct Head {
    #[serde(default)]
    id: Value,
}

#[derive(Deserialize)]
struct Operation {
    op: Op,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Op {
    Echo,
    Sum,
    Reverse,
    Sleep,
    Panic,
    List,
    Actions,
    Dispatch,
    Execute,
    Cancel,
}

#[derive(Deserialize)]
struct Echo {
    value: Value,
}

#[derive(Deserialize)]
struct Sum {
    numbers: Vec<i64>,
}

#[derive(Deserialize)]
struct Reverse {
    text: String,
}

#[derive(Deserialize)]
struct Sleep {
    millis: u64,
}

#[derive(Deserialize)]
struct Dispatch {
    service: String,
    action: Value,
}

#[derive(Deserialize)]
struct Execute {
    task: String,
    action: Value,
}

#[derive(Deserialize)]
struct Cancel {
    call: Value,
}

/// Performs a request. Returns `None` if it started a call, which replies on its own.
async fn perform(
    id: &Value,
    text: &str,
    calls: &OpenCalls,
    config: &Config,
) -> Result<Option<Value>, RequestError> {
    let Operation { op } = parse(text)?;
    let value = match op {
        Op::Echo => parse::<Echo>(text)?.value,
        Op::Sum => Value::from(sum(&parse::<Sum>(text)?.numbers)?),
        Op::Reverse => {
            let Reverse { text } = parse(text)?;
            Value::from(text.chars().rev().collect::<String>())
        }
        Op::Sleep => {
            let Sleep { millis } = parse(text)?;
            sleep(&config.clock, Duration::from_millis(millis)).await?;
            Value::from(millis)
        }
        Op::Panic => panic!("a client asked for this panic"),
        Op::List => config.registry.list(),
        Op::Actions => config.registry.actions(),
        Op::Dispatch => {
            let Dispatch { service, action } = parse(text)?;
            calls.start(id, || config.registry.dispatch(&service, action))?;
            return Ok(None);
        }
        Op::Execute => {
            let Execute { task, action } = parse(text)?;
            calls.start(id, || config.registry.execute(&task, action))?;
            return Ok(None);
        }
        Op::Cancel => Value::from(calls.cancel(&parse::<Cancel>(text)?.call)),
    };
    Ok(Some(value))
}

fn sum(numbers: &[i64]) -> Result<i64, RequestError> {
    numbers.iter().try_fold(0_i64, |sum, number| sum.checked_add(*number)).ok_or_else(|| {
        let message = "the sum does not fit into 64 bits".to_owned();
        RequestError::new("overflow", message).at_path("numbers")
    })
}

async fn sleep(clock: &Clock, duration: Duration) -> Result<(), RequestError> {
    if duration > MAX_SLEEP {
        let message = format!("`millis` is at most {}", MAX_SLEEP.as_millis());
        return Err(RequestError::new("out_of_range", message).at_path("millis"));
    }
    clock.sleep(duration).await;
    Ok(())
}

/// The error in a reply: the request was wrong, or the call it started has failed.
#[derive(Debug, Serialize)]
pub struct RequestError {
    code: &'static str,
    message: String,
    /// The faulty field, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// The known names, if the request has an unknown one.
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<Vec<String>>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    position: Option<Position>,
}

/// A position in the text of a request; both numbers start at 1.
#[derive(Debug, Serialize)]
struct Position {
    line: usize,
    column: usize,
}

impl RequestError {
    pub fn new(code: &'static str, message: String) -> RequestError {
        RequestError { code, message, path: None, known: None, position: None }
    }

    #[must_use]
    pub fn at_path(self, path: &str) -> RequestError {
        RequestError { path: Some(path.to_owned()), ..self }
    }

    #[must_use]
    pub fn with_known(self, known: Vec<String>) -> RequestError {
        RequestError { known: Some(known), ..self }
    }
}

impl From<serde_json::Error> for RequestError {
    fn from(error: serde_json::Error) -> RequestError {
        let code = match error.classify() {
            Category::Data => "bad_request",
            Category::Syntax | Category::Eof | Category::Io => "bad_json",
        };
        let position = Position { line: error.line(), column: error.column() };
        RequestError { position: Some(position), ..RequestError::new(code, error.to_string()) }
    }
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, RequestError> {
    expect_object(text)?;
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let error = RequestError::from(error.into_inner());
        match path.as_str() {
            // The path of the whole text: a field is missing, or the text is not an object.
            "." => error,
            path => {
                let message = format!("`{path}`: {}", error.message);
                RequestError { message, ..error }.at_path(path)
            }
        }
    })?;
    json.end()?;
    Ok(value)
}

/// Rejects an array, which serde would accept as the object's fields in order.
fn expect_object(text: &str) -> Result<(), RequestError> {
    let json = text.trim_start();
    if !json.starts_with('[') {
        return Ok(());
    }
    let before = &text[..text.len() - json.len()];
    let line = before.matches('\n').count() + 1;
    let column = before.len() - before.rfind('\n').map_or(0, |newline| newline + 1) + 1;
    let message =
        format!("invalid type: array, expected a JSON object at line {line} column {column}");
    let error = RequestError::new("bad_request", message);
    Err(RequestError { position: Some(Position { line, column }), ..error })
}
