//! What a hook on the typed path allocates: for itself, and not for the task's future.

use std::alloc::System;
use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ::async_executor::Executor;
use async_runtime_compat::async_executor::ExecutorSpawner;
use async_runtime_compat::async_std::AsyncStdSpawner;
use async_runtime_compat::hook::{Hooked, SpawnHook, Spawning, TaskHook};
use async_runtime_compat::prelude::*;
use async_runtime_compat::smol::SmolSpawner;
use async_runtime_compat::tokio::TokioSpawner;
use futures_lite::future::block_on;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

// It counts for all threads, because tasks are allocated and freed on different ones.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const TASKS: usize = 310;

/// What one task allocates.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cost {
    allocations: usize,
    bytes: usize,
}

/// A future of this many bytes.
struct Sized<const BYTES: usize>([u8; BYTES]);

impl<const BYTES: usize> Future for Sized<BYTES> {
    type Output = u8;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u8> {
        Poll::Ready(black_box(self.0[BYTES / 2]))
    }
}

/// The least of several runs: whatever else allocates, it does not do so in each of them.
fn cost<const BYTES: usize>(spawner: &dyn Spawner) -> Cost {
    let run = || {
        let mut tasks = Vec::with_capacity(TASKS);
        let region = Region::new(ALLOCATOR);
        for _ in 0..TASKS {
            tasks.push(spawner.spawn_with_handle(Sized([7; BYTES])));
            // One at a time, so that no queue grows.
            block_on(tasks.pop().expect("it was pushed")).expect("it completes");
        }
        let all = region.change();
        Cost { allocations: all.allocations / TASKS, bytes: all.bytes_allocated / TASKS }
    };
    run();
    (0..9).map(|_| run()).min_by_key(|cost| (cost.allocations, cost.bytes)).expect("nine runs")
}

/// Leaves tasks as they are.
struct Nothing;

impl SpawnHook for Nothing {
    fn spawn(&self, _: &mut Spawning<'_>) {}
}

struct Shared;

impl TaskHook for Shared {}

/// Adds the same hook to each task.
struct Adds {
    hook: Arc<dyn TaskHook>,
    scope_alone: bool,
}

impl SpawnHook for Adds {
    fn spawn(&self, spawning: &mut Spawning<'_>) {
        if self.scope_alone {
            spawning.add_scope(self.hook.clone());
        } else {
            spawning.add(self.hook.clone());
        }
    }
}

/// How much the hooks may add to a task in place: the wrapper that all of them share.
const WRAPPER: usize = 128;

fn check<S: Spawner + Clone + 'static>(name: &str, spawner: S) {
    let plain = (cost::<16>(&spawner), cost::<1024>(&spawner));
    let hooked = |hook: Box<dyn Fn() -> Box<dyn Spawner>>| {
        let spawner = hook();
        (cost::<16>(&*spawner), cost::<1024>(&*spawner))
    };
    let adds = |scope_alone| -> Box<dyn Fn() -> Box<dyn Spawner>> {
        let spawner = spawner.clone();
        Box::new(move || {
            let adds = Adds { hook: Arc::new(Shared), scope_alone };
            Box::new(Hooked::new(spawner.clone(), adds))
        })
    };
    let same = spawner.clone();
    let nothing = hooked(Box::new(move || Box::new(Hooked::new(same.clone(), Nothing))));
    let (scope, all) = (hooked(adds(true)), hooked(adds(false)));

    let compare = |what: &str, hooked: (Cost, Cost), more: usize| {
        for (plain, hooked) in [(plain.0, hooked.0), (plain.1, hooked.1)] {
            let allocations = plain.allocations + more;
            assert_eq!(hooked.allocations, allocations, "{name}, {what}: {plain:?}, {hooked:?}");
            let most = plain.bytes + WRAPPER + 64 * more;
            assert!(hooked.bytes <= most, "{name}, {what}: {plain:?}, {hooked:?}");
        }
    };
    compare("a hook that adds nothing", nothing, 0);
    compare("a scope", scope, 0);
    compare("a hook that is told of the end", all, 3);
}

// All in one test: another one at the same time would be counted, too.
#[test]
fn hooks_box_no_future() {
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    check("tokio", TokioSpawner::new(tokio.handle().clone()));
    check("smol", SmolSpawner);
    check("async-std", AsyncStdSpawner);
    let executor = Arc::new(Executor::new());
    let spawner = ExecutorSpawner::new(executor.clone());
    let (stop, stopped) = async_channel::bounded::<()>(1);
    let driver = std::thread::spawn(move || block_on(executor.run(stopped.recv())));
    check("async-executor", spawner);
    drop(stop);
    driver.join().unwrap().expect_err("the channel was closed");
}
