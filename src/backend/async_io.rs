//! The timer of async-io, which is that of smol and of async-std, too.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use ::async_io::Timer;

use crate::runtime::context::takes_real_time;

/// async-io's timer, and the deadline, which that cannot be asked for.
pub(crate) struct Sleep {
    timer: Timer,
    /// `None` is never.
    deadline: Option<Instant>,
}

impl Sleep {
    #[inline]
    pub(super) fn after(duration: Duration) -> Sleep {
        Sleep::at(Instant::now().checked_add(duration))
    }

    #[inline]
    pub(super) fn at(deadline: Option<Instant>) -> Sleep {
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

/// Makes a spawner the timer of its runtime.
macro_rules! timer {
    ($spawner:ty, $self:ident => $kind:expr) => {
        impl $crate::time::Timer for $spawner {
            #[inline]
            fn now(&self) -> std::time::Instant {
                std::time::Instant::now()
            }

            #[inline]
            fn system_time(&self) -> std::time::SystemTime {
                std::time::SystemTime::now()
            }

            #[inline]
            fn sleep(&self, duration: std::time::Duration) -> $crate::time::Sleep {
                $crate::backend::async_io::Sleep::after(duration).into()
            }

            #[inline]
            fn native_timer(&$self) -> Native<'_> {
                Native($kind)
            }
        }
    };
}
pub(super) use timer;
