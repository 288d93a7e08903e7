//! How often spawning and joining allocates, and how much.

use std::alloc::System;
use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_global_executor::GlobalExecutorConfig;
use async_runtime_compat_bench::backend::Backend;
use async_runtime_compat_bench::backend::async_executor::AsyncExecutor;
use async_runtime_compat_bench::backend::async_std::AsyncStd;
use async_runtime_compat_bench::backend::smol::Smol;
use async_runtime_compat_bench::backend::tokio::Tokio;
use async_runtime_compat_bench::way::{JoinWay, Typed};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

// It counts for all threads, because tasks are allocated and freed on different ones.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The executors' queues are lists of blocks of 31 tasks. After so many rounds they have allocated
/// the same number of blocks, wherever in a block they began.
const ROUNDS: usize = 31;
const TASKS: usize = 10;
const SPAWNED: usize = ROUNDS * TASKS;

/// What so many tasks allocated together.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cost {
    allocations: usize,
    bytes: usize,
}

/// What wrapping a future adds to it where the wrapper cannot hide its flag in the future.
const FLAG: usize = size_of::<usize>();

// All in one test: another one at the same time would be counted, too.
#[test]
fn tasks_are_allocated_as_the_runtime_allocates_them() {
    // With two threads, chance would decide how often a joiner is woken, and queued.
    let config = GlobalExecutorConfig::default().with_min_threads(1).with_max_threads(1);
    async_global_executor::init_with_config(config);

    let mut over = Vec::new();
    check("tokio, current thread", &Tokio::current_thread(), 0, &mut over);
    check("tokio, 1 worker", &Tokio::multi_thread(1), 0, &mut over);
    check("smol", &Smol, FLAG, &mut over);
    check("async-std", &AsyncStd, FLAG, &mut over);
    check("async-executor", &AsyncExecutor::default(), FLAG, &mut over);
    assert!(over.is_empty(), "{SPAWNED} tasks each time:\n{}", over.join("\n"));
}

/// Adds to `over` what is more than it may be.
fn check<B: Backend>(name: &str, backend: &B, flag: usize, over: &mut Vec<String>) {
    let mut check = |what, costs: [Cost; 5], flag| {
        let [native, typed, opaque, native_detached, typed_detached] = costs;
        let mut at_most = |measure, is: usize, most: usize| {
            if is > most {
                over.push(format!("{name}, {what}: {is} {measure}, not {most}"));
            }
        };
        at_most("allocations when typed", typed.allocations, native.allocations);
        at_most("bytes when typed", typed.bytes, native.bytes + flag * SPAWNED);
        let boxed = native.allocations + 2 * SPAWNED;
        at_most("allocations on a caller's spawner", opaque.allocations, boxed);
        let native = native_detached.allocations;
        at_most("allocations when typed and detached", typed_detached.allocations, native);
    };
    // The compiler's own futures have room for a flag in their state.
    check("async block", costs(backend, || async { black_box(1) }), 0);
    let destructor = || {
        let text = black_box(String::new());
        async move { text.len() }
    };
    check("async block with a destructor", costs(backend, destructor), 0);
    check("16 B", costs(backend, || Plain([1_u8; 16])), flag);
    check("1 KiB", costs(backend, || Plain([1_u8; 1024])), flag);
    check("destructor", costs(backend, || Plain(Noticed(1))), flag);
}

/// Native, typed, opaque; and native, typed when detached.
fn costs<B, F>(backend: &B, future: impl Fn() -> F + Clone + Send + 'static) -> [Cost; 5]
where
    B: Backend,
    F: Future<Output: Send> + Send + 'static,
{
    [
        of_joined(backend, &backend.native(), &future),
        of_joined(backend, &Typed(backend.spawner()), &future),
        of_joined(backend, &Typed(backend.opaque()), &future),
        of_detached(backend, &backend.native(), &future),
        of_detached(backend, &Typed(backend.spawner()), &future),
    ]
}

fn of_joined<B, W, F>(
    backend: &B,
    way: &W,
    future: &(impl Fn() -> F + Clone + Send + 'static),
) -> Cost
where
    B: Backend,
    W: JoinWay,
    F: Future<Output: Send> + Send + 'static,
{
    repeated(|| {
        let (way, future) = (way.clone(), future.clone());
        backend.run(async move {
            let mut handles = Vec::with_capacity(TASKS);
            let region = Region::new(ALLOCATOR);
            for _ in 0..ROUNDS {
                handles.extend((0..TASKS).map(|_| way.spawn(future())));
                for handle in handles.drain(..) {
                    black_box(W::output(handle.await));
                }
            }
            Cost::of(&region)
        })
    })
}

fn of_detached<B, W, F>(
    backend: &B,
    way: &W,
    future: &(impl Fn() -> F + Clone + Send + 'static),
) -> Cost
where
    B: Backend,
    W: JoinWay,
    F: Future<Output: Send> + Send + 'static,
{
    repeated(|| {
        let (way, future) = (way.clone(), future.clone());
        backend.run(async move {
            let region = Region::new(ALLOCATOR);
            for _ in 0..ROUNDS {
                for _ in 0..TASKS {
                    let future = future();
                    way.spawn_detached(async move {
                        black_box(future.await);
                    });
                }
                // The queue is first in, first out: this one runs after all of them.
                W::output(way.spawn(async {}).await);
            }
            Cost::of(&region)
        })
    })
}

impl Cost {
    fn of(region: &Region<'_, System>) -> Cost {
        let change = region.change();
        Cost { allocations: change.allocations, bytes: change.bytes_allocated }
    }
}

/// What it costs each time, once the runtime has grown to the size that it needs.
fn repeated(cost: impl Fn() -> Cost) -> Cost {
    cost();
    cost();
    let first = cost();
    for _ in 0..3 {
        assert_eq!(cost(), first, "the same work allocates the same each time");
    }
    first
}

/// A future without room for a flag.
struct Plain<T>(T);

impl<T: Unpin> Future for Plain<T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        black_box(&self.0);
        Poll::Ready(())
    }
}

struct Noticed(u64);

impl Drop for Noticed {
    fn drop(&mut self) {
        black_box(self.0);
    }
}
