//! tokio's paused clock governs ours, and what is particular to its timer otherwise.

use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use async_runtime_compat::RawSleep;
use async_runtime_compat::prelude::*;
use async_runtime_compat::tokio::TokioSpawner;
use futures_lite::future::{block_on, poll_once};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{advance, pause, resume};

const HOUR: Duration = Duration::from_secs(60 * 60);

fn paused() -> (Runtime, Arc<dyn Timer>) {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let timer = TokioSpawner::new(runtime.handle().clone());
    (runtime, Arc::new(timer))
}

#[test]
fn clock_stands_still_inside_and_outside_of_the_runtime() {
    let (runtime, timer) = paused();
    let (now, time) = (timer.now(), timer.system_time());
    for _ in 0..1_000 {
        assert_eq!((timer.now(), timer.system_time()), (now, time));
    }
    let elsewhere = timer.clone();
    let there = std::thread::spawn(move || (elsewhere.now(), elsewhere.system_time()));
    assert_eq!(there.join().unwrap(), (now, time));

    runtime.block_on(async {
        assert_eq!((timer.now(), timer.system_time()), (now, time));
        assert_eq!(now, tokio::time::Instant::now().into_std());
        advance(HOUR).await;
        assert_eq!(timer.now(), now + HOUR);
    });
    assert_eq!(timer.now(), now + HOUR);
    assert_eq!(timer.system_time(), time + HOUR);

    // In the context of another runtime, whose clock runs.
    let other = Runtime::new().unwrap();
    let _context = other.enter();
    assert_eq!(timer.now(), now + HOUR);
}

#[test]
fn clock_of_a_runtime_is_its_own() {
    let (runtime, timer) = paused();
    runtime.block_on(advance(HOUR * 1_000));
    let other = Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let other = TokioSpawner::new(other.handle().clone());
    // Asked from inside of the paused runtime.
    runtime.block_on(async {
        assert!(other.now() < timer.now());
        let now = std::time::Instant::now();
        assert!(other.now() - now < HOUR * 1_000);
    });
}

#[test]
fn sleeps_belong_to_their_own_runtime() {
    let (paused, _) = paused();
    let running = Runtime::new().unwrap();
    let timer = TokioSpawner::new(running.handle().clone());
    // Inside of a runtime whose clock would be at any deadline at once.
    paused.block_on(async {
        let start = timer.now();
        let limit = Duration::from_millis(20);
        timer.sleep(limit).await;
        assert!(timer.now() >= start + limit);
        timer.sleep_until(start + limit * 2).await;
        assert!(timer.now() >= start + limit * 2);
        assert!(timer.timeout(limit, pending::<()>()).await.is_err());
        assert!(timer.now() >= start + limit * 3);
        let mut interval = timer.interval_at(start + limit * 4, limit);
        assert_eq!(interval.tick().await, start + limit * 4);
        assert!(timer.now() >= start + limit * 4);
    });
}

#[test]
fn clock_that_is_paused_while_it_runs() {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let timer = TokioSpawner::new(runtime.handle().clone());
    runtime.block_on(async {
        let before = timer.now();
        pause();
        let now = timer.now();
        assert!(before <= now);
        advance(HOUR).await;
        assert_eq!(timer.now(), now + HOUR);
        resume();
        let resumed = timer.now();
        assert!(resumed >= now + HOUR);
        // It runs on, an hour ahead, and so does the time of day.
        let ahead = timer.system_time().duration_since(std::time::SystemTime::now()).unwrap();
        assert!(ahead > HOUR / 2, "{ahead:?} ahead");
    });
}

#[test]
fn sleeps_end_by_the_paused_clock() {
    let (runtime, timer) = paused();
    runtime.block_on(async {
        let start = timer.now();
        // It advances by itself when there is nothing else to do.
        timer.sleep(HOUR).await;
        assert!(timer.now() >= start + HOUR);
        assert!(timer.now() < start + HOUR + Duration::from_millis(2));

        let mut sleep = timer.sleep(HOUR);
        assert!(poll_once(&mut sleep).await.is_none());
        advance(HOUR / 2).await;
        assert!(poll_once(&mut sleep).await.is_none());
        sleep.reset(timer.now() + HOUR);
        advance(HOUR * 3 / 4).await;
        assert!(poll_once(&mut sleep).await.is_none());
        advance(HOUR / 2).await;
        sleep.await;
    });
}

