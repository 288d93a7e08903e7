//! Behind pointers and in compositions a backend is still reached without a box: spawning there
//! allocates as often as on the backend itself, and less often than on a spawner that is unknown.

use std::alloc::System;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::tokio::TokioSpawner;
use async_runtime_compat::{BoxJob, with_blocking, with_timer};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

// It counts for all threads, so there is one test in this file.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const EACH: usize = 100;

/// A user's own runtime, which the crate does not know to be tokio.
struct Opaque(TokioSpawner);

impl Spawner for Opaque {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.0.spawn(future);
    }
}

impl Timer for Opaque {
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

impl Blocking for Opaque {
    fn execute(&self, job: BoxJob) {
        self.0.execute(job);
    }
}

/// How often spawning, a time limit and blocking work allocate.
///
/// The least of several measurements: the runtime's lists grow, and its threads start, in the first.
fn allocations(tokio: &tokio::runtime::Runtime, runtime: &(impl Runtime + ?Sized)) -> [usize; 3] {
    let least = |mut once: Box<dyn FnMut() + '_>| {
        let measure = |_| {
            let region = Region::new(ALLOCATOR);
            (0..EACH).for_each(|_| once());
            region.change().allocations / EACH
        };
        (0..50).map(measure).min().unwrap()
    };
    [
        least(Box::new(|| {
            let task = runtime.spawn_with_handle(async { black_box(1) });
            tokio.block_on(task).unwrap();
        })),
        least(Box::new(|| {
            let limited =
                runtime.timeout(Duration::from_secs(3600), async_runtime_compat::yield_now());
            tokio.block_on(limited).unwrap();
        })),
        least(Box::new(|| {
            tokio.block_on(runtime.spawn_blocking(|| black_box(1))).unwrap();
        })),
    ]
}

#[test]
fn backend_behind_a_pointer_or_in_a_composition_is_reached_without_a_box() {
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let mut backend = TokioSpawner::new(tokio.handle().clone());
    let direct = allocations(&tokio, &backend);
    let opaque = allocations(&tokio, &Opaque(backend.clone()));
    assert!(direct[0] < opaque[0], "{direct:?} and {opaque:?}: the box of a spawn is not seen");
    assert!(direct[2] < opaque[2], "{direct:?} and {opaque:?}: the box of a job is not seen");

    assert_eq!(allocations(&tokio, &&backend), direct, "&S");
    assert_eq!(allocations(&tokio, &&mut backend), direct, "&mut S");
    assert_eq!(allocations(&tokio, &backend as &dyn Runtime), direct, "&dyn Runtime");
    let shared: Arc<dyn Runtime> = Arc::new(backend.clone());
    assert_eq!(allocations(&tokio, &shared), direct, "Arc<dyn Runtime>");
    let nested: Box<dyn Runtime> = Box::new(Arc::new(Box::new(shared.clone())));
    assert_eq!(allocations(&tokio, &nested), direct, "nested");

    let put_together = with_timer(with_blocking(backend.clone(), backend.clone()), backend);
    assert_eq!(allocations(&tokio, &put_together), direct, "put together");
}
