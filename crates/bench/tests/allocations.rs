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
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};

// It counts for all threads, because tasks are allocated and freed on different ones.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const ROUNDS: usize = 31;
const TASKS: usize = 10;
const SPAWNED: usize = ROUNDS * TASKS;

/// What one task allocates.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cost {
    allocations: usize,
    bytes: usize,
}

impl Cost {
    /// Leaves out the queues of the executors. They are lists of blocks of 31 tasks, and how many
    /// of them are needed depends on how often a joiner happens to be woken, and queued.
    fn each(spawned: usize, all: Stats) -> Cost {
        const BLOCK: usize = size_of::<[usize; 1 + 31 * 2]>();
        let blocks = all.allocations % spawned;
        let bytes = all.bytes_allocated.saturating_sub(blocks * BLOCK);
        Cost { allocations: all.allocations / spawned, bytes: bytes / spawned }
    }
}

/// What a task may have in addition where this crate wraps the future, to contain panics in
/// destructors: async-task aborts the process for those.
const WRAPPED: usize = size_of::<usize>();
/// tokio contains them by itself.
const UNWRAPPED: usize = 0;

/// The handle of async-std has three words, and stands in a box with the waker that was registered last, so that
/// handles are small on every other backend.
const ASYNC_STD_HANDLE: usize = 7 * size_of::<usize>();

// All in one test: another one at the same time would be counted, too.
#[test]
fn tasks_are_allocated_as_the_runtime_allocates_them() {
    // async-std would have a thread for each core, and which of them does what is left to chance.
    let config = GlobalExecutorConfig::default().with_min_threads(1).with_max_threads(1);
    async_global_executor::init_with_config(config);

    let mut wrong = Vec::new();
    check("tokio, current thread", &Tokio::current_thread(), UNWRAPPED, 0, &mut wrong);
    check("tokio, 1 worker", &Tokio::multi_thread(1), UNWRAPPED, 0, &mut wrong);
    check("smol", &Smol, WRAPPED, 0, &mut wrong);
    check("async-std", &AsyncStd, WRAPPED, ASYNC_STD_HANDLE, &mut wrong);
    check("async-executor", &AsyncExecutor::default(), WRAPPED, 0, &mut wrong);
    assert!(wrong.is_empty(), "for each task:\n{}", wrong.join("\n"));
}

fn check<B: Backend>(name: &str, backend: &B, more: usize, handle: usize, wrong: &mut Vec<String>) {
    let mut check = |what: &str, costs: Costs| {
        wrong.extend(
            costs.wrong(more, handle).into_iter().map(|it| format!("{name}, {what}: {it}")),
        );
    };
    check("async block", Costs::of(backend, || async { black_box(1) }));
    let destructor = || {
        let text = black_box(String::new());
        async move { text.len() }
    };
    check("async block with a destructor", Costs::of(backend, destructor));
    check("16 B", Costs::of(backend, || Plain([1_u8; 16])));
    check("1 KiB", Costs::of(backend, || Plain([1_u8; 1024])));
    check("destructor", Costs::of(backend, || Plain(Noticed(1))));
}

/// What spawning the same futures costs, in each way.
struct Costs {
    native: Cost,
    typed: Cost,
    opaque: Cost,
    native_detached: Cost,
    typed_detached: Cost,
}

impl Costs {
    fn of<B, F>(backend: &B, future: impl Fn() -> F + Clone + Send + 'static) -> Costs
    where
        B: Backend,
        F: Future<Output: Send> + Send + 'static,
    {
        let typed = Typed::<()>::new(backend.spawner());
        Costs {
            native: of_joined(backend, &backend.native(), &future),
            typed: of_joined(backend, &typed, &future),
            opaque: of_joined(backend, &Typed::<()>::new(backend.opaque()), &future),
            native_detached: of_detached(backend, &backend.native(), &future),
            typed_detached: of_detached(backend, &typed, &future),
        }
    }

    /// What is not as it should be; `more` is how many bytes more a task may have, and `handle` the size of a handle's
    /// box, if it has one.
    fn wrong(&self, more: usize, handle: usize) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut check = |what: &str, is: usize, least: usize, most: usize| {
            if !(least..=most).contains(&is) {
                wrong.push(format!("{is} {what}, not {least} to {most}"));
            }
        };
        let Cost { mut allocations, mut bytes } = self.native;
        allocations += usize::from(handle > 0);
        bytes += handle;
        check("allocations when typed", self.typed.allocations, allocations, allocations);
        check("bytes when typed", self.typed.bytes, bytes, bytes + more);
        let opaque = self.opaque.allocations;
        check("allocations on a caller's spawner", opaque, allocations, allocations + 2);
        let allocations = self.native_detached.allocations;
        check("allocations detached", self.typed_detached.allocations, allocations, allocations);
        wrong
    }
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
            Cost::each(SPAWNED, region.change())
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
        let (way, last, future) = (way.clone(), backend.native(), future.clone());
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
                B::Native::output(last.spawn(async {}).await);
            }
            Cost::each(SPAWNED + ROUNDS, region.change())
        })
    })
}

/// What it costs five times in succession.
///
/// It is more while the runtime's threads start, and its lists grow to the size that they need.
fn repeated(cost: impl Fn() -> Cost) -> Cost {
    let (mut last, mut same) = (cost(), 1);
    for _ in 0..500 {
        let this = cost();
        same = if this == last { same + 1 } else { 1 };
        last = this;
        if same == 5 {
            return this;
        }
    }
    panic!("the same work allocates differently each time, at last {last:?}");
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
