//! The shutdown of a server.

use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::Spawner;
use async_runtime_compat_examples::websocket::{GOING_AWAY, client};
use futures_lite::AsyncReadExt as _;
use futures_util::future::join;
use serde_json::json;

use crate::{NEVER, Setup, assert_alive, open_request, patient, run};

pub(super) fn open_request_is_finished(spawner: Arc<dyn Spawner>) {
    run(async {
        let Setup { client, log, server } = Setup::new(spawner, patient()).await;
        let mut busy = client.connect().await.unwrap();
        open_request(&mut busy, Duration::from_millis(200)).await;

        let finished = async {
            let reply = client::reply(&mut busy).await.unwrap();
            assert_eq!(reply, json!({ "id": "open", "ok": 200 }));
            assert_eq!(client::closed(&mut busy).await, Some(GOING_AWAY));
        };
        let (report, ()) = join(server.shutdown(NEVER), finished).await;
        let report = report.unwrap();
        assert_eq!((report.accepted, report.drained, report.aborted), (1, 1, 0));
        assert!(log.is_released());
    });
}

pub(super) fn no_connection_is_accepted(spawner: Arc<dyn Spawner>) {
    run(async {
        let Setup { client, log, server } = Setup::new(spawner, patient()).await;
        let mut hanging = client.connect_tcp().await.unwrap();
        let mut idle = client.connect().await.unwrap();
        let mut lagging = client.connect().await.unwrap();
        assert_alive(&mut idle).await;
        assert_alive(&mut lagging).await;

        let refused = async {
            // The server is stopping.
            assert_eq!(client::closed(&mut idle).await, Some(GOING_AWAY));
            // Either an end of file or a reset.
            let _ = hanging.read_to_end(&mut Vec::new()).await;
            assert!(client.connect().await.is_err());
            // Until here, the server waited for this client to close its side.
            drop(lagging);
        };
        let (report, ()) = join(server.shutdown(NEVER), refused).await;
        let report = report.unwrap();
        assert_eq!((report.accepted, report.drained, report.aborted), (3, 3, 0));
        assert!(log.is_released());
    });
}

pub(super) fn stuck_connection_is_aborted_after_the_grace_period(spawner: Arc<dyn Spawner>) {
    run(async {
        let Setup { client, log, server } = Setup::new(spawner, patient()).await;
        let mut stuck = client.connect().await.unwrap();
        open_request(&mut stuck, Duration::from_secs(60)).await;

        let grace = Duration::from_millis(20);
        let (report, reply) = join(server.shutdown(grace), client::reply(&mut stuck)).await;
        let report = report.unwrap();
        assert_eq!((report.accepted, report.drained, report.aborted), (1, 0, 1));
        assert!(reply.is_err());
        log.wait_for("was cancelled").await;
        assert!(log.is_released());
    });
}

pub(super) fn dropped_server_aborts_its_connections(spawner: Arc<dyn Spawner>) {
    run(async {
        let Setup { client, server, .. } = Setup::new(spawner, patient()).await;
        let mut socket = client.connect().await.unwrap();
        open_request(&mut socket, Duration::from_secs(60)).await;
        drop(server);
        assert_eq!(client::closed(&mut socket).await, None);
    });
}
