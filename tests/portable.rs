//! Tests of a small library that names no runtime, as its author would write them: once, and run
//! on every backend that is enabled.
#![cfg(any(
    feature = "tokio",
    feature = "smol",
    feature = "async-std",
    feature = "async-executor"
))]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_runtime_compat::Elapsed;
use async_runtime_compat::prelude::*;

/// Adds numbers up in the background. This would be the library.
struct Adder {
    runtime: Arc<dyn Runtime>,
    sum: Arc<AtomicU32>,
}

impl Adder {
    fn new(runtime: Arc<dyn Runtime>) -> Adder {
        Adder { runtime, sum: Arc::default() }
    }

    fn add(&self, number: u32) -> JoinHandle<u32> {
        let sum = self.sum.clone();
        self.runtime
            .spawn_with_handle(async move { sum.fetch_add(number, Ordering::Relaxed) + number })
    }

    async fn add_within(&self, limit: Duration, number: u32) -> Result<u32, Elapsed> {
        let joined = self.runtime.timeout(limit, self.add(number)).await?;
        Ok(joined.expect("adding does not panic"))
    }
}

#[async_runtime_compat::test]
async fn adds_up(rt: Arc<dyn Runtime>) {
    let adder = Adder::new(rt);
    assert_eq!(adder.add(1).await.unwrap(), 1);
    assert_eq!(adder.add(2).await.unwrap(), 3);
}

#[async_runtime_compat::test(worker_threads = 4, timeout = "5m")]
async fn adds_up_from_many_tasks(rt: Arc<dyn Runtime>) -> Result<(), JoinError> {
    let adder = Adder::new(rt);
    let tasks: Vec<_> = (0..1000).map(|_| adder.add(1)).collect();
    for task in tasks {
        task.await?;
    }
    assert_eq!(adder.sum.load(Ordering::Relaxed), 1000);
    Ok(())
}

#[async_runtime_compat::test]
async fn is_in_time(rt: Arc<dyn Runtime>) -> Result<(), Elapsed> {
    let adder = Adder::new(rt);
    assert_eq!(adder.add_within(Duration::from_secs(3600), 7).await?, 7);
    Ok(())
}

/// Needs less than a whole runtime.
#[async_runtime_compat::test]
async fn tasks_are_independent(spawner: Arc<dyn Spawner>) {
    let task = spawner.spawn_with_handle(async { panic!("this task's alone") });
    assert!(task.await.unwrap_err().is_panic());
    spawner.spawn_with_handle(async {}).await.unwrap();
}

/// As it goes on tokio, and in whichever order else the tasks could go.
#[cfg(feature = "tokio")]
#[async_runtime_compat::test(tokio, sim(runs = 500, strategy = "pct(depth=2)"))]
async fn adds_up_in_any_order(rt: Arc<dyn Runtime>) -> Result<(), JoinError> {
    let adder = Adder::new(rt);
    let (one, two) = (adder.add(1), adder.add(2));
    let (one, two) = (one.await?, two.await?);
    assert!((one, two) == (1, 3) || (one, two) == (3, 2), "{one} and {two}");
    Ok(())
}

/// A day passes at once, where the clock can be paused.
#[cfg(feature = "tokio")]
#[async_runtime_compat::test(tokio(start_paused = true))]
async fn sleeps_for_a_day(timer: Arc<dyn Timer>) {
    let start = timer.now();
    timer.sleep(Duration::from_secs(86_400)).await;
    assert!(timer.now() - start >= Duration::from_secs(86_400));
}
