//! How often sleeping and time limits allocate, beside the runtimes' own.

use std::alloc::System;
use std::future::{Future, pending, ready};
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use async_executor::Executor;
use async_runtime_compat::async_executor::ExecutorSpawner;
use async_runtime_compat::async_std::AsyncStdSpawner;
use async_runtime_compat::prelude::*;
use async_runtime_compat::smol::SmolSpawner;
use async_runtime_compat::tokio::TokioSpawner;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::runtime::Builder;

// It counts for all threads: async-io's timers are kept by a thread of their own.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const HOUR: Duration = Duration::from_secs(60 * 60);
const EACH: usize = 500;

/// Polls once, as a task would that goes to sleep and is dropped before it wakes.
fn begin(future: impl Future) {
    let _ = black_box(pin!(future).poll(&mut Context::from_waker(Waker::noop())));
}

/// How often `EACH` times allocate, at the least.
///
/// The first times fill what is kept. async-io's thread allocates for its queue of timers as often
/// as it happens to look at it; the least is what is owed to the caller.
fn least(mut once: impl FnMut()) -> usize {
    let measure = |_| {
        let region = Region::new(ALLOCATOR);
        (0..EACH).for_each(|_| once());
        region.change().allocations
    };
    (0..50).map(measure).min().unwrap()
}

struct Costs {
    native: [usize; 4],
    ours: [usize; 4],
}

/// What is done, and how many sleeps there are in it.
const WHAT: [(&str, usize); 4] = [
    ("a sleep", 1),
    ("ten sleeps at a time", 10),
    ("a time limit", 1),
    ("a time limit without need", 1),
];

fn ten<F: Future>(sleep: impl Fn() -> F) {
    let sleeps = std::array::from_fn::<_, 10, _>(|_| sleep());
    for sleep in sleeps {
        begin(sleep);
    }
}

fn of_ours(timer: &dyn Timer) -> [usize; 4] {
    [
        least(|| begin(timer.sleep(HOUR))),
        least(|| ten(|| timer.sleep(HOUR))),
        least(|| begin(timer.timeout(HOUR, pending::<()>()))),
        least(|| begin(timer.timeout(HOUR, ready(())))),
    ]
}

fn of_tokio(timer: &dyn Timer) -> Costs {
    let native = [
        least(|| begin(tokio::time::sleep(HOUR))),
        least(|| ten(|| tokio::time::sleep(HOUR))),
        least(|| begin(tokio::time::timeout(HOUR, pending::<()>()))),
        least(|| begin(tokio::time::timeout(HOUR, ready(())))),
    ];
    Costs { native, ours: of_ours(timer) }
}

async fn limited<T>(future: impl Future<Output = T>) -> Result<T, ()> {
    let late = async {
        smol::Timer::after(HOUR).await;
        Err(())
    };
    smol::future::or(async { Ok(future.await) }, late).await
}

fn of_async_io(timer: &dyn Timer) -> Costs {
    let native = [
        least(|| begin(smol::Timer::after(HOUR))),
        least(|| ten(|| smol::Timer::after(HOUR))),
        least(|| begin(limited(pending::<()>()))),
        least(|| begin(limited(ready(())))),
    ];
    Costs { native, ours: of_ours(timer) }
}

fn of_async_std(timer: &dyn Timer) -> Costs {
    use async_std::{future, task};

    let native = [
        least(|| begin(task::sleep(HOUR))),
        least(|| ten(|| task::sleep(HOUR))),
        least(|| begin(future::timeout(HOUR, pending::<()>()))),
        least(|| begin(future::timeout(HOUR, ready(())))),
    ];
    Costs { native, ours: of_ours(timer) }
}

// All in one test: another one at the same time would be counted, too.
#[test]
fn sleeping_allocates_as_the_runtime_does() {
    let current_thread = Builder::new_current_thread().enable_time().build().unwrap();
    let multi_thread = Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let executor = ExecutorSpawner::new(Arc::new(Executor::new()));
    let mut wrong = Vec::new();
    for (name, runtime) in [("tokio, current thread", current_thread), ("tokio", multi_thread)] {
        let timer = TokioSpawner::new(runtime.handle().clone());
        check(name, &runtime.block_on(async { of_tokio(&timer) }), 0, &mut wrong);
    }
    check("smol", &of_async_io(&SmolSpawner), CHANCE, &mut wrong);
    check("async-executor", &of_async_io(&executor), CHANCE, &mut wrong);
    check("async-std", &of_async_std(&AsyncStdSpawner), CHANCE, &mut wrong);
    assert!(wrong.is_empty(), "{EACH} times each:\n{}", wrong.join("\n"));
}

/// What async-io's thread does in between is left to chance, and far from one allocation
/// for each sleep.
const CHANCE: usize = EACH / 2;

fn check(name: &str, costs: &Costs, chance: usize, wrong: &mut Vec<String>) {
    for (((what, sleeps), native), ours) in WHAT.iter().zip(costs.native).zip(costs.ours) {
        if ours > native + sleeps * chance {
            wrong.push(format!("{name}, {what}: {ours} allocations, natively {native}"));
        }
    }
}
