//! The sleeps of a simulation.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use async_runtime_compat::RawSleep;

use crate::clock::{Clock, Shown};
use crate::engine::Engine;
use crate::node::Home;
use crate::timers::Key;

/// A sleep on virtual time.
pub(crate) struct SimSleep {
    engine: Arc<Engine>,
    /// Selects the clock.
    home: Home,
    /// What the clock shows at the end; `None` is never.
    deadline: Option<Shown>,
    /// Its registration. Void once the time has come: the timers have removed it then.
    key: Option<Key>,
}

impl SimSleep {
    /// A sleep without a deadline yet.
    #[inline]
    pub(crate) fn new(engine: Arc<Engine>, home: Home) -> SimSleep {
        SimSleep { engine, home, deadline: None, key: None }
    }

    fn deregister(&mut self) {
        if let Some(key) = self.key.take() {
            self.engine.forget_sleep(key);
        }
    }
}

impl RawSleep for SimSleep {
    fn now(&self) -> Instant {
        self.engine.now(self.home)
    }

    #[inline]
    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.deregister();
        self.deadline = self.engine.clock().at(deadline);
    }

    #[inline]
    fn poll_elapsed(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let Some(deadline) = this.deadline else { return Poll::Pending };
        if this.home.is_node() {
            ready!(this.engine.node_sleep(this.home, &mut this.key, deadline, cx.waker()));
        } else if this.engine.clock().nanos() < Clock::due(deadline) {
            this.engine.sleep(&mut this.key, Clock::due(deadline), cx.waker());
            return Poll::Pending;
        }
        this.key = None;
        Poll::Ready(())
    }
}

impl Drop for SimSleep {
    #[inline]
    fn drop(&mut self) {
        self.deregister();
    }
}
