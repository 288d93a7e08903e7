//! Pointers to spawners, timers and pools are spawners, timers and pools: every call reaches what
//! they point to.
//!
//! That a built-in backend behind a pointer is still reached without a box is seen in its
//! allocations: `crates/bench/tests/forwarding.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::{BoxJob, FnSpawner, SpawnMeta};
use futures_lite::future::block_on;
use test_support::thread_timer::ThreadTimer;

/// Spawns, times and blocks, and counts the calls.
#[derive(Default)]
struct Counting {
    spawns: AtomicUsize,
    sleeps: AtomicUsize,
    jobs: AtomicUsize,
    /// Of spawns and jobs: those whose name came along.
    named: AtomicUsize,
    timer: ThreadTimer,
}

impl Counting {
    /// What was counted since the last call.
    fn take(&self) -> [usize; 4] {
        [&self.spawns, &self.sleeps, &self.jobs, &self.named].map(|it| it.swap(0, Ordering::SeqCst))
    }
}

impl Counting {
    fn note(&self, meta: SpawnMeta<'_>) {
        if meta.name() == Some("named") && meta.location().file() == file!() {
            self.named.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Spawner for Counting {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.spawns.fetch_add(1, Ordering::SeqCst);
        std::thread::spawn(|| block_on(future));
    }

    fn spawn_with(&self, meta: SpawnMeta<'_>, future: BoxFuture<'static, ()>) {
        self.note(meta);
        self.spawn(future);
    }
}

impl Timer for Counting {
    fn now(&self) -> std::time::Instant {
        self.timer.now()
    }

    fn system_time(&self) -> std::time::SystemTime {
        self.timer.system_time()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        self.sleeps.fetch_add(1, Ordering::SeqCst);
        self.timer.sleep(duration)
    }
}

impl Blocking for Counting {
    fn execute(&self, job: BoxJob) {
        self.jobs.fetch_add(1, Ordering::SeqCst);
        std::thread::spawn(job);
    }

    fn execute_with(&self, meta: SpawnMeta<'_>, job: BoxJob) {
        self.note(meta);
        self.execute(job);
    }
}

/// Uses each of the typed methods once.
fn use_all(runtime: &(impl Runtime + ?Sized)) {
    assert_eq!(block_on(runtime.spawn_with_handle(async { 7 })).unwrap(), 7);
    block_on(runtime.spawn_named("named", async {})).unwrap();
    let (done, wait) = async_channel::bounded(1);
    runtime.spawn_detached(async move { done.send(()).await.unwrap() });
    wait.recv_blocking().unwrap();

    let start = runtime.now();
    block_on(runtime.sleep(Duration::from_millis(1)));
    block_on(runtime.sleep_until(start + Duration::from_millis(2)));
    assert!(runtime.now() >= start + Duration::from_millis(2));
    assert!(runtime.system_time() > std::time::SystemTime::UNIX_EPOCH);

    assert_eq!(block_on(runtime.spawn_blocking(|| 7)).unwrap(), 7);
    block_on(runtime.spawn_blocking_named("named", || ())).unwrap();
}

#[test]
fn every_call_reaches_what_a_pointer_points_to() {
    let mut counting = Counting::default();
    let all = [3, 2, 2, 2];
    use_all(&counting);
    assert_eq!(counting.take(), all);
    use_all(&&counting);
    assert_eq!(counting.take(), all);
    use_all(&&mut counting);
    assert_eq!(counting.take(), all);
    use_all(&counting as &dyn Runtime);
    assert_eq!(counting.take(), all);

    let counting = Arc::new(counting);
    let (count, runtime) = (counting.clone(), counting as Arc<dyn Runtime>);
    use_all(&runtime);
    assert_eq!(count.take(), all);
    let nested: Box<dyn Runtime> = Box::new(Arc::new(Box::new(runtime)));
    use_all(&nested);
    assert_eq!(count.take(), all);
}

#[test]
fn closure_is_called_for_every_spawn() {
    let spawns = Arc::new(AtomicUsize::new(0));
    let count = spawns.clone();
    let threads = FnSpawner::new(move |task| {
        count.fetch_add(1, Ordering::SeqCst);
        std::thread::spawn(|| block_on(task));
    });
    let shared: Arc<dyn Spawner> = Arc::new(threads.clone());
    assert_eq!(block_on(threads.spawn_with_handle(async { 7 })).unwrap(), 7);
    assert_eq!(block_on(shared.spawn_named("named", async { 7 })).unwrap(), 7);
    assert_eq!(spawns.load(Ordering::SeqCst), 2);
}