#[test]
fn never_is_no_deadline_to_advance_to() {
    let (runtime, timer) = paused();
    runtime.block_on(async {
        let start = timer.now();
        let mut never = timer.sleep(Duration::MAX);
        let mut limited = Box::pin(timer.timeout(Duration::MAX, pending::<()>()));
        let mut interval = timer.interval(Duration::MAX);
        interval.tick().await;
        assert!(poll_once(&mut never).await.is_none());
        assert!(poll_once(limited.as_mut()).await.is_none());
        assert!(poll_once(interval.tick()).await.is_none());
        // This is the next deadline that there is.
        timer.sleep(HOUR).await;
        assert!(timer.now() < start + HOUR * 2);
        assert!(poll_once(&mut never).await.is_none());
    });
}

#[test]
fn timeouts_elapse_by_the_paused_clock() {
    let (runtime, timer) = paused();
    runtime.block_on(async {
        let start = timer.now();
        assert!(timer.timeout(HOUR, pending::<()>()).await.is_err());
        assert!(timer.now() >= start + HOUR);
        let slow = timer.timeout(HOUR, timer.sleep(HOUR * 2));
        assert!(slow.await.is_err());
        let fast = timer.timeout(HOUR * 2, timer.sleep(HOUR));
        assert!(fast.await.is_ok());
        assert!(timer.timeout_at(start, async { 7 }).await.is_ok());
    });
}

#[test]
fn intervals_tick_by_the_paused_clock() {
    let (runtime, timer) = paused();
    runtime.block_on(async {
        for behavior in
            [MissedTickBehavior::Burst, MissedTickBehavior::Delay, MissedTickBehavior::Skip]
        {
            let mut ours = timer.interval(HOUR);
            let mut native = tokio::time::interval(HOUR);
            ours.set_missed_tick_behavior(behavior);
            native.set_missed_tick_behavior(match behavior {
                MissedTickBehavior::Burst => tokio::time::MissedTickBehavior::Burst,
                MissedTickBehavior::Delay => tokio::time::MissedTickBehavior::Delay,
                MissedTickBehavior::Skip => tokio::time::MissedTickBehavior::Skip,
            });
            for minutes in [0, 90, 0, 10, 0, 0, 200, 0, 0, 0, 0, 60, 0, 120, 0, 0, 1, 0] {
                advance(Duration::from_secs(60) * minutes).await;
                let due = ours.tick().await;
                assert_eq!(due, native.tick().await.into_std(), "{behavior:?} after {minutes}");
            }
        }
    });
}

#[test]
fn tick_that_nobody_waits_for_is_no_deadline_to_advance_to() {
    let (runtime, timer) = paused();
    runtime.block_on(async {
        let mut interval = timer.interval(HOUR);
        interval.tick().await;
        interval.reset();
        let start = timer.now();
        for _ in 0..50 {
            // The runtime has nothing to do until another thread has done something.
            let (waiting, waits) = async_channel::bounded::<()>(1);
            let (done, is_done) = async_channel::bounded::<()>(1);
            let thread = std::thread::spawn(move || {
                waits.recv_blocking().unwrap();
                std::thread::yield_now();
                done.send_blocking(()).unwrap();
            });
            waiting.send(()).await.unwrap();
            is_done.recv().await.unwrap();
            thread.join().unwrap();
        }
        assert_eq!(timer.now(), start);
        assert_eq!(interval.tick().await, start + HOUR);
    });
}

/// A timer around tokio's that this crate does not know to be one.
struct Around(TokioSpawner);

impl Timer for Around {
    fn now(&self) -> std::time::Instant {
        self.0.now()
    }

    fn system_time(&self) -> std::time::SystemTime {
        self.0.system_time()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        self.0.sleep(duration)
    }
}

#[test]
fn timer_around_tokios_goes_by_the_paused_clock_too() {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let timer = Around(TokioSpawner::new(runtime.handle().clone()));
    runtime.block_on(async {
        let start = timer.now();
        timer.sleep_until(start + HOUR).await;
        assert!(timer.timeout(HOUR, pending::<()>()).await.is_err());
        let mut interval = timer.interval(HOUR);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        interval.tick().await;
        advance(HOUR * 5 / 2).await;
        interval.tick().await;
        let now = timer.now();
        assert_eq!(interval.tick().await, now + HOUR);
    });
}

