//! C12: time.
//!
//! No case has an upper bound on time: a sleep that never ends is caught by the limit of the case, and one
//! that ends early by the timer's own clock.

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

/// Checks that the clock has reached an instant.
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

/// Waits until the timer has dropped its clones of a waker.
fn are_dropped(cx: &Cx, wakes: &Arc<Wakes>) -> Verdict {
    let timer = cx.timer()?;
    let start = Instant::now();
    while Arc::strong_count(wakes) > 1 {
        let kept = Arc::strong_count(wakes) - 1;
        ensure!(
            start.elapsed() < cx.limit(),
            "the timer keeps {kept} wakers of sleeps that are gone"
        );
        // A timer may clean up only when it works, so give it work.
        cx.wait("a sleep", timer.sleep(millis(1)))?;
    }
    Ok(())
}

/// Waits until the timer has dropped its clones of a waker that must not have been woken.
fn is_let_go(cx: &Cx, wakes: &Arc<Wakes>) -> Verdict {
    are_dropped(cx, wakes)?;
    ensure!(wakes.count() == 0, "a waker was woken after its sleep was dropped");
    Ok(())
}

/// The last instant that can be represented.
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
