//! A client for HTTP/1 and HTTP/2. It names no runtime either.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_runtime_compat::hyper::{HyperExecutor, HyperTimer};
use async_runtime_compat::prelude::*;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response, StatusCode};

use super::net::Io;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http1,
    Http2,
}

impl Protocol {
    pub const ALL: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Protocol::Http1 => "HTTP/1.1",
            Protocol::Http2 => "HTTP/2",
        })
    }
}

/// A connection to a server.
pub enum Client {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

pub type Reply = Result<(StatusCode, Bytes), Box<dyn Error + Send + Sync>>;

impl Client {
    /// Performs the handshake, and spawns a task that drives the connection.
    pub async fn new(
        runtime: &Arc<dyn Runtime>,
        io: Box<dyn Io>,
        protocol: Protocol,
    ) -> hyper::Result<Client> {
        match protocol {
            Protocol::Http1 => {
                let (send, connection) = http1::handshake(io).await?;
                // If the connection fails, the next request returns the error.
                runtime.spawn_with_handle(connection).detach();
                Ok(Client::Http1(send))
            }
            Protocol::Http2 => {
                let (send, connection) = http2::Builder::new(HyperExecutor::new(runtime.clone()))
                    .timer(HyperTimer::new(runtime.clone()))
                    .handshake(io)
                    .await?;
                runtime.spawn_with_handle(connection).detach();
                Ok(Client::Http2(send))
            }
        }
    }

    /// Gets a path.
    pub async fn get(&mut self, path: &str) -> Reply {
        self.send(Request::get(self.uri(path)), Bytes::new()).await
    }

    /// Posts a body to a path.
    pub async fn post(&mut self, path: &str, body: impl Into<Bytes>) -> Reply {
        self.send(Request::post(self.uri(path)), body.into()).await
    }

    async fn send(&mut self, request: hyper::http::request::Builder, body: Bytes) -> Reply {
        let request = request.header("host", "localhost").body(Full::new(body))?;
        let response: Response<Incoming> = match self {
            Client::Http1(send) => {
                send.ready().await?;
                send.send_request(request).await?
            }
            Client::Http2(send) => {
                send.ready().await?;
                send.send_request(request).await?
            }
        };
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }

    /// HTTP/1 sends the path only, HTTP/2 also the host.
    fn uri(&self, path: &str) -> String {
        match self {
            Client::Http1(_) => path.to_owned(),
            Client::Http2(_) => format!("http://localhost{path}"),
        }
    }
}
