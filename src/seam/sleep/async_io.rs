//! async-io's sleeps, for smol, async-std and async-executor.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use ::async_io::Timer;

use crate::seam::takes_real_time;

/// async-io's timer, and its deadline, which it does not reveal.
pub(crate) struct Sleep {
    timer: Timer,
    /// `None` means never.
    deadline: Option<Instant>,
}

impl Sleep {
    #[inline]
    pub(crate) fn after(duration: Duration) -> Sleep {
        Sleep::at(Instant::now().checked_add(duration))
    }

    #[inline]
    pub(crate) fn at(deadline: Option<Instant>) -> Sleep {
        takes_real_time("a timer of async-io, which is that of smol and async-std");
        let timer = deadline.map_or_else(Timer::never, Timer::at);
        Sleep { timer, deadline }
    }

    #[expect(clippy::unused_self, reason = "the sleeps of other backends need it")]
    pub(crate) fn now(&self) -> Instant {
        Instant::now()
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    pub(crate) fn is_elapsed(&self) -> bool {
        // A timer that has fired, or that never fires, will not fire again.
        self.deadline.is_some() && !self.timer.will_fire()
    }

    pub(crate) fn reset(&mut self, deadline: Instant) {
        self.deadline = Some(deadline);
        self.timer.set_at(deadline);
    }

    #[inline]
    pub(crate) fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_elapsed() {
            return Poll::Ready(());
        }
        ready!(Pin::new(&mut self.timer).poll(cx));
        Poll::Ready(())
    }
}
