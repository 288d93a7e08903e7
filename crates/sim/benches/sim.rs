//! The simulation beside tokio's paused clock: polls, sleeps, spawns and joins, and what a step costs
//! beside tasks that wait.
//!
//! ```text
//! cargo bench -p async-runtime-compat-sim --bench sim
//! cargo bench -p async-runtime-compat-sim --bench sim -- polls
//! ```
//!
//! The simulation has its random strategy and the hash of its trace; tokio has one schedule. Both run
//! on one thread, and no time passes. `crates/bench` compares with other simulations, by ratios.

#![expect(clippy::disallowed_methods, reason = "tokio is spawned on as it is, to compare with")]

use std::future::pending;
use std::hint::black_box;
use std::time::{Duration, Instant};

use async_runtime_compat::prelude::*;
use async_runtime_compat::yield_now;
use async_runtime_compat_sim::{Sim, SimRuntime};
use criterion::{BenchmarkId, Criterion, Throughput};
use tokio::runtime::{Builder, Runtime as Tokio};

const TASKS: u64 = 100;
const POLLS: u64 = 100;
const SLEEPS: u64 = 10;
const SPAWNS: u64 = 1000;

/// How many tasks wait beside the ones that are measured.
const IDLE: [u64; 4] = [0, 1_000, 100_000, 1_000_000];

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    throughput(&mut criterion);
    million(&mut criterion);
    idle(&mut criterion);
    criterion.final_summary();
}

fn throughput(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("polls");
    group.throughput(Throughput::Elements(TASKS * POLLS));
    group.bench_function("simulation", |bencher| bencher.iter(|| simulated(polls)));
    group.bench_function("tokio", |bencher| bencher.iter(|| paused(tokio_polls())));
    group.finish();
    let mut group = criterion.benchmark_group("sleeps");
    group.throughput(Throughput::Elements(TASKS * SLEEPS));
    group.bench_function("simulation", |bencher| bencher.iter(|| simulated(sleeps)));
    group.bench_function("tokio", |bencher| bencher.iter(|| paused(tokio_sleeps())));
    group.finish();
    let mut group = criterion.benchmark_group("spawns and joins");
    group.throughput(Throughput::Elements(SPAWNS));
    group.bench_function("simulation", |bencher| bencher.iter(|| simulated(spawns)));
    group.bench_function("tokio", |bencher| bencher.iter(|| paused(tokio_spawns())));
    group.finish();
}

/// A million tasks that sleep once each, for as many different times as there are milliseconds in a
/// quarter of an hour.
fn million(criterion: &mut Criterion) {
    const MILLION: u64 = 1_000_000;
    let mut group = criterion.benchmark_group("a million timers");
    // A run takes seconds.
    group.sample_size(10).warm_up_time(Duration::from_millis(1));
    group.throughput(Throughput::Elements(MILLION));
    group.bench_function("simulation", |bencher| {
        bencher.iter(|| {
            simulated(async |rt: SimRuntime| {
                for number in 0..MILLION {
                    rt.spawn_detached(rt.sleep(Duration::from_millis(spread(number))));
                }
            });
        });
    });
    group.bench_function("tokio", |bencher| {
        bencher.iter(|| {
            paused(async {
                let sleeping = (0..MILLION).map(|number| {
                    tokio::spawn(tokio::time::sleep(Duration::from_millis(spread(number))))
                });
                for task in sleeping.collect::<Vec<_>>() {
                    task.await.expect("it ends");
                }
            });
        });
    });
    group.finish();
}

fn spread(number: u64) -> u64 {
    1 + number.wrapping_mul(0x9E37_79B9_7F4A_7C15) % 900_000
}

/// Spawns a task that waits.
type Spawn = fn(&SimRuntime);

/// A step of one task beside others: flat if they wait for nothing, and if they have timers it grows as
/// their logarithm.
fn idle(criterion: &mut Criterion) {
    let beside: [(&str, Spawn); 2] = [
        ("a step beside idle tasks", |rt| rt.spawn_detached(pending())),
        ("a step beside timers", |rt| {
            rt.spawn_detached(rt.sleep(Duration::from_secs(1_000_000_000)));
        }),
    ];
    for (name, spawn) in beside {
        let mut group = criterion.benchmark_group(name);
        // Each sample makes the tasks anew.
        group.sample_size(10).warm_up_time(Duration::from_millis(1));
        for tasks in IDLE {
            group.bench_function(BenchmarkId::from_parameter(tasks), |bencher| {
                bencher.iter_custom(|steps| steps_beside(tasks, spawn, steps));
            });
        }
        group.finish();
    }
}

/// How long so many steps take, without making the tasks beside them. Every second step is a sleep's.
fn steps_beside(tasks: u64, spawn: Spawn, steps: u64) -> Duration {
    let run = Sim::new(1).max_steps(u64::MAX).allow_leaks(true).run(|rt| async move {
        for _ in 0..tasks {
            spawn(&rt);
        }
        // All of them have been polled, and are waiting.
        rt.sleep(Duration::from_millis(1)).await;
        let start = Instant::now();
        for _ in 0..steps.div_ceil(2) {
            rt.sleep(Duration::from_micros(1)).await;
            yield_now().await;
        }
        start.elapsed()
    });
    run.expect("nothing goes wrong in it").value
}

fn simulated<F: Future<Output = ()>>(program: impl FnOnce(SimRuntime) -> F) {
    black_box(Sim::new(1).run(program).expect("nothing goes wrong in it").trace_hash);
}

fn paused(program: impl Future<Output = ()>) {
    let mut builder = Builder::new_current_thread();
    let runtime: Tokio = builder.enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(program);
}

async fn some_polls() {
    for _ in 0..POLLS {
        yield_now().await;
    }
}

async fn polls(rt: SimRuntime) {
    let tasks: Vec<_> = (0..TASKS).map(|_| rt.spawn_with_handle(some_polls())).collect();
    for task in tasks {
        task.await.expect("it ends");
    }
}

async fn tokio_polls() {
    let tasks: Vec<_> = (0..TASKS).map(|_| tokio::spawn(some_polls())).collect();
    for task in tasks {
        task.await.expect("it ends");
    }
}

/// How long a task sleeps for the time of that number.
fn nap(task: u64, number: u64) -> Duration {
    Duration::from_millis(1 + (task * 7919 + number * 104_729) % 10_000)
}

async fn sleeps(rt: SimRuntime) {
    let task = |number| {
        let rt = rt.clone();
        async move {
            for time in 0..SLEEPS {
                rt.sleep(nap(number, time)).await;
            }
        }
    };
    let tasks: Vec<_> = (0..TASKS).map(|number| rt.spawn_with_handle(task(number))).collect();
    for task in tasks {
        task.await.expect("it ends");
    }
}

async fn tokio_sleeps() {
    let task = |number| async move {
        for time in 0..SLEEPS {
            tokio::time::sleep(nap(number, time)).await;
        }
    };
    let tasks: Vec<_> = (0..TASKS).map(|number| tokio::spawn(task(number))).collect();
    for task in tasks {
        task.await.expect("it ends");
    }
}

async fn spawns(rt: SimRuntime) {
    let tasks: Vec<_> =
        (0..SPAWNS).map(|number| rt.spawn_with_handle(async move { number })).collect();
    for task in tasks {
        black_box(task.await.expect("it ends"));
    }
}

async fn tokio_spawns() {
    let tasks: Vec<_> = (0..SPAWNS).map(|number| tokio::spawn(async move { number })).collect();
    for task in tasks {
        black_box(task.await.expect("it ends"));
    }
}
