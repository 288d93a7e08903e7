//! The work that is about waiting: sleeps, time limits, and what blocks.

use std::future::{Future, poll_fn, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use async_runtime_compat::yield_now;
use futures_util::future::join_all;

use super::{Countdown, Stopwatch, TASKS};
use crate::wait::{BlockWay, TimeWay};
use crate::way::Way;

/// How many functions one round of [`block`] runs.
pub const BLOCKING_TASKS: u64 = 20;

/// So long that it never ends.
pub const LONG: Duration = Duration::from_secs(60 * 60);
/// As short as tokio's timer has it.
const SHORT: Duration = Duration::from_millis(1);

/// Begins sleeps, and drops each before it ends, as a time limit that was not needed does.
pub async fn sleep_dropped<T: TimeWay>(timer: T, rounds: u64) -> Duration {
    let watch = Stopwatch::start();
    for _ in 0..rounds * TASKS {
        let mut sleep = pin!(timer.sleep(LONG));
        let pending = poll_fn(|cx| Poll::Ready(sleep.as_mut().poll(cx).is_pending()));
        black_box(pending.await);
    }
    watch.elapsed()
}

/// Sleeps many times at once in one task, and waits for all of them.
pub async fn sleep_to_end<T: TimeWay>(timer: T, rounds: u64) -> Duration {
    let watch = Stopwatch::start();
    for _ in 0..rounds {
        black_box(join_all((0..TASKS).map(|_| timer.sleep(SHORT))).await);
    }
    watch.elapsed()
}

/// Sleeps once in each of many tasks. They are spawned natively in every way.
pub async fn sleep_in_tasks<T: TimeWay, W: Way>((timer, way): (T, W), rounds: u64) -> Duration {
    let watch = Stopwatch::start();
    for _ in 0..rounds {
        let countdown = Countdown::new(TASKS);
        for _ in 0..TASKS {
            let (timer, countdown) = (timer.clone(), countdown.clone());
            way.spawn_detached(async move {
                black_box(timer.sleep(SHORT).await);
                countdown.count();
            });
        }
        countdown.wait().await;
    }
    watch.elapsed()
}

/// Gives a time limit to what is ready at once.
pub async fn timeout_ready<T: TimeWay>(timer: T, rounds: u64) -> Duration {
    let watch = Stopwatch::start();
    for number in 0..rounds * TASKS {
        black_box(timer.timeout(LONG, ready(number)).await);
    }
    watch.elapsed()
}

/// Gives a time limit to what waits once, so that the limit is set with the timer.
pub async fn timeout_waiting<T: TimeWay>(timer: T, rounds: u64) -> Duration {
    let watch = Stopwatch::start();
    for _ in 0..rounds * TASKS {
        black_box(timer.timeout(LONG, yield_now()).await);
    }
    watch.elapsed()
}

/// Runs functions that might block, one after the other.
pub async fn block<B: BlockWay>(way: B, rounds: u64) -> Duration {
    let watch = Stopwatch::start();
    for number in 0..rounds * BLOCKING_TASKS {
        black_box(way.block(move || black_box(number)).await);
    }
    watch.elapsed()
}
