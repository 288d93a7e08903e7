use std::fmt;
use std::io;
use std::net::UdpSocket;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use async_runtime_compat::prelude::*;
use quinn::{AsyncTimer, AsyncUdpSocket};

/// Runs quinn's tasks and timers on the given runtime.
pub struct QuinnRuntime {
    runtime: Arc<dyn Runtime>,
    sockets: Arc<dyn quinn::Runtime>,
}

impl QuinnRuntime {
    /// `sockets` is the quinn runtime whose sockets are used: `quinn::SmolRuntime` on any runtime, or
    /// `quinn::TokioRuntime` inside a tokio runtime.
    pub fn new(runtime: Arc<dyn Runtime>, sockets: Arc<dyn quinn::Runtime>) -> QuinnRuntime {
        QuinnRuntime { runtime, sockets }
    }
}

impl fmt::Debug for QuinnRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuinnRuntime").finish_non_exhaustive()
    }
}

impl quinn::Runtime for QuinnRuntime {
    fn new_timer(&self, deadline: Instant) -> Pin<Box<dyn AsyncTimer>> {
        Box::pin(QuinnTimer(self.runtime.sleep_until(deadline)))
    }

    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.runtime.spawn_detached(future);
    }

    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        self.sockets.wrap_udp_socket(socket)
    }

    fn now(&self) -> Instant {
        self.runtime.now()
    }
}

#[derive(Debug)]
struct QuinnTimer(Sleep);

impl AsyncTimer for QuinnTimer {
    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.0.reset(deadline);
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx)
    }
}
