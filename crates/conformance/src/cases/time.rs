//! C12: time.
//!
//! No case asks for anything to be quick: what ends too late is caught by the limit of the case,
//! and what ends too early by the timer's own clock.

mod interval;
mod sleep;
mod timeout;

use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use async_runtime_compat::Timer;

use crate::kit::{Cx, Verdict, Wakes, ensure};

pub(crate) use interval::*;
pub(crate) use sleep::*;
pub(crate) use timeout::*;

const HOUR: Duration = Duration::from_secs(60 * 60);

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Sees that the clock has come to an instant.
fn has_come(timer: &dyn Timer, instant: Instant) -> Verdict {
    let now = timer.now();
    let early = instant.saturating_duration_since(now);
    ensure!(early.is_zero(), "it ended {early:?} early, by the timer's own clock");
    Ok(())
}

/// A waker that counts how often it is woken.
fn counted() -> (Arc<Wakes>, Waker) {
    let wakes = Wakes::new();
    (wakes.clone(), Waker::from(wakes))
}

/// Waits until the timer has let go of a waker.
fn are_dropped(cx: &Cx, wakes: &Arc<Wakes>) -> Verdict {
    let timer = cx.timer()?;
    let start = Instant::now();
    while Arc::strong_count(wakes) > 1 {
        let kept = Arc::strong_count(wakes) - 1;
        ensure!(start.elapsed() < cx.limit(), "{kept} wakers are kept by a timer nobody waits on");
        // A timer may clean up when it has something to do, so give it something.
        cx.wait("a sleep", timer.sleep(millis(1)))?;
    }
    Ok(())
}

/// Waits until the timer has let go of a waker, which must not have been woken.
fn is_let_go(cx: &Cx, wakes: &Arc<Wakes>) -> Verdict {
    are_dropped(cx, wakes)?;
    ensure!(wakes.count() == 0, "a waker was woken after its sleep was dropped");
    Ok(())
}

/// The last instant that there is.
fn last_instant() -> Instant {
    let mut instant = Instant::now();
    let mut step = Duration::MAX;
    while !step.is_zero() {
        match instant.checked_add(step) {
            Some(later) => instant = later,
            None => step /= 2,
        }
    }
    instant
}
