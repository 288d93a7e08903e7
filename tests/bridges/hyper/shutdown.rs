//! What becomes of open requests when the server is shut down.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::hyper::HyperExecutor;
use async_runtime_compat::prelude::*;
use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::StreamExt as _;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};

use super::Setup;
use crate::client::Protocol;
use crate::net::{Host, Io};
use crate::{NEVER, on_all_backends, run};

on_all_backends! {
    open_request_is_finished,
    stuck_request_is_aborted_after_the_grace_period,
    dropped_server_takes_its_connections_along,
}

type Chunk = Result<Frame<Bytes>, Infallible>;

/// A request to `/echo` whose body is sent bit by bit.
struct Open {
    chunks: UnboundedSender<Chunk>,
    response: Response<Incoming>,
}

impl Open {
    /// Waits until the server has begun to answer.
    async fn new(runtime: &Arc<dyn Runtime>, io: Box<dyn Io>, protocol: Protocol) -> Open {
        let (chunks, body): (_, UnboundedReceiver<Chunk>) = unbounded();
        let request = Request::post("http://localhost/echo").header("host", "localhost");
        let request = request.body(StreamBody::new(body)).unwrap();
        let response = match protocol {
            Protocol::Http1 => {
                let (mut send, connection) = http1::handshake(io).await.unwrap();
                runtime.spawn_with_handle(connection).detach();
                send.send_request(request).await
            }
            Protocol::Http2 => {
                let executor = HyperExecutor::new(runtime.clone());
                let (mut send, connection) = http2::handshake(executor, io).await.unwrap();
                runtime.spawn_with_handle(connection).detach();
                send.send_request(request).await
            }
        };
        let mut open = Open { chunks, response: response.unwrap() };
        open.echo("before").await.unwrap();
        open
    }

    async fn echo(&mut self, chunk: &'static str) -> io::Result<()> {
        let frame = Frame::data(Bytes::from_static(chunk.as_bytes()));
        self.chunks.unbounded_send(Ok(frame)).map_err(io::Error::other)?;
        match self.response.body_mut().into_data_stream().next().await {
            Some(Ok(echo)) => assert_eq!(echo, chunk),
            Some(Err(error)) => return Err(io::Error::other(error)),
            None => return Err(io::Error::other("the body has ended")),
        }
        Ok(())
    }

    async fn finish(self) -> Result<Bytes, hyper::Error> {
        drop(self.chunks);
        Ok(self.response.into_body().collect().await?.to_bytes())
    }
}

fn open_request_is_finished(running: &Host) {
    for protocol in Protocol::ALL {
        let setup = Setup::new(running);
        run(async {
            let mut open = Open::new(&running.runtime, setup.io().await, protocol).await;
            let address = setup.address();
            let server = setup.server;
            let shutdown = running.runtime.spawn_with_handle(server.shutdown(NEVER));
            // The listener goes when the server has been told.
            while running.net.connect(address).await.is_ok() {
                async_runtime_compat::yield_now().await;
            }
            open.echo("after").await.unwrap();
            assert!(!shutdown.is_finished());
            assert_eq!(open.finish().await.unwrap(), "");
            assert_eq!(shutdown.await.unwrap().aborted, 0, "{protocol}");
        });
    }
}

fn stuck_request_is_aborted_after_the_grace_period(running: &Host) {
    // Over HTTP/2 the request is a task beside its connection.
    for (protocol, tasks) in [(Protocol::Http1, 1), (Protocol::Http2, 2)] {
        let setup = Setup::new(running);
        run(async {
            let mut open = Open::new(&running.runtime, setup.io().await, protocol).await;
            let report = setup.server.shutdown(Duration::from_millis(5)).await;
            assert_eq!((report.aborted, report.panicked), (tasks, 0), "{protocol}");
            // What was on its way may still come.
            while open.echo("after").await.is_ok() {}
        });
    }
}

fn dropped_server_takes_its_connections_along(running: &Host) {
    for protocol in Protocol::ALL {
        let setup = Setup::new(running);
        run(async {
            let mut open = Open::new(&running.runtime, setup.io().await, protocol).await;
            drop(setup.server);
            while open.echo("after").await.is_ok() {}
        });
    }
}
