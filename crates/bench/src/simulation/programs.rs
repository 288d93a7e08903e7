//! The same programs for each simulation.

#![expect(clippy::disallowed_methods, reason = "the peers are spawned on and slept on as they are")]

use std::future::pending;
use std::time::{Duration, Instant};

use async_runtime_compat::prelude::*;
use async_runtime_compat::yield_now;
use async_runtime_compat_sim::{Sim, SimRuntime};

use super::{PEERS, WORKS};

const TASKS: u64 = 100;
const POLLS: u64 = 100;
const SLEEPS: u64 = 10;

/// A peer, a work, ours, theirs.
type Pair = (&'static str, &'static str, fn(), fn());

pub(super) const PAIRS: [Pair; 8] = [
    (PEERS[0], WORKS[0], || ours(polls), || paused(tokio_polls())),
    (PEERS[0], WORKS[1], || ours(sleeps), || paused(tokio_sleeps())),
    (PEERS[0], WORKS[2], || ours(spawns), || paused(tokio_spawns())),
    (PEERS[1], WORKS[0], || ours(polls), || turmoil(tokio_polls)),
    (PEERS[1], WORKS[1], || ours(sleeps), || turmoil(tokio_sleeps)),
    (PEERS[1], WORKS[2], || ours(spawns), || turmoil(tokio_spawns)),
    (PEERS[2], WORKS[0], || ours(polls), || shuttle(shuttle_polls)),
    (PEERS[2], WORKS[2], || ours(spawns), || shuttle(shuttle_spawns)),
];

/// With [`Strategy::Random`](async_runtime_compat_sim::Strategy) and the hash of the trace, as
/// every run has them.
fn ours<F: Future<Output = ()>>(program: fn(SimRuntime) -> F) {
    Sim::new(1).run(program).expect("nothing goes wrong in it");
}

async fn polls(rt: SimRuntime) {
    let task = || async {
        for _ in 0..POLLS {
            yield_now().await;
        }
    };
    let tasks: Vec<_> = (0..TASKS).map(|_| rt.spawn_with_handle(task())).collect();
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

async fn spawns(rt: SimRuntime) {
    let tasks: Vec<_> =
        (0..10 * TASKS).map(|number| rt.spawn_with_handle(async move { number })).collect();
    for task in tasks {
        task.await.expect("it ends");
    }
}

fn paused(program: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().expect("a tokio runtime");
    runtime.block_on(program);
}

async fn tokio_polls() {
    let task = || async {
        for _ in 0..POLLS {
            yield_now().await;
        }
    };
    let tasks: Vec<_> = (0..TASKS).map(|_| tokio::spawn(task())).collect();
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

async fn tokio_spawns() {
    let tasks: Vec<_> = (0..10 * TASKS).map(|number| tokio::spawn(async move { number })).collect();
    for task in tasks {
        task.await.expect("it ends");
    }
}

fn turmoil<F: Future<Output = ()> + 'static>(program: fn() -> F) {
    let mut sim = turmoil::Builder::new()
        .simulation_duration(Duration::from_secs(1_000_000))
        .tick_duration(Duration::from_millis(100))
        .build();
    sim.client("client", async move {
        program().await;
        Ok(())
    });
    sim.run().expect("nothing goes wrong in it");
}

fn shuttle(program: fn()) {
    shuttle::check_random(program, 1);
}

fn shuttle_polls() {
    shuttle::future::block_on(async {
        let task = || async {
            for _ in 0..POLLS {
                shuttle::future::yield_now().await;
            }
        };
        let tasks: Vec<_> = (0..TASKS).map(|_| shuttle::future::spawn(task())).collect();
        for task in tasks {
            task.await.expect("it ends");
        }
    });
}

fn shuttle_spawns() {
    shuttle::future::block_on(async {
        let tasks: Vec<_> =
            (0..10 * TASKS).map(|number| shuttle::future::spawn(async move { number })).collect();
        for task in tasks {
            task.await.expect("it ends");
        }
    });
}

/// What many tasks wait for, and how to measure a step beside so many of them.
type Beside = (&'static str, fn(u64) -> Duration);

pub(super) const BESIDE: [Beside; 2] = [
    ("nothing that comes", |tasks| beside(tasks, |rt| rt.spawn_detached(pending()))),
    ("a timer", |tasks| {
        beside(tasks, |rt| {
            let sleep = rt.sleep(Duration::from_secs(3600));
            rt.spawn_detached(sleep);
        })
    }),
];

const STEPS: u32 = 200_000;

fn beside(tasks: u64, spawn: fn(&SimRuntime)) -> Duration {
    let run = Sim::new(1).allow_leaks(true).run(|rt| async move {
        for _ in 0..tasks {
            spawn(&rt);
        }
        // All of them have been polled, and are waiting.
        rt.sleep(Duration::from_millis(1)).await;
        let start = Instant::now();
        let task = |naps: u32| {
            let rt = rt.clone();
            async move {
                for _ in 0..naps {
                    rt.sleep(Duration::from_micros(1)).await;
                    yield_now().await;
                }
            }
        };
        let two = [rt.spawn_with_handle(task(STEPS / 4)), rt.spawn_with_handle(task(STEPS / 4))];
        for task in two {
            task.await.expect("it ends");
        }
        start.elapsed() / STEPS
    });
    run.expect("nothing goes wrong in it").value
}
