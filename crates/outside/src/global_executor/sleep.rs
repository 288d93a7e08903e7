//! The timer of async-io behind a [`Sleep`](async_runtime_compat::Sleep).

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use async_io::Timer;
use async_runtime_compat::RawSleep;

/// async-io's timer, which is that of async-global-executor's threads.
pub(super) struct IoSleep(Timer);

impl IoSleep {
    /// A sleep without a deadline. It is reset to one before it is polled.
    pub(super) fn new() -> IoSleep {
        IoSleep(Timer::never())
    }
}

impl RawSleep for IoSleep {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.0.set_at(deadline);
    }

    fn poll_elapsed(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(())
    }
}
