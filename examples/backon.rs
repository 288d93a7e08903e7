//! Retries by the crate `backon`, on any runtime's timer.
//!
//! The same function rides out an outage of a tenth of a second on tokio, in real time, and one of
//! eight hours in the simulation, where the pauses take none.
//!
//! ```sh
//! cargo run --example backon --features backon,tokio,sim
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use async_runtime_compat::backon::TimerSleeper;
use async_runtime_compat::prelude::*;
use async_runtime_compat::sim::Sim;
use async_runtime_compat::tokio::TokioSpawner;
use backon::{ExponentialBuilder, Retryable};

/// Something that is down for a while.
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

/// Names no runtime, and does not know how long the pauses take in reality.
async fn ask_until_up(timer: Arc<dyn Timer>, outage: Duration, policy: ExponentialBuilder) {
    let start = timer.now();
    let upstream = Upstream::down_for(timer.clone(), outage);
    let ask = || upstream.ask();
    let answer = ask
        .retry(policy)
        .sleep(TimerSleeper::new(timer.clone()))
        .notify(|error, pause| {
            let at = (timer.now() - start).as_secs_f64();
            println!("  after {at:>9.3} s: {error}, again in {pause:.1?}");
        })
        .await;
    let (at, asked) = ((timer.now() - start).as_secs_f64(), upstream.asked.into_inner());
    println!("  after {at:>9.3} s: {answer:?}, asked {asked} times");
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let policy = ExponentialBuilder::default().with_min_delay(Duration::from_millis(10));

    println!("tokio, an outage of 100 ms:");
    let timer = Arc::new(TokioSpawner::current()?);
    ask_until_up(timer, Duration::from_millis(100), policy.with_max_times(10)).await;

    println!("\nsimulated, an outage of eight hours, with jitter:");
    // On a thread of its own, as it would block one of tokio's.
    let real = Instant::now();
    let report = std::thread::spawn(move || {
        Sim::new(7).run(|rt| async move {
            let policy = policy
                .with_min_delay(Duration::from_secs(1))
                .with_max_delay(Duration::from_secs(3600))
                .with_jitter()
                // From the simulation, so that each run with its seed is the same.
                .with_jitter_seed(rt.rng("retries").next_u64())
                .without_max_times();
            ask_until_up(Arc::new(rt), Duration::from_secs(8 * 3600), policy).await;
        })
    });
    let report = report.join().map_err(|_| "the simulation panicked")??;
    println!("  {:.3?} of virtual time, {:.1?} of real time", report.elapsed, real.elapsed());
    Ok(())
}
