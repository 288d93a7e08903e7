//! hyper's executor and timer.
//!
//! | hyper's trait          | used for                                                                      | adapter           |
//! |------------------------|-------------------------------------------------------------------------------|-------------------|
//! | `hyper::rt::Executor`  | HTTP/2: a task for each request on a server, one for each connection on a client | [`HyperExecutor`] |
//! | `hyper::rt::Timer`     | `header_read_timeout`, `keep_alive_interval` and other timeouts               | [`HyperTimer`]    |
//! | `hyper::rt::Read` and `Write` | the connection                                                         | none: see below   |
//!
//! Libraries on top of hyper take the same two: `hyper_util`'s `server::conn::auto` and
//! `client::legacy::Client`, and so axum's routers and tonic's services. This crate's feature enables no
//! feature of hyper; enable `http1`, `http2`, `client` and `server` in your own dependency on it. hyper
//! depends on the crate `tokio` for its channels only: no tokio runtime is started.
//!
//! # Connections
//!
//! This crate does not abstract sockets: all but tokio's work on every executor. Wrap a
//! `tokio::net::TcpStream` in `hyper_util::rt::TokioIo`, on a tokio runtime, and an
//! `async_net::TcpStream`, an `async_io::Async<TcpStream>` or an `async_std::net::TcpStream` in
//! `smol_hyper::rt::FuturesIo`, on any runtime. The example `hyper` does either, by backend, and with
//! `--table` loads all of them with its own client and with `curl`, `h2load` and `wrk`, where installed.
//!
//! # Examples
//!
//! Serving a connection on the caller's runtime:
//!
//! ```
//! use std::convert::Infallible;
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use async_runtime_compat::hyper::{HyperExecutor, HyperTimer};
//! use async_runtime_compat::prelude::*;
//! use hyper::rt::{Read, Write};
//! use hyper::server::conn::http2;
//! use hyper::service::service_fn;
//! use hyper::{Request, Response, body::Incoming};
//!
//! async fn serve<I>(runtime: Arc<dyn Runtime>, io: I) -> hyper::Result<()>
//! where
//!     I: Read + Write + Unpin,
//! {
//!     let service = service_fn(async |_: Request<Incoming>| {
//!         Ok::<_, Infallible>(Response::new("Hello!\n".to_owned()))
//!     });
//!     http2::Builder::new(HyperExecutor::new(runtime.clone()))
//!         .timer(HyperTimer::new(runtime))
//!         .keep_alive_interval(Duration::from_secs(20))
//!         .serve_connection(io, service)
//!         .await
//! }
//! ```

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use ::hyper::rt::{self, Executor};
use pin_project_lite::pin_project;

use crate::contain::discard;
use crate::seam::{self, Spawner, Timer};
use crate::spawner::SpawnerExt;
use crate::time::TimerExt;

/// A [`Spawner`] as a `hyper::rt::Executor`.
///
/// hyper's tasks are detached, and on the built-in backends they need no box. A panic in one, such as in
/// the service of an HTTP/2 request, is caught: hyper resets that stream only. After the runtime's shutdown
/// the future is dropped, and awaiting its response returns an error from hyper.
///
/// Around a [`GroupSpawner`](crate::GroupSpawner), hyper's tasks belong to the group, so that a server can
/// list its open requests and abort them.
///
/// hyper requires `Clone`, and clones the executor for each connection, which is cheap for an
/// `Arc<dyn Spawner>`.
///
/// # Examples
///
/// See [the module](self).
#[derive(Clone, Copy, Debug)]
pub struct HyperExecutor<S> {
    spawner: S,
}

impl<S: Spawner> HyperExecutor<S> {
    /// Wraps a spawner: an `Arc<dyn Spawner>`, an `Arc<dyn Runtime>`, or the spawner itself.
    pub fn new(spawner: S) -> HyperExecutor<S> {
        HyperExecutor { spawner }
    }

    /// Returns the spawner.
    pub fn into_inner(self) -> S {
        self.spawner
    }
}

impl<S, F> Executor<F> for HyperExecutor<S>
where
    S: Spawner,
    F: Future + Send + 'static,
{
    /// Starts a task and detaches it. Its output is dropped.
    #[track_caller]
    fn execute(&self, future: F) {
        self.spawner.spawn_detached(Unanswered { future });
    }
}

pin_project! {
    /// A future whose output is dropped. An `async` block would store the future twice.
    struct Unanswered<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Unanswered<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        discard(ready!(self.project().future.poll(cx)));
        Poll::Ready(())
    }
}

/// A [`Timer`] as a `hyper::rt::Timer`.
///
/// hyper's timeouts run on the timer's clock, since hyper also reads the time from it: in a simulation they
/// take virtual time, and tokio's paused clock stops them.
///
/// A sleep costs one box more than on the timer itself. Resetting it allocates nothing.
///
/// # Examples
///
/// See [the module](self).
#[derive(Clone, Copy, Debug)]
pub struct HyperTimer<T> {
    timer: T,
}

impl<T: Timer> HyperTimer<T> {
    /// Wraps a timer: an `Arc<dyn Timer>`, an `Arc<dyn Runtime>`, or the timer itself.
    pub fn new(timer: T) -> HyperTimer<T> {
        HyperTimer { timer }
    }

    /// Returns the timer.
    pub fn into_inner(self) -> T {
        self.timer
    }
}

impl<T: Timer> rt::Timer for HyperTimer<T> {
    /// The same as [`Timer::sleep`]: [`Duration::MAX`] means never.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Sleep(self.timer.sleep(duration)))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Sleep(self.timer.sleep_until(deadline)))
    }

    fn now(&self) -> Instant {
        self.timer.now()
    }

    /// The same as [`Sleep::reset`](crate::Sleep::reset). The sleep of another timer is replaced.
    fn reset(&self, sleep: &mut Pin<Box<dyn rt::Sleep>>, deadline: Instant) {
        match sleep.as_mut().downcast_mut_pin::<Sleep>() {
            Some(sleep) => sleep.get_mut().0.reset(deadline),
            None => *sleep = self.sleep_until(deadline),
        }
    }
}

/// A newtype, so that the public `Sleep` does not implement hyper's trait as well.
struct Sleep(seam::Sleep);

impl rt::Sleep for Sleep {}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx)
    }
}
