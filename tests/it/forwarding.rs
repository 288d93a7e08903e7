//! Pointers to spawners and timers are spawners and timers, and lose nothing of what they point to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use async_runtime_compat::prelude::*;
use async_runtime_compat::{FnSpawner, Native};
use futures_lite::future::block_on;

/// Forwards as the crate's own pointers do, and counts the boxed spawns.
struct Counting<S> {
    inner: S,
    boxed: Arc<AtomicUsize>,
}

impl<S: Spawner> Spawner for Counting<S> {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.boxed.fetch_add(1, Ordering::SeqCst);
        self.inner.spawn(future);
    }

    fn native(&self) -> Native<'_> {
        self.inner.native()
    }
}

/// Spawns through each pointer and returns how often that took the boxed path.
fn boxed_spawns(spawner: impl Spawner + Clone + 'static) -> usize {
    let boxed = Arc::new(AtomicUsize::new(0));
    let mut counting = Counting { inner: spawner, boxed: boxed.clone() };
    let spawn = |spawner: &dyn Spawner| {
        assert_eq!(block_on(spawner.spawn_with_handle(async { 7 })).unwrap(), 7);
        block_on(spawner.spawn_named("named", async {})).unwrap();
    };
    spawn(&counting);
    spawn(&&counting);
    spawn(&&mut counting);
    let shared: Arc<dyn Spawner> = Arc::new(counting);
    spawn(&shared);
    spawn(&*shared);
    let nested: Box<dyn Spawner> = Box::new(Arc::new(Box::new(shared)));
    spawn(&nested);
    spawn(&*nested);
    boxed.load(Ordering::SeqCst)
}

/// A timer that is known to be a backend's, and counts how often it makes a sleep itself.
struct CountingTimer<T> {
    inner: T,
    sleeps: Arc<AtomicUsize>,
}

impl<T: Timer> Timer for CountingTimer<T> {
    fn now(&self) -> Instant {
        self.inner.now()
    }

    fn system_time(&self) -> SystemTime {
        self.inner.system_time()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        self.sleeps.fetch_add(1, Ordering::SeqCst);
        self.inner.sleep(duration)
    }

    fn native_timer(&self) -> Native<'_> {
        self.inner.native_timer()
    }
}

/// Waits through each pointer, and returns how often that did not reach the backend directly.
fn indirect_sleeps(timer: impl Timer + 'static) -> usize {
    let sleeps = Arc::new(AtomicUsize::new(0));
    let mut counting = CountingTimer { inner: timer, sleeps: sleeps.clone() };
    let wait = |timer: &dyn Timer| {
        let deadline = timer.now() + Duration::from_millis(1);
        block_on(timer.sleep_until(deadline));
        assert!(timer.now() >= deadline);
        assert!(timer.system_time() > SystemTime::UNIX_EPOCH);
    };
    wait(&counting);
    wait(&&counting);
    wait(&&mut counting);
    let shared: Arc<dyn Timer> = Arc::new(counting);
    wait(&shared);
    wait(&*shared);
    let nested: Box<dyn Timer> = Box::new(Arc::new(Box::new(shared)));
    wait(&nested);
    wait(&*nested);
    block_on(nested.sleep(Duration::ZERO));
    sleeps.load(Ordering::SeqCst) - 1
}

#[test]
fn unknown_timer_makes_each_sleep() {
    assert_eq!(indirect_sleeps(test_support::thread_timer::ThreadTimer::new()), 7);
}

#[test]
fn unknown_spawner_takes_the_boxed_path() {
    let threads = FnSpawner::new(|task| {
        std::thread::spawn(|| block_on(task));
    });
    assert_eq!(boxed_spawns(threads), 2 * 7);
}

#[cfg(feature = "tokio")]
#[test]
fn tokio_is_reached_without_a_box() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let spawner = async_runtime_compat::tokio::TokioSpawner::from(runtime.handle().clone());
    assert_eq!(indirect_sleeps(spawner.clone()), 0);
    assert_eq!(boxed_spawns(spawner), 0);
}

#[cfg(feature = "smol")]
#[test]
fn smol_is_reached_without_a_box() {
    assert_eq!(boxed_spawns(async_runtime_compat::smol::SmolSpawner), 0);
    assert_eq!(indirect_sleeps(async_runtime_compat::smol::SmolSpawner), 0);
}

#[cfg(feature = "async-std")]
#[test]
fn async_std_is_reached_without_a_box() {
    assert_eq!(boxed_spawns(async_runtime_compat::async_std::AsyncStdSpawner), 0);
    assert_eq!(indirect_sleeps(async_runtime_compat::async_std::AsyncStdSpawner), 0);
}

#[cfg(feature = "async-executor")]
#[test]
fn async_executor_is_reached_without_a_box() {
    use async_executor::Executor;
    use async_runtime_compat::async_executor::ExecutorSpawner;

    static EXECUTOR: Executor<'static> = Executor::new();
    std::thread::spawn(|| block_on(EXECUTOR.run(std::future::pending::<()>())));
    assert_eq!(boxed_spawns(ExecutorSpawner::from_static(&EXECUTOR)), 0);
    assert_eq!(indirect_sleeps(ExecutorSpawner::from_static(&EXECUTOR)), 0);
}
