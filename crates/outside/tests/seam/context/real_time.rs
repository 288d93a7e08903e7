//! Each clock, timer and pool of real threads is reported to the context of the thread.

use std::sync::Arc;
use std::time::Duration;

use async_executor::Executor;
use async_runtime_compat::BlockingPool;
use async_runtime_compat::async_executor::ExecutorSpawner;
use async_runtime_compat::async_std::AsyncStdSpawner;
use async_runtime_compat::prelude::*;
use async_runtime_compat::smol::SmolSpawner;
use async_runtime_compat::tokio::TokioSpawner;

use super::Told;
use crate::support::nowhere;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// What the context is told while the function runs.
fn told_by<T>(f: impl FnOnce() -> T) -> Vec<String> {
    let told = Told::new();
    let entered = told.enter();
    drop(f());
    drop(entered);
    let said = told.real_time.take();
    // Afterwards it is told nothing.
    drop(BlockingPool::new().spawn_blocking(|| ()));
    assert!(told.real_time.take().is_empty());
    said
}

fn says(said: &[String], word: &str) {
    assert!(said.len() == 1 && said[0].contains(word), "no `{word}` in {said:?}");
}

fn on_its_timer(timer: &dyn Timer, sleep: &str, limit: &str) {
    says(&told_by(|| timer.sleep(HOUR)), sleep);
    says(&told_by(|| timer.sleep_until(timer.now() + HOUR)), sleep);
    says(&told_by(|| timer.timeout(HOUR, std::future::pending::<()>())), limit);
    says(&told_by(|| timer.timeout_at(timer.now() + HOUR, std::future::pending::<()>())), limit);
}

fn on_its_pool(blocking: &dyn Blocking, pool: &str) {
    says(&told_by(|| blocking.spawn_blocking(|| ())), pool);
    says(&told_by(|| blocking.spawn_blocking_named("job", || ())), pool);
    says(&told_by(|| blocking.execute(Box::new(|| ()))), pool);
}

#[test]
fn tokio() {
    let tokio =
        ::tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build();
    let tokio = tokio.unwrap();
    let spawner = TokioSpawner::new(tokio.handle().clone());
    on_its_timer(&spawner, "a sleep of tokio's", "a time limit of tokio's");
    on_its_pool(&spawner, "tokio's pool");
}

#[test]
fn async_io() {
    let executor = Arc::new(Executor::new());
    let executor_spawner = ExecutorSpawner::new(executor.clone());
    let timers: [&dyn Timer; 3] = [&SmolSpawner, &AsyncStdSpawner, &executor_spawner];
    for timer in timers {
        on_its_timer(timer, "async-io", "async-io");
    }
}

#[test]
fn pool_of_the_crate_blocking() {
    let executor = Arc::new(Executor::new());
    let executor_spawner = ExecutorSpawner::new(executor.clone());
    let pools: [&dyn Blocking; 3] = [&SmolSpawner, &AsyncStdSpawner, &executor_spawner];
    for pool in pools {
        on_its_pool(pool, "the crate `blocking`");
    }
}

#[test]
fn blocking_pool() {
    on_its_pool(&BlockingPool::new(), "`BlockingPool`");
}

#[test]
fn what_is_virtual_is_not_reported() {
    let virtual_time = nowhere();
    let said = told_by(|| {
        drop(virtual_time.sleep(HOUR));
        drop(virtual_time.timeout(HOUR, std::future::pending::<()>()));
        virtual_time.execute(Box::new(|| ()));
    });
    assert!(said.is_empty(), "{said:?}");
}
