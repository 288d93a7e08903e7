//! The umbrella, its parts, and runtimes that are put together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use async_runtime_compat::prelude::*;
use async_runtime_compat::{BlockingPool, FnSpawner, with_blocking, with_timer};
use futures_lite::future::block_on;
use test_support::runtimes::{Running, Stopped, on_all_runtimes};

on_all_runtimes! {
    does_all_three,
    upcasts_to_each_part,
    pointers_are_runtimes,
}

fn does_all_three(running: &Running) {
    let runtime = running.runtime.clone();
    let inner = runtime.clone();
    let task = runtime.spawn_with_handle(async move {
        inner.sleep(Duration::ZERO).await;
        let in_time = inner.timeout(Duration::from_secs(60), async { 1 }).await.unwrap();
        in_time + inner.spawn_blocking(|| 2).await.unwrap()
    });
    assert_eq!(block_on(task).unwrap(), 3);
}

fn upcasts_to_each_part(running: &Running) {
    let spawner: Arc<dyn Spawner> = running.runtime.clone();
    let timer: Arc<dyn Timer> = running.runtime.clone();
    let blocking: Arc<dyn Blocking> = running.runtime.clone();
    assert_eq!(block_on(spawner.spawn_with_handle(async { 1 })).unwrap(), 1);
    assert!(timer.now() <= timer.now());
    assert_eq!(block_on(blocking.spawn_blocking(|| 2)).unwrap(), 2);
    let borrowed: &dyn Spawner = &*running.runtime;
    assert_eq!(block_on(borrowed.spawn_with_handle(async { 3 })).unwrap(), 3);
}

fn pointers_are_runtimes(running: &Running) {
    fn use_it(runtime: impl Runtime) {
        assert_eq!(block_on(runtime.spawn_with_handle(async { 1 })).unwrap(), 1);
        assert_eq!(block_on(runtime.spawn_blocking(|| 2)).unwrap(), 2);
        block_on(runtime.sleep(Duration::ZERO));
    }

    use_it(&running.runtime);
    use_it(&*running.runtime);
    use_it(Box::new(running.runtime.clone()) as Box<dyn Runtime>);
    use_it(running.runtime.clone());
    use_it(Arc::new(Box::new(running.runtime.clone())));
}

#[test]
fn parts_of_a_composition_are_those_that_were_given() {
    let spawned = Arc::new(AtomicUsize::new(0));
    let count = spawned.clone();
    let threads = FnSpawner::new(move |task| {
        count.fetch_add(1, Ordering::SeqCst);
        std::thread::spawn(|| block_on(task));
    });
    let now = Instant::now();
    let pool = BlockingPool::builder().thread_name("pool-of-this-test").build();
    let runtime = with_timer(with_blocking(threads, pool), Stopped(now));

    assert_eq!(runtime.now(), now);
    assert_eq!(runtime.system_time(), SystemTime::UNIX_EPOCH);
    block_on(runtime.spawn_with_handle(async {})).unwrap();
    assert_eq!(spawned.load(Ordering::SeqCst), 1);
    let name = runtime.spawn_blocking(|| std::thread::current().name().map(str::to_owned));
    assert_eq!(block_on(name).unwrap().as_deref(), Some("pool-of-this-test-1"));

    // The last word counts.
    let later = now + Duration::from_secs(1);
    let runtime = with_blocking(with_timer(runtime, Stopped(later)), BlockingPool::new());
    assert_eq!(runtime.now(), later);
    let name = runtime.spawn_blocking(|| std::thread::current().name().map(str::to_owned));
    assert_eq!(block_on(name).unwrap().as_deref(), Some("blocking-1"));
}
