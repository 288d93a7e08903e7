//! Valid and malformed requests, none of which ends its connection.

use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::Spawner;
use async_runtime_compat_examples::websocket::{Socket, client};
use async_tungstenite::tungstenite::Message;
use serde_json::{Value, json};

use crate::{Setup, assert_alive, open_request, patient, run};

pub(super) fn each_operation_is_answered(spawner: Arc<dyn Spawner>) {
    run(async {
        let setup = Setup::new(spawner, patient()).await;
        let mut socket = setup.client.connect().await.unwrap();
        for (request, ok) in [
            (json!({ "op": "echo", "value": { "a": [1.5, "ü"] } }), json!({ "a": [1.5, "ü"] })),
            (json!({ "op": "sum", "numbers": [1, 2, -4] }), json!(-1)),
            (json!({ "op": "sum", "numbers": [] }), json!(0)),
            (json!({ "op": "reverse", "text": "höt" }), json!("töh")),
            (json!({ "op": "sleep", "millis": 1 }), json!(1)),
        ] {
            let reply = client::ask(&mut socket, &request.to_string()).await.unwrap();
            assert_eq!(reply, json!({ "id": null, "ok": ok }), "{request}");
        }
    });
}

/// Sends a malformed request, checks the error's code, and checks that the connection still works.
async fn refused(socket: &mut Socket, request: &str, code: &str) -> Value {
    let reply = client::ask(socket, request).await.unwrap();
    let error = reply["error"].clone();
    assert_eq!(error["code"], code, "{request} got {reply}");
    assert_alive(socket).await;
    error
}

fn assert_mentions(error: &Value, words: &str) {
    assert!(error["message"].as_str().unwrap().contains(words), "no `{words}` in {error}");
}

pub(super) fn malformed_json_is_located(spawner: Arc<dyn Spawner>) {
    run(async {
        let setup = Setup::new(spawner, patient()).await;
        let mut socket = setup.client.connect().await.unwrap();

        let error = refused(&mut socket, r#"{"id": 1, "op": echo}"#, "bad_json").await;
        assert_eq!((&error["line"], &error["column"]), (&json!(1), &json!(17)));
        assert_mentions(&error, "line 1 column 17");

        let error = refused(&mut socket, "{\"id\": 1,\n \"op\"", "bad_json").await;
        assert_eq!(error["line"], 2);
        assert_mentions(&error, "EOF");

        let error = refused(&mut socket, r#"{"op": "panic"} and more"#, "bad_json").await;
        assert_mentions(&error, "trailing characters");

        let error = refused(&mut socket, "\n [1, 2]", "bad_request").await;
        assert_eq!((&error["line"], &error["column"]), (&json!(2), &json!(2)));
        assert_mentions(&error, "expected a JSON object");

        let error = refused(&mut socket, "17", "bad_request").await;
        assert_mentions(&error, "expected a JSON object");
    });
}

pub(super) fn wrong_field_is_named(spawner: Arc<dyn Spawner>) {
    run(async {
        let setup = Setup::new(spawner, patient()).await;
        let mut socket = setup.client.connect().await.unwrap();

        let request = r#"{"id": 7, "op": "sum", "numbers": [1, "2"]}"#;
        let reply = client::ask(&mut socket, request).await.unwrap();
        assert_eq!(reply["id"], 7);
        let error = refused(&mut socket, request, "bad_request").await;
        assert_eq!(error["path"], "numbers[1]");
        assert_mentions(&error, "expected i64 at line 1 column 41");

        let error = refused(&mut socket, r#"{"op": "reverse"}"#, "bad_request").await;
        assert_mentions(&error, "missing field `text`");

        let request = r#"{"op": "sum", "numbers": [9223372036854775807, 1]}"#;
        let error = refused(&mut socket, request, "overflow").await;
        assert_eq!(error["path"], "numbers");

        let request = r#"{"op": "sleep", "millis": 18446744073709551615}"#;
        let error = refused(&mut socket, request, "out_of_range").await;
        assert_mentions(&error, "at most 60000");
    });
}

pub(super) fn unknown_operation_lists_the_known_ones(spawner: Arc<dyn Spawner>) {
    run(async {
        let setup = Setup::new(spawner, patient()).await;
        let mut socket = setup.client.connect().await.unwrap();
        let error = refused(&mut socket, r#"{"op": "ecoh"}"#, "bad_request").await;
        assert_eq!(error["path"], "op");
        assert_mentions(&error, "`ecoh`");
        assert_mentions(&error, "`echo`, `sum`, `reverse`, `sleep`, `panic`");
    });
}

pub(super) fn binary_message_is_refused(spawner: Arc<dyn Spawner>) {
    run(async {
        let setup = Setup::new(spawner, patient()).await;
        let mut socket = setup.client.connect().await.unwrap();
        socket.send(Message::binary(b"{}".to_vec())).await.unwrap();
        let reply = client::reply(&mut socket).await.unwrap();
        assert_eq!(reply["error"]["code"], "not_text");
        assert_alive(&mut socket).await;
    });
}

pub(super) fn pipelined_requests_are_answered_in_order(spawner: Arc<dyn Spawner>) {
    run(async {
        let setup = Setup::new(spawner, patient()).await;
        let mut socket = setup.client.connect().await.unwrap();
        for id in 0..100 {
            let request = json!({ "id": id, "op": "sleep", "millis": id % 2 });
            socket.send(Message::text(request.to_string())).await.unwrap();
        }
        for id in 0..100 {
            let reply = client::reply(&mut socket).await.unwrap();
            assert_eq!(reply, json!({ "id": id, "ok": id % 2 }));
        }
    });
}

pub(super) fn pings_are_answered_while_a_request_is_open(spawner: Arc<dyn Spawner>) {
    run(async {
        let setup = Setup::new(spawner, patient()).await;
        let mut socket = setup.client.connect().await.unwrap();
        // Waits for the pong, which must not wait for the reply to the request.
        open_request(&mut socket, Duration::from_secs(60)).await;
    });
}
