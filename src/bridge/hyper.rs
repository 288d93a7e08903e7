//! hyper's executor and timer.
//!
//! | hyper needs            | for                                                                           | the bridge        |
//! |------------------------|-------------------------------------------------------------------------------|-------------------|
//! | `hyper::rt::Executor`  | HTTP/2: a task for each request on a server, one for each connection on a client | [`HyperExecutor`] |
//! | `hyper::rt::Timer`     | `header_read_timeout`, `keep_alive_interval` and what else takes time         | [`HyperTimer`]    |
//! | `hyper::rt::Read` and `Write` | the connection                                                         | none: see below   |
//!
//! What is built on hyper's traits takes the same two: `hyper_util`'s `server::conn::auto` and
//! `client::legacy::Client`, and so axum's routers and tonic's services. The feature adds `hyper` without
//! any feature of its own; choose `http1`, `http2`, `client` and `server` where you depend on it. hyper
//! depends on the crate `tokio` for its channels: that is no runtime, and none is started.
//!
//! # Connections
//!
//! This crate does not abstract sockets, since these do not depend on who polls them, except tokio's.
//! Wrap a `tokio::net::TcpStream` in `hyper_util::rt::TokioIo`, on a tokio runtime, and an
//! `async_net::TcpStream`, an `async_io::Async<TcpStream>` or an `async_std::net::TcpStream` in
//! `smol_hyper::rt::FuturesIo`, on any runtime. The example `hyper` does either, by backend.
//!
//! # Examples
//!
//! A connection that is served on whatever the caller has chosen:
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
/// What hyper starts is detached, and reached without a box on the built-in backends. A panic in it, as
/// in the service of a request over HTTP/2, is caught: hyper resets the one stream. After the shutdown of
/// the runtime the future is dropped, and whoever waits for its answer gets an error from hyper.
///
/// Around a [`GroupSpawner`](crate::GroupSpawner), what hyper starts belongs to the group: so a
/// server knows the requests that it has open, and can abort them.
///
/// hyper wants it to be `Clone`, and clones it for each connection. An `Arc<dyn Spawner>` inside makes
/// that cheap.
///
/// # Examples
///
/// See [the module](self).
#[derive(Clone, Copy, Debug)]
pub struct HyperExecutor<S> {
    spawner: S,
}

impl<S: Spawner> HyperExecutor<S> {
    /// Puts hyper's trait around a spawner: an `Arc<dyn Spawner>`, an `Arc<dyn Runtime>`, or the spawner.
    pub fn new(spawner: S) -> HyperExecutor<S> {
        HyperExecutor { spawner }
    }

    /// The spawner.
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
    /// A future whose output nobody wants. An `async` block would hold the future twice.
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
/// hyper's limits run on the timer's clock, as hyper asks it for the time, too: in a simulation they take
/// no real time, and a paused clock of tokio's stops them.
///
/// A sleep costs one box more than it does on the timer. Resetting it costs nothing.
///
/// # Examples
///
/// See [the module](self).
#[derive(Clone, Copy, Debug)]
pub struct HyperTimer<T> {
    timer: T,
}

impl<T: Timer> HyperTimer<T> {
    /// Puts hyper's trait around a timer: an `Arc<dyn Timer>`, an `Arc<dyn Runtime>`, or the timer.
    pub fn new(timer: T) -> HyperTimer<T> {
        HyperTimer { timer }
    }

    /// The timer.
    pub fn into_inner(self) -> T {
        self.timer
    }
}

impl<T: Timer> rt::Timer for HyperTimer<T> {
    /// As [`Timer::sleep`]: [`Duration::MAX`] is never.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Sleep(self.timer.sleep(duration)))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Sleep(self.timer.sleep_until(deadline)))
    }

    fn now(&self) -> Instant {
        self.timer.now()
    }

    /// As [`Sleep::reset`](crate::Sleep::reset), and on a sleep of another timer a new one in its place.
    fn reset(&self, sleep: &mut Pin<Box<dyn rt::Sleep>>, deadline: Instant) {
        match sleep.as_mut().downcast_mut_pin::<Sleep>() {
            Some(sleep) => sleep.get_mut().0.reset(deadline),
            None => *sleep = self.sleep_until(deadline),
        }
    }
}

/// A type of our own: hyper's trait is not ours to implement for every sleep.
struct Sleep(seam::Sleep);

impl rt::Sleep for Sleep {}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx)
    }
}
