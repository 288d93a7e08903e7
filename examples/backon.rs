//! Retries with the crate `backon`, on any runtime's timer.
//!
//! The same function rides out an outage of a tenth of a second on each backend, in real time, and
//! one of eight hours in the simulation, where the pauses take no time.
//!
//! ```sh
//! cargo run -p async-runtime-compat-examples --features backon --example backon
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use async_runtime_compat::backon::TimerSleeper;
use async_runtime_compat::prelude::*;
use async_runtime_compat_examples::backend::BACKENDS;
use async_runtime_compat_examples::cli;
use async_runtime_compat_sim::Sim;
use backon::{ExponentialBuilder, Retryable};
use futures_lite::future;

/// A service that is down at first.
struct Upstream {
    timer: Arc<dyn Timer>,
    up_at: Instant,
    asked: AtomicU32,
}

impl Upstream {
    fn down_for(timer: Arc<dyn Timer>, outage: Duration) -> Upstream {
        Upstream { up_at: timer.now() + outage, timer, asked: AtomicU32::new(0) }
    }

    async fn ask(&self) -> Result<&'static str, &'static str> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.timer.sleep(Duration::from_millis(2)).await;
        if self.timer.now() < self.up_at { Err("connection refused") } else { Ok("hello") }
    }
}

/// Retries until the service is up. Names no runtime, and does not know whether time is virtual.
async fn ask_until_up(timer: Arc<dyn Timer>, outage: Duration, policy: ExponentialBuilder) {
    let start = timer.now();
    let upstream = Upstream::down_for(timer.clone(), outage);
    let ask = || upstream.ask();
    let answer = ask
        .retry(policy)
        .sleep(TimerSleeper::new(timer.clone()))
        .notify(|error, pause| {
            let at = (timer.now() - start).as_secs_f64();
            cli::say(format_args!("  after {at:>9.3} s: {error}, again in {pause:.1?}"));
        })
        .await;
    let (at, asked) = ((timer.now() - start).as_secs_f64(), upstream.asked.into_inner());
    cli::say(format_args!("  after {at:>9.3} s: {answer:?}, asked {asked} times"));
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let policy = ExponentialBuilder::default().with_min_delay(Duration::from_millis(10));

    for backend in BACKENDS {
        let running = backend.start()?;
        cli::say(format_args!("{}, an outage of 100 ms:", backend.name));
        let outage = Duration::from_millis(100);
        future::block_on(ask_until_up(running.runtime(), outage, policy.with_max_times(10)));
    }

    cli::say("\nsimulated, an outage of eight hours, with jitter:");
    let real = Instant::now();
    let report = Sim::new(7).run(|rt| async move {
        let policy = policy
            .with_min_delay(Duration::from_secs(1))
            .with_max_delay(Duration::from_secs(3600))
            .with_jitter()
            // Seeded by the simulation, so that a run can be repeated by its seed.
            .with_jitter_seed(rt.rng("retries").next_u64())
            .without_max_times();
        ask_until_up(Arc::new(rt), Duration::from_secs(8 * 3600), policy).await;
    })?;
    cli::say(format_args!(
        "  {:.3?} of virtual time took {:.1?} of real time",
        report.elapsed,
        real.elapsed()
    ));
    Ok(())
}
