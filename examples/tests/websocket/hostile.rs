//! Clients that misbehave, and bystanders that must not notice.

use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::Spawner;
use async_runtime_compat_examples::websocket::{Config, TOO_LARGE, client};
use async_tungstenite::tungstenite::Message;
use async_tungstenite::tungstenite::protocol::frame::Frame;
use async_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _};
use serde_json::json;

use crate::{NEVER, Setup, assert_alive, patient, run};

/// A short limit, for tests that wait until it has elapsed.
const SOON: Duration = Duration::from_millis(50);

/// The beginning of a TLS handshake.
const HALF_A_HELLO: &[u8] = b"\x16\x03\x01\x02\x00\x01";

pub(super) fn oversized_message_closes_its_connection_only(spawner: Arc<dyn Spawner>) {
    run(async {
        let config = Config { max_message_size: 1024, ..patient() };
        let Setup { client, server: _server, .. } = Setup::new(spawner, config).await;
        let mut bystander = client.connect().await.unwrap();

        // The second size exceeds the sockets' buffers: the client can only read the close frame if
        // the server reads the whole message.
        for size in [1025, 32 * 1024 * 1024] {
            let mut socket = client.connect().await.unwrap();
            socket.send(Message::text("x".repeat(size))).await.unwrap();
            assert_eq!(client::closed(&mut socket).await, Some(TOO_LARGE));
        }
        assert_alive(&mut bystander).await;
    });
}

pub(super) fn message_that_grows_too_large_closes_its_connection(spawner: Arc<dyn Spawner>) {
    run(async {
        let config = Config { max_message_size: 1024, ..patient() };
        let Setup { client, server: _server, .. } = Setup::new(spawner, config).await;

        let mut announcing = client.connect().await.unwrap();
        // Only the header of a text frame of 1 MiB.
        let head = b"\x81\xff\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00";
        announcing.get_mut().write_all(head).await.unwrap();
        announcing.get_mut().flush().await.unwrap();
        assert_eq!(client::closed(&mut announcing).await, Some(TOO_LARGE));

        let mut growing = client.connect().await.unwrap();
        for kind in [Data::Text, Data::Continue] {
            let fragment = Frame::message("x".repeat(600), OpCode::Data(kind), false);
            growing.send(Message::Frame(fragment)).await.unwrap();
        }
        assert_eq!(client::closed(&mut growing).await, Some(TOO_LARGE));
    });
}

pub(super) fn client_that_hangs_in_the_handshake_delays_nobody(spawner: Arc<dyn Spawner>) {
    run(async {
        let Setup { client, server: _server, .. } = Setup::new(spawner, patient()).await;
        let _silent = client.connect_tcp().await.unwrap();
        let mut hanging = client.connect_tcp().await.unwrap();
        hanging.write_all(HALF_A_HELLO).await.unwrap();
        assert_alive(&mut client.connect().await.unwrap()).await;
    });
}

pub(super) fn client_that_hangs_in_the_handshake_is_dropped(spawner: Arc<dyn Spawner>) {
    run(async {
        let config = Config { handshake_timeout: SOON, ..patient() };
        let Setup { client, log, server: _server } = Setup::new(spawner, config).await;
        let mut hanging = client.connect_tcp().await.unwrap();
        hanging.write_all(HALF_A_HELLO).await.unwrap();
        log.wait_for("the handshake failed: IO error: timed out").await;
        // Either an end of file or a reset.
        let _ = hanging.read_to_end(&mut Vec::new()).await;
    });
}

pub(super) fn client_that_disconnects_in_a_message_harms_nobody(spawner: Arc<dyn Spawner>) {
    run(async {
        let Setup { client, log, server: _server } = Setup::new(spawner, patient()).await;
        let mut bystander = client.connect().await.unwrap();
        let mut vanishing = client.connect().await.unwrap();
        let stream = vanishing.get_mut();
        stream.write_all(client::HALF_A_MESSAGE).await.unwrap();
        stream.flush().await.unwrap();
        drop(vanishing);
        log.wait_for("lost").await;
        assert_alive(&mut bystander).await;
    });
}

pub(super) fn client_that_stalls_in_a_message_is_dropped(spawner: Arc<dyn Spawner>) {
    run(async {
        let config = Config { idle_timeout: SOON, ..patient() };
        let Setup { client, log, server: _server } = Setup::new(spawner, config).await;
        let mut stalling = client.connect().await.unwrap();
        // Fails on a slow machine, where the client may have been dropped before.
        let _ = stalling.get_mut().write_all(client::HALF_A_MESSAGE).await;
        log.wait_for("the client does not respond").await;
        assert_eq!(client::closed(&mut stalling).await, None);
    });
}

pub(super) fn client_that_reads_no_replies_is_dropped(spawner: Arc<dyn Spawner>) {
    run(async {
        let config = Config { idle_timeout: SOON, ..patient() };
        let Setup { client, log, server: _server } = Setup::new(spawner, config).await;
        let mut socket = client.connect().await.unwrap();
        let request = json!({ "op": "echo", "value": "x".repeat(60 * 1024) }).to_string();
        // Until the unread replies have filled all buffers.
        while socket.send(Message::text(request.clone())).await.is_ok() {}
        log.wait_for("the client does not respond").await;
    });
}

pub(super) fn handler_that_panics_ends_its_connection_only(spawner: Arc<dyn Spawner>) {
    run(async {
        let Setup { client, log, server } = Setup::new(spawner, patient()).await;
        let mut bystander = client.connect().await.unwrap();
        let mut panicking = client.connect().await.unwrap();
        assert!(client::ask(&mut panicking, r#"{"op": "panic"}"#).await.is_err());
        log.wait_for("panicked: a client asked for this panic").await;
        assert_alive(&mut bystander).await;
        drop(bystander);
        let report = server.shutdown(NEVER).await.unwrap();
        assert_eq!((report.accepted, report.panicked, report.aborted), (2, 1, 0));
    });
}
