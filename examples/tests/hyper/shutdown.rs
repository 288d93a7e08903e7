//! Open requests at the shutdown of the server.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_channel::Sender;
use async_runtime_compat::hyper::HyperExecutor;
use async_runtime_compat::prelude::*;
use async_runtime_compat_examples::http::net::Io;
use async_runtime_compat_examples::http::{Host, Protocol};
use futures_lite::StreamExt as _;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};

use crate::{NEVER, Setup, on_all_backends, run};

on_all_backends! {
    open_request_is_finished,
    stuck_request_is_aborted_after_the_grace_period,
    dropped_server_aborts_its_connections,
}

type Chunk = Result<Frame<Bytes>, Infallible>;

/// A request to `/echo` whose body is sent in chunks.
struct Open {
    chunks: Sender<Chunk>,
    response: Response<Incoming>,
}

impl Open {
    /// Sends the request, and waits until the server has started to answer.
    async fn new(runtime: &Arc<dyn Runtime>, io: Box<dyn Io>, protocol: Protocol) -> Open {
        let (chunks, body) = async_channel::unbounded();
        let request = Request::post("http://localhost/echo").header("host", "localhost");
        let request = request.body(StreamBody::new(Box::pin(body))).unwrap();
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
        self.chunks.try_send(Ok(frame)).map_err(io::Error::other)?;
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

fn open_request_is_finished(host: &Host) {
    for protocol in Protocol::ALL {
        let setup = Setup::new(host);
        run(async {
            let mut open = Open::new(&host.runtime, setup.io().await, protocol).await;
            let address = setup.address();
            let server = setup.server;
            let shutdown = host.runtime.spawn_with_handle(server.shutdown(NEVER));
            // Connecting fails once the server is stopping and has dropped its listener.
            while host.net.connect(address).await.is_ok() {
                async_runtime_compat::yield_now().await;
            }
            open.echo("after").await.unwrap();
            assert!(!shutdown.is_finished());
            assert_eq!(open.finish().await.unwrap(), "");
            assert_eq!(shutdown.await.unwrap().aborted, 0, "{protocol}");
        });
    }
}

fn stuck_request_is_aborted_after_the_grace_period(host: &Host) {
    // With HTTP/2, the request has its own task beside that of the connection.
    for (protocol, tasks) in [(Protocol::Http1, 1), (Protocol::Http2, 2)] {
        let setup = Setup::new(host);
        run(async {
            let mut open = Open::new(&host.runtime, setup.io().await, protocol).await;
            let report = setup.server.shutdown(Duration::from_millis(5)).await;
            assert_eq!((report.aborted, report.panicked), (tasks, 0), "{protocol}");
            // A response that was already sent may still arrive.
            while open.echo("after").await.is_ok() {}
        });
    }
}

fn dropped_server_aborts_its_connections(host: &Host) {
    for protocol in Protocol::ALL {
        let setup = Setup::new(host);
        run(async {
            let mut open = Open::new(&host.runtime, setup.io().await, protocol).await;
            drop(setup.server);
            while open.echo("after").await.is_ok() {}
        });
    }
}
