//! The requests that the server answers: one JSON object in a text message.
//!
//! ```json
//! {"id": 1, "op": "echo",    "value": {"any": "json"}}
//! {"id": 2, "op": "sum",     "numbers": [1, 2, 3]}
//! {"id": 3, "op": "reverse", "text": "drawer"}
//! {"id": 4, "op": "sleep",   "millis": 250}
//! {"id": 5, "op": "panic"}
//! ```
//!
//! The reply repeats the `id`, which may be any JSON value. It is `{"id": 2, "ok": 6}`, or it says
//! what is wrong with the request, and where:
//!
//! ```json
//! {"id": 2, "error": {"code": "bad_request", "path": "numbers[1]", "line": 1, "column": 41,
//!   "message": "`numbers[1]`: invalid type: string \"2\", expected i64 at line 1 column 41"}}
//! ```
//!
//! | code | the request |
//! |---|---|
//! | `bad_json` | is not JSON |
//! | `bad_request` | lacks a field, or has one of the wrong type, or an unknown `op` |
//! | `out_of_range`, `overflow` | asks for more than there is |
//! | `not_text` | is a binary message |

use std::time::Duration;

use async_io::Timer;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use serde_json::{Value, json};

/// The longest sleep that a client may ask for.
const MAX_SLEEP: Duration = Duration::from_secs(60);

/// Answers a text message. Whatever the text is, the answer is a reply to send.
///
/// # Panics
///
/// If the client asks for it, with the operation `panic`.
pub(super) async fn answer(text: &str) -> String {
    match parse(text) {
        Ok(Head { id }) => reply(&id, perform(text).await),
        Err(error) => reply(&Value::Null, Err(error)),
    }
}

/// Answers a binary message.
pub(super) fn answer_binary() -> String {
    let message = "requests are JSON in text messages, and this message is binary";
    reply(&Value::Null, Err(RequestError::new("not_text", message.to_owned())))
}

fn reply(id: &Value, result: Result<Value, RequestError>) -> String {
    match result {
        Ok(value) => json!({ "id": id, "ok": value }),
        Err(error) => json!({ "id": id, "error": error }),
    }
    .to_string()
}

// A request is parsed in steps, each of which looks at the whole text. An enum with all operations
// could be parsed in one, but serde would forget where in the text an error is.

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

async fn perform(text: &str) -> Result<Value, RequestError> {
    let Operation { op } = parse(text)?;
    match op {
        Op::Echo => {
            let Echo { value } = parse(text)?;
            Ok(value)
        }
        Op::Sum => {
            let Sum { numbers } = parse(text)?;
            sum(&numbers).map(Value::from)
        }
        Op::Reverse => {
            let Reverse { text } = parse(text)?;
            Ok(Value::from(text.chars().rev().collect::<String>()))
        }
        Op::Sleep => {
            let Sleep { millis } = parse(text)?;
            sleep(Duration::from_millis(millis)).await?;
            Ok(Value::from(millis))
        }
        Op::Panic => panic!("a client asked for this panic"),
    }
}

fn sum(numbers: &[i64]) -> Result<i64, RequestError> {
    numbers.iter().try_fold(0_i64, |sum, number| sum.checked_add(*number)).ok_or_else(|| {
        let message = "the sum does not fit into 64 bits".to_owned();
        RequestError::new("overflow", message).at_path("numbers")
    })
}

async fn sleep(duration: Duration) -> Result<(), RequestError> {
    if duration > MAX_SLEEP {
        let message = format!("`millis`: at most {} can be asked for", MAX_SLEEP.as_millis());
        return Err(RequestError::new("out_of_range", message).at_path("millis"));
    }
    Timer::after(duration).await;
    Ok(())
}

/// What is wrong with a request, as the client gets to see it.
#[derive(Serialize)]
struct RequestError {
    code: &'static str,
    message: String,
    /// The field that is wrong, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    position: Option<Position>,
}

/// A place in the text of a request, counted from 1.
#[derive(Serialize)]
struct Position {
    line: usize,
    column: usize,
}

impl RequestError {
    fn new(code: &'static str, message: String) -> RequestError {
        RequestError { code, message, path: None, position: None }
    }

    fn at_path(self, path: &str) -> RequestError {
        RequestError { path: Some(path.to_owned()), ..self }
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
            // The object itself: a field is missing, or the text is no object.
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

/// Refuses an array, which serde would take for the object's fields in their order.
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
