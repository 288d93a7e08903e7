//! A server for HTTP/1 and HTTP/2 on one port. It names no runtime.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::hyper::{HyperExecutor, HyperTimer};
use async_runtime_compat::prelude::*;
use async_runtime_compat::{GroupSpawner, ShutdownReport};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::server::conn::auto;

use super::net::{Io, Listener};

/// The pause after a failed accept. The usual cause is a temporary lack of file descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// A server that accepts connections until it is shut down or dropped.
pub struct Server {
    address: SocketAddr,
    /// The accepting task, the connections, and the requests that hyper spawns.
    group: TaskGroup,
    runtime: Arc<dyn Runtime>,
}

/// Shared by all connections.
#[derive(Clone)]
struct Context {
    runtime: Arc<dyn Runtime>,
    spawner: GroupSpawner,
    token: CancelToken,
    header_timeout: Duration,
}

impl Server {
    /// Starts accepting. A client is dropped if it takes longer than `header_timeout` to send the
    /// headers of a request.
    pub fn start(
        runtime: Arc<dyn Runtime>,
        listener: Box<dyn Listener>,
        header_timeout: Duration,
    ) -> io::Result<Server> {
        let address = listener.local_addr()?;
        let group = TaskGroup::new(runtime.clone());
        let context = Context {
            runtime: runtime.clone(),
            spawner: group.spawner(),
            token: group.cancel_token(),
            header_timeout,
        };
        group.spawn_named("accept", accept(listener, context)).detach();
        Ok(Server { address, group, runtime })
    }

    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Accepts no more connections, finishes the open requests, and aborts those that are still
    /// open after the grace period. Reports how the server's tasks ended.
    pub async fn shutdown(self, grace: Duration) -> ShutdownReport {
        // Not `shutdown`, which refuses new tasks: hyper still spawns one for a request that was
        // in flight when the client was told to send no more.
        self.group.drain(&*self.runtime, grace).await
    }
}

async fn accept(listener: Box<dyn Listener>, context: Context) {
    while let Some(accepted) = context.token.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok(io) => context.spawner.spawn_detached(connection(io, context.clone())),
            // The error concerns this connection, or passes.
            Err(_) => context.runtime.sleep(PAUSE).await,
        }
    }
}

async fn connection(io: Box<dyn Io>, context: Context) {
    let Context { runtime, spawner, token, header_timeout } = context;
    let timer = HyperTimer::new(runtime.clone());
    let mut builder = auto::Builder::new(HyperExecutor::new(spawner));
    builder.http1().timer(timer.clone()).header_read_timeout(header_timeout);
    builder.http2().timer(timer).keep_alive_interval(Duration::from_secs(20));
    let service = service_fn(|request| answer(runtime.clone(), request));
    let mut connection = pin!(builder.serve_connection(io, service));

    if token.run_until_cancelled(connection.as_mut()).await.is_none() {
        connection.as_mut().graceful_shutdown();
        // An error was caused by the client, here and above, and there is no log to write it to.
        let _ = connection.await;
    }
}

type Body = http_body_util::Either<Full<Bytes>, Incoming>;

type Reply = Result<Response<Body>, Infallible>;

async fn answer(runtime: Arc<dyn Runtime>, request: Request<Incoming>) -> Reply {
    let path = request.uri().path();
    if request.method() == Method::POST && path == "/echo" {
        return Ok(Response::new(Body::Right(request.into_body())));
    }
    if path == "/" {
        return Ok(text(StatusCode::OK, format!("Hello over {:?}!\n", request.version())));
    }
    if let Some(millis) = path.strip_prefix("/sleep/").and_then(|millis| millis.parse().ok()) {
        runtime.sleep(Duration::from_millis(millis)).await;
        return Ok(text(StatusCode::OK, format!("Slept for {millis} ms.\n")));
    }
    assert!(path != "/panic", "a client asked for this panic");
    Ok(text(StatusCode::NOT_FOUND, format!("There is no {path}.\n")))
}

fn text(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(Body::Left(Full::from(text)));
    *response.status_mut() = status;
    response
}
