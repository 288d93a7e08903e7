//! tokio's timer.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use ::tokio::runtime::Handle;
use ::tokio::task::{Unconstrained, unconstrained};
use ::tokio::time;
use pin_project_lite::pin_project;

use super::TokioSpawner;
use crate::error::NoTimer;
use crate::seam::sleep::tokio::{NO_DRIVER, Sleep, after, may_be_paused, now, with_driver};
use crate::seam::{self as ours, Kind, Native, Timer, takes_real_time};

impl TokioSpawner {
    /// Returns the spawner if its runtime has a time driver.
    ///
    /// Call it where the spawner is created, so that a missing driver is found before the first
    /// [`sleep`](Timer::sleep) panics.
    ///
    /// # Errors
    ///
    /// [`NoTimer`] if the runtime was built without its time driver. tokio reveals this only by a panic, which is caught
    /// here after the panic hook has reported it.
    ///
    /// # Examples
    ///
    /// ```
    /// use async_runtime_compat::tokio::TokioSpawner;
    ///
    /// let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build()?;
    /// let spawner = TokioSpawner::new(runtime.handle().clone()).require_timer()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn require_timer(self) -> Result<TokioSpawner, NoTimer> {
        let handle = self.handle();
        let now = time::Instant::now();
        let tried = catch_unwind(AssertUnwindSafe(|| {
            let _context = handle.enter();
            drop(time::sleep_until(now));
        }));
        match tried {
            Ok(()) => Ok(self),
            Err(_) => Err(NoTimer::new(NO_DRIVER)),
        }
    }
}

impl Timer for TokioSpawner {
    #[inline]
    fn now(&self) -> Instant {
        now(self.handle())
    }

    fn system_time(&self) -> SystemTime {
        static START: OnceLock<(Instant, SystemTime)> = OnceLock::new();

        if may_be_paused(self.handle()) {
            let before = Instant::now();
            let now = now(self.handle());
            if now < before || now > Instant::now() {
                // The clock is, or was, paused. Counted from a start that is the same for all timers, the time
                // of day stands still exactly when the clock does.
                let (instant, system) = *START.get_or_init(|| (Instant::now(), SystemTime::now()));
                let shifted = match now.checked_duration_since(instant) {
                    Some(ahead) => system.checked_add(ahead),
                    None => system.checked_sub(instant - now),
                };
                if let Some(shifted) = shifted {
                    return shifted;
                }
            }
        }
        SystemTime::now()
    }

    #[inline]
    fn sleep(&self, duration: Duration) -> ours::Sleep {
        Sleep::make(self.handle(), |now| after(now, duration)).into()
    }

    #[inline]
    fn native_timer(&self) -> Native<'_> {
        Native(Kind::Tokio(self.handle()))
    }
}

pin_project! {
    /// The sleep of a timeout: tokio's own, in place, or one of another timer.
    #[project = LimitProjection]
    pub(crate) enum Limit {
        // Before the first wait: a future that is ready at once needs no sleep. `None` means never.
        Idle { handle: Handle, deadline: Option<time::Instant> },
        // Unconstrained, so that a future which exhausts its task's budget in each poll still times out.
        Native { #[pin] sleep: Unconstrained<time::Sleep> },
        // Unconstrained as well: it may wrap a tokio sleep.
        Other { #[pin] sleep: Unconstrained<ours::Sleep> },
    }
}

impl Limit {
    /// Creates a limit at the deadline, which is computed from the current instant.
    #[inline]
    pub(in crate::backend) fn make(
        handle: &Handle,
        deadline: impl FnOnce(time::Instant) -> Option<time::Instant>,
    ) -> Limit {
        takes_real_time("a time limit of tokio's");
        Limit::Idle { handle: handle.clone(), deadline: deadline(now(handle).into()) }
    }
}

impl From<ours::Sleep> for Limit {
    fn from(sleep: ours::Sleep) -> Limit {
        Limit::Other { sleep: unconstrained(sleep) }
    }
}

impl Future for Limit {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let LimitProjection::Idle { handle, deadline } = self.as_mut().project() {
            let Some(deadline) = *deadline else { return Poll::Pending };
            let sleep = with_driver(handle, || time::sleep_until(deadline));
            self.set(Limit::Native { sleep: unconstrained(sleep) });
        }
        match self.project() {
            LimitProjection::Idle { .. } => Poll::Pending,
            LimitProjection::Native { sleep } => sleep.poll(cx),
            LimitProjection::Other { sleep } => sleep.poll(cx),
        }
    }
}
