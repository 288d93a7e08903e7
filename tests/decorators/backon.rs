//! Retries of the crate `backon`, on the timer of each runtime and in the simulation.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use async_runtime_compat::backon::TimerSleeper;
use async_runtime_compat::prelude::*;
use async_runtime_compat::yield_now;
use backon::{ConstantBuilder, Retryable};
use futures_lite::future::block_on;
use test_support::runtimes::{Running, on_all_runtimes};
use test_support::thread_timer::ThreadTimer;

/// Fails so often.
#[derive(Clone)]
struct Flaky {
    failures: usize,
    tried: Arc<AtomicUsize>,
}

impl Flaky {
    fn new(failures: usize) -> Flaky {
        Flaky { failures, tried: Arc::default() }
    }

    async fn ask(&self) -> Result<usize, &'static str> {
        yield_now().await;
        match self.tried.fetch_add(1, Ordering::SeqCst) {
            tried if tried < self.failures => Err("not yet"),
            tried => Ok(tried),
        }
    }

    fn tried(&self) -> usize {
        self.tried.load(Ordering::SeqCst)
    }
}

fn pauses(of: Duration, times: usize) -> ConstantBuilder {
    ConstantBuilder::default().with_delay(of).with_max_times(times)
}

on_all_runtimes! {
    retries_until_it_succeeds_or_may_no_more,
}

fn retries_until_it_succeeds_or_may_no_more(running: &Running) {
    // That of the caller's own runtime stands still.
    let stands_still = running.runtime.system_time() == SystemTime::UNIX_EPOCH;
    let timer: Arc<dyn Timer> =
        if stands_still { Arc::new(ThreadTimer::new()) } else { running.runtime.clone() };
    let pause = Duration::from_millis(5);
    let start = timer.now();
    let flaky = Flaky::new(2);
    let asked = flaky.clone();
    let sleeper = TimerSleeper::new(timer.clone());
    let task = running.runtime.spawn_with_handle(async move {
        let ask = move || {
            let asked = asked.clone();
            async move { asked.ask().await }
        };
        ask.retry(pauses(pause, 3)).sleep(sleeper).await
    });
    assert_eq!(block_on(task).unwrap(), Ok(2));
    assert!(timer.now() - start >= 2 * pause, "two pauses are longer than that");

    let flaky = Flaky::new(usize::MAX);
    let ask = || flaky.ask();
    let asked = block_on(ask.retry(pauses(pause, 2)).sleep(TimerSleeper::new(timer.clone())));
    assert_eq!((asked, flaky.tried()), (Err("not yet"), 3));

    let flaky = Flaky::new(usize::MAX);
    let ask = || flaky.ask();
    let retry = ask.retry(pauses(pause, 2)).sleep(TimerSleeper::new(timer)).when(|_| false);
    assert_eq!((block_on(retry), flaky.tried()), (Err("not yet"), 1));
}

#[cfg(feature = "tokio")]
#[test]
fn pauses_follow_the_paused_clock_of_tokio() {
    use ::tokio::runtime::Builder;
    use async_runtime_compat::tokio::TokioSpawner;

    let tokio = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let timer = TokioSpawner::new(tokio.handle().clone());
    let start = timer.now();
    let flaky = Flaky::new(3);
    let ask = || flaky.ask();
    let hour = Duration::from_secs(3600);
    let sleeper = TimerSleeper::new(Arc::new(timer.clone()));
    let retry = ask.retry(pauses(hour, 3)).sleep(sleeper);
    assert_eq!(tokio.block_on(retry.into_future()), Ok(3));
    // tokio's timer rounds up to the millisecond.
    let passed = timer.now() - start;
    assert!(passed >= 3 * hour && passed <= 3 * hour + Duration::from_millis(3), "{passed:?}");
}

mod simulated {
    use async_runtime_compat_sim::{Sim, Strategy};
    use backon::{BackoffBuilder, ExponentialBuilder, RetryableWithContext};

    use super::*;

    #[test]
    fn pauses_take_virtual_time_exactly() {
        let report = Sim::new(1).run(|rt| async move {
            let timer: Arc<dyn Timer> = Arc::new(rt.clone());
            let exponential = ExponentialBuilder::default()
                .with_min_delay(Duration::from_secs(1))
                .with_max_delay(Duration::from_secs(3600))
                .with_max_times(10);
            let flaky = Flaky::new(10);
            let ask = || flaky.ask();
            let start = rt.now();
            let answer = ask.retry(exponential).sleep(TimerSleeper::new(timer)).await;
            (answer, rt.now() - start)
        });
        let report = report.unwrap();
        // 1 + 2 + 4 + … + 512.
        assert_eq!(report.value, (Ok(10), Duration::from_secs(1023)));
        assert_eq!(report.elapsed, Duration::from_secs(1023));
    }

    #[test]
    fn jitter_with_a_seed_is_the_same_in_each_run() {
        let run = || {
            let report = Sim::new(1).run(|rt| async move {
                let jitter = pauses(Duration::from_secs(1), 20).with_jitter();
                let jitter = jitter.with_jitter_seed(7);
                let flaky = Flaky::new(20);
                let ask = || flaky.ask();
                ask.retry(jitter).sleep(TimerSleeper::new(Arc::new(rt))).await.unwrap();
            });
            report.unwrap().elapsed
        };
        let elapsed = run();
        assert_eq!(elapsed, run());
        let expected: Duration =
            pauses(Duration::from_secs(1), 20).with_jitter().with_jitter_seed(7).build().sum();
        assert_eq!(elapsed, expected);
        assert!(elapsed > Duration::from_secs(20));
    }

    #[test]
    fn dropped_between_attempts_it_leaves_no_sleep_behind() {
        let found = Sim::new(1).strategy(Strategy::Random).explore(200, |rt| async move {
            let flaky = Flaky::new(usize::MAX);
            let (asked, timer) = (flaky.clone(), Arc::new(rt.clone()));
            let task = rt.spawn_with_handle(async move {
                let ask = move || {
                    let asked = asked.clone();
                    async move { asked.ask().await }
                };
                let pauses = pauses(Duration::from_secs(10), usize::MAX);
                ask.retry(pauses).sleep(TimerSleeper::new(timer)).await
            });
            rt.sleep(Duration::from_secs(35)).await;
            task.cancel().await.map(drop).unwrap_err();
            assert_eq!(flaky.tried(), 4);
        });
        assert!(found.first.is_none(), "{:?}", found.first);
    }

    #[test]
    fn context_goes_along() {
        let report = Sim::new(1).run(|rt| async move {
            let count = |mut tried: u32| async move {
                tried += 1;
                (tried, if tried < 3 { Err("not yet") } else { Ok(()) })
            };
            let pauses = pauses(Duration::from_secs(1), 5);
            count.retry(pauses).sleep(TimerSleeper::new(Arc::new(rt))).context(0).await
        });
        let report = report.unwrap();
        assert_eq!(report.value, (3, Ok(())));
        assert_eq!(report.elapsed, Duration::from_secs(2));
    }
}
