//! Sleeps of async-io, whose timer smol and async-std share.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use ::async_io::Timer;

use crate::seam::takes_real_time;

/// async-io's timer, and the deadline, which that cannot be asked for.
pub(crate) struct Sleep {
    timer: Timer,
    /// `None` is never.
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
        // Having fired, it will not fire again; nor will one that was never to fire.
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
