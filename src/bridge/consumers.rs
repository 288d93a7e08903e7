//! Adapters to the runtime traits of other crates, to copy.
//!
//! A page of documentation: there is nothing in this module. Crates that let their users choose a runtime
//! have a trait for it, and what such a trait wants is what a [`Runtime`](crate::Runtime) has. The code
//! below is compiled and run on every backend in this crate's own tests; a feature for each of these crates
//! would bind this one to their versions.
//!
//! | crate                                   | its trait                        | takes                     | sockets                                | adapter                            |
//! |-----------------------------------------|----------------------------------|---------------------------|----------------------------------------|------------------------------------|
//! | hyper 1, hyper-util                     | `rt::Executor`, `rt::Timer`      | `Spawner`, `Timer`        | `TokioIo` or `smol_hyper::FuturesIo`   | feature `hyper`                    |
//! | futures 0.3                             | `task::Spawn`                    | `Spawner`                 | none                                   | feature `futures`                  |
//! | quinn 0.11                              | `Runtime`                        | `Spawner`, `Timer`        | those of `quinn::SmolRuntime`, on any runtime | [below](#quinn)             |
//! | libp2p-swarm 0.48                       | `Executor`                       | `Spawner`                 | the transport's                        | [below](#libp2p)                   |
//! | opentelemetry_sdk 0.33                  | `runtime::Runtime`, `RuntimeChannel` | `Spawner`, `Timer`    | the exporter's                         | [below](#opentelemetry)            |
//! | azure_core 1, typespec_client_core 1    | `async_runtime::AsyncRuntime`    | `Spawner`, `Timer`        | the HTTP client's                      | [below](#azure)                    |
//! | axum 0.8                                | none; hyper's                    | `Spawner`, `Timer`        | as hyper                               | [none](#axum-tonic-and-tower)      |
//! | tonic 0.14                              | none; hyper's                    | `Spawner`, `Timer`        | as hyper                               | [none](#axum-tonic-and-tower)      |
//!
//! # quinn
//!
//! The features `runtime-smol` or `runtime-tokio` of quinn are needed for the sockets alone. In an
//! `Endpoint::new` the adapter is the
//! last argument.
//!
//! ```ignore
#![doc = include_str!("consumers/quinn.rs")]
//! ```
//!
//! # libp2p
//!
//! libp2p's executor is any closure that takes a boxed future. Protocols that sleep, such as ping and
//! kademlia, do it with `futures-timer`, which has a thread of its own and runs on every backend.
//!
//! ```ignore
#![doc = include_str!("consumers/libp2p.rs")]
//! ```
//!
//! # OpenTelemetry
//!
//! The trait is behind `experimental_async_runtime`, and the batch processor of spans that takes it behind
//! `experimental_trace_batch_span_processor_with_async_runtime`. The processor blocks in `force_flush` and
//! `shutdown` until its task has exported: do not call them on the only thread of a runtime.
//!
//! ```ignore
#![doc = include_str!("consumers/opentelemetry.rs")]
//! ```
//!
//! # Azure
//!
//! `azure_core::async_runtime` is that of `typespec_client_core`. What is set there is the whole process's.
//! Without the feature `tokio` of these crates, and without an adapter, each sleep and each task of the SDK
//! is a thread.
//!
//! ```ignore
#![doc = include_str!("consumers/azure.rs")]
//! ```
//!
//! # axum, tonic and tower
//!
//! An `axum::Router` and a service that tonic generates are what tower calls a service. hyper serves them
//! through `hyper_util::service::TowerToHyperService` and the bridge, on any backend:
//!
//! ```ignore
//! let mut builder = auto::Builder::new(HyperExecutor::new(runtime.clone()));
//! builder.http1().timer(HyperTimer::new(runtime.clone()));
//! builder.http2().timer(HyperTimer::new(runtime));
//! builder.serve_connection(io, TowerToHyperService::new(router)).await?;
//! ```
//!
//! A client of tonic's takes a `tower::service_fn` around `hyper::client::conn::http2`, with the bridge for
//! its executor. The tests do both on every backend: a router with state and extractors, and a gRPC service
//! with a call, an error and a stream.
//!
//! What names tokio inside, and panics with "there is no reactor running" elsewhere, or does not build without
//! it:
//!
//! | what                                                            | why                                          | instead                             |
//! |-----------------------------------------------------------------|----------------------------------------------|-------------------------------------|
//! | `axum::serve`                                                   | `tokio::spawn`, tokio's listeners            | `serve_connection`, as above        |
//! | axum's `sse::KeepAlive`, `extract::ws`                          | `tokio::time::Sleep`, `tokio::spawn`         | a stream with an [`Interval`](crate::Interval); hyper's upgrade |
//! | `tonic::transport::Server`                                      | `TokioExecutor`, `TokioTimer`, `tokio::spawn` | `serve_connection`, as above        |
//! | `tonic::transport::Channel`                                     | tower's `Buffer`, `tokio::time`              | `http2::SendRequest`, as above      |
//! | the deadline in `grpc-timeout`                                  | it is enforced in `tonic::transport` alone   | [`timeout`](crate::TimerExt::timeout) in the handler |
//! | tower's `timeout`, `limit::rate`, `hedge`, `retry::backoff`     | `tokio::time::Sleep`                         | [`timeout`](crate::TimerExt::timeout) in the service |
//! | tower's `buffer`, `spawn_ready`                                 | `tokio::spawn`                               | `Buffer::pair`, whose worker is a future to spawn |
//!
//! `tower::util`, `steer`, `filter`, `load`, `load_shed` and `limit::concurrency` wait for no time and start no tasks:
//! they work anywhere.