#[test]
fn runtime_without_a_time_driver_is_an_error_or_a_panic_that_says_what_to_do() {
    for runtime in [
        Builder::new_current_thread().build().unwrap(),
        Builder::new_multi_thread().worker_threads(1).build().unwrap(),
    ] {
        let timer = TokioSpawner::new(runtime.handle().clone());
        let error = timer.clone().require_timer().unwrap_err().to_string();
        let panic = |make: &dyn Fn()| {
            let payload = catch_unwind(AssertUnwindSafe(make)).unwrap_err();
            payload.downcast_ref::<String>().unwrap().clone()
        };
        let now = timer.now();
        for text in [
            error,
            panic(&|| drop(timer.sleep(HOUR))),
            panic(&|| drop(timer.sleep(Duration::MAX))),
            panic(&|| drop(timer.sleep_until(now))),
            panic(&|| assert_eq!(block_on(timer.timeout(HOUR, pending::<()>())), Ok(()))),
            panic(&|| assert_eq!(block_on(timer.timeout_at(now, pending::<()>())), Ok(()))),
            panic(&|| drop(timer.interval(HOUR))),
        ] {
            assert!(text.contains("without its time driver"), "{text}");
            assert!(text.contains("`enable_time`"), "{text}");
        }
        // What is ready at once needs none, and neither does the clock.
        assert_eq!(block_on(timer.timeout(HOUR, ready(7))), Ok(7));
        assert!(timer.now() >= now);
        assert!(runtime.block_on(runtime.spawn(async { 7 })).is_ok());
    }
}

#[test]
fn runtime_with_a_time_driver_is_none() {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let timer = TokioSpawner::new(runtime.handle().clone()).require_timer().unwrap();
    runtime.block_on(timer.sleep(Duration::from_millis(1)));
}

#[test]
fn sleep_on_a_runtime_that_was_shut_down() {
    let runtime = Runtime::new().unwrap();
    let timer = TokioSpawner::new(runtime.handle().clone());
    let mut waiting = timer.sleep(HOUR);
    let unpolled = timer.sleep(HOUR);
    assert!(block_on(poll_once(&mut waiting)).is_none());
    let awaited = timer.sleep(HOUR);
    let joiner = std::thread::spawn(move || block_on(awaited));
    drop(runtime);
    // It is woken, and not left hanging.
    assert!(joiner.join().is_err());
    // Neither a reset nor a drop nor a new one minds.
    waiting.reset(timer.now() + HOUR);
    drop((waiting, unpolled, timer.sleep(HOUR), timer.timeout(HOUR, pending::<()>())));
    assert!(catch_unwind(AssertUnwindSafe(|| block_on(timer.sleep(HOUR)))).is_err());
}

#[test]
fn sleeps_of_a_thread_that_ends_are_dropped_with_it() {
    thread_local! {
        static LAST: std::cell::RefCell<Option<Sleep>> = const { std::cell::RefCell::new(None) };
    }

    let runtime = Runtime::new().unwrap();
    let timer = TokioSpawner::new(runtime.handle().clone());
    // Registered before the crate's own thread-local, and after it.
    for first in [true, false] {
        let timer = timer.clone();
        let thread = std::thread::spawn(move || {
            if first {
                LAST.with(|_| ());
            }
            let mut sleep = timer.sleep(HOUR);
            drop(timer.sleep(HOUR));
            let poll = std::pin::Pin::new(&mut sleep).poll(&mut Context::from_waker(Waker::noop()));
            assert!(poll.is_pending());
            LAST.set(Some(sleep));
        });
        assert!(thread.join().is_ok());
    }
}

#[test]
fn time_limit_holds_for_a_future_that_uses_up_the_budget() {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let timer = TokioSpawner::new(runtime.handle().clone());
    let busy = async {
        loop {
            tokio::task::consume_budget().await;
        }
    };
    let limited = timer.timeout(Duration::from_millis(20), busy);
    assert!(runtime.block_on(limited).is_err());
}

/// tokio's own sleep from outside of the crate, as one of another version would be.
struct Wrapped(std::pin::Pin<Box<tokio::time::Sleep>>);

impl RawSleep for Wrapped {
    fn now(&self) -> std::time::Instant {
        tokio::time::Instant::now().into_std()
    }

    fn reset(mut self: std::pin::Pin<&mut Self>, deadline: std::time::Instant) {
        self.0.as_mut().reset(deadline.into());
    }

    fn poll_elapsed(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> std::task::Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

#[test]
fn sleep_of_a_library_makes_a_sleep_of_ours() {
    let (runtime, timer) = paused();
    runtime.block_on(async {
        let start = timer.now();
        let raw = Wrapped(Box::pin(tokio::time::sleep(Duration::ZERO)));
        let mut sleep = Sleep::new(raw, start.checked_add(HOUR));
        (&mut sleep).await;
        assert!(sleep.is_elapsed());
        assert!(timer.now() >= start + HOUR);
    });
}
