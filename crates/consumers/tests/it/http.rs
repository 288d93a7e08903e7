//! axum and tonic through the bridge to hyper, on backends that are not tokio, and what of tower is tokio's.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::hyper::{HyperExecutor, HyperTimer};
use async_runtime_compat::prelude::*;
use async_runtime_compat_examples::http::Host;
use async_runtime_compat_examples::http::net::Io;
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use futures_lite::future::block_on;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tower::buffer::Buffer;
use tower::{Service, ServiceBuilder, ServiceExt as _, service_fn};

use crate::{on_all_backends, run};

/// Serves what tower calls a service, which axum's routers and tonic's services are, until it is dropped.
fn serve<S, B>(running: &Host, service: S) -> (SocketAddr, TaskGroup)
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let listener = running.net.listen(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = listener.local_addr().unwrap();
    let group = TaskGroup::new(running.runtime.clone());
    let (spawner, timer) = (group.spawner(), HyperTimer::new(running.runtime.clone()));
    group.spawn_detached(async move {
        while let Ok(io) = listener.accept().await {
            let mut builder = auto::Builder::new(HyperExecutor::new(spawner.clone()));
            builder.http1().timer(timer.clone());
            builder.http2().timer(timer.clone());
            let service = TowerToHyperService::new(service.clone());
            spawner.spawn_detached(async move {
                // An error is the client's.
                let _ = builder.serve_connection(io, service).await;
            });
        }
    });
    (address, group)
}

async fn connect(running: &Host, address: SocketAddr) -> Box<dyn Io> {
    running.net.connect(address).await.unwrap()
}

async fn later(State(runtime): State<Arc<dyn Runtime>>, Path(millis): Path<u64>) -> String {
    // On the backend, from a handler of axum's.
    let task = runtime.clone().spawn_with_handle(async move {
        runtime.sleep(Duration::from_millis(millis)).await;
        format!("{millis} ms later")
    });
    task.await.unwrap_or_else(|error| error.to_string())
}

#[test]
fn router_of_axum() {
    on_all_backends(|running| {
        let router = Router::new()
            .route("/later/{millis}", get(later))
            .route("/upper", post(async |body: String| body.to_uppercase()))
            .with_state(running.runtime.clone());
        run(async {
            let (address, _server) = serve(running, router);
            let io = connect(running, address).await;
            let (mut send, connection) = http1::handshake(io).await.unwrap();
            running.runtime.spawn_with_handle(connection).detach();
            for (request, answer) in [
                (Request::get("/later/5").body(Full::<Bytes>::default()), "5 ms later"),
                (Request::post("/upper").body(Full::from("abc")), "ABC"),
            ] {
                send.ready().await.unwrap();
                let response = send.send_request(request.unwrap()).await.unwrap();
                assert_eq!(response.status(), 200);
                let body = response.into_body().collect().await.unwrap().to_bytes();
                assert_eq!(body, answer);
            }
        });
    });
}

#[test]
fn service_and_client_of_tonic() {
    use tonic::Code;
    use tonic_health::ServingStatus;
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_check_response::ServingStatus::{NotServing, Serving};
    use tonic_health::pb::health_client::HealthClient;

    on_all_backends(|running| {
        run(async {
            let (reporter, health) = tonic_health::server::health_reporter();
            let (address, _server) = serve(running, health);

            let executor = HyperExecutor::new(running.runtime.clone());
            let io = connect(running, address).await;
            let (send, connection) = http2::handshake(executor, io).await.unwrap();
            running.runtime.spawn_with_handle(connection).detach();
            let channel = service_fn(move |request: Request<tonic::body::Body>| {
                let mut send = send.clone();
                async move { send.send_request(request).await }
            });
            let mut client =
                HealthClient::with_origin(channel, "http://localhost".parse().unwrap());

            let request = |service: &str| HealthCheckRequest { service: service.to_owned() };
            let answer = client.check(request("")).await.unwrap();
            assert_eq!(answer.into_inner().status(), Serving);
            let refusal = client.check(request("mail")).await.unwrap_err();
            assert_eq!(refusal.code(), Code::NotFound);

            // A stream of answers.
            reporter.set_service_status("mail", ServingStatus::NotServing).await;
            let mut changes = client.watch(request("mail")).await.unwrap().into_inner();
            assert_eq!(changes.message().await.unwrap().unwrap().status(), NotServing);
            reporter.set_service_status("mail", ServingStatus::Serving).await;
            assert_eq!(changes.message().await.unwrap().unwrap().status(), Serving);
        });
    });
}

/// What the documentation says of tower's layers that take time: they ask for tokio.
#[test]
fn timeout_of_tower_needs_tokio() {
    let mut service = ServiceBuilder::new()
        .timeout(Duration::from_secs(1))
        .service(service_fn(async |()| Ok::<_, Infallible>(())));
    let call = || block_on(async { service.ready().await.unwrap().call(()).await });
    let payload = catch_unwind(AssertUnwindSafe(call)).unwrap_err();
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap();
    assert!(text.contains("there is no reactor running"), "{text}");
}

/// And of its buffer: that its worker may be spawned anywhere.
#[test]
fn buffer_of_tower_takes_any_spawner() {
    on_all_backends(|running| {
        let double = service_fn(async |number: u32| Ok::<_, tower::BoxError>(number * 2));
        let (mut buffer, worker) = Buffer::pair(double, 1);
        running.runtime.spawn_detached(worker);
        run(async {
            for number in 0..10 {
                let doubled = buffer.ready().await.unwrap().call(number).await.unwrap();
                assert_eq!(doubled, number * 2);
            }
        });
    });
}
