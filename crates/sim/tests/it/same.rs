//! The same seed gives the same run.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::yield_now;
use async_runtime_compat_sim::{Failure, FailureKind, Report, Sim, SimRuntime, Strategy};

use super::programs::reorder;

/// A bit of everything.
async fn program(rt: SimRuntime) -> u64 {
    let rt: Arc<SimRuntime> = Arc::new(rt);
    let mut tasks = Vec::new();
    for number in 0..20_u64 {
        let rt2 = rt.clone();
        tasks.push(rt.spawn_named(format!("task {number}"), async move {
            let mut rng = rt2.rng("component");
            let mut sum = 0;
            for _ in 0..rng.below(10) {
                rt2.sleep(Duration::from_millis(rng.below(50))).await;
                yield_now().await;
                sum += rng.below(1000);
            }
            sum + rt2.spawn_blocking(move || number).await.unwrap()
        }));
    }
    let mut sum = 0;
    for task in tasks {
        sum += task.await.unwrap();
    }
    sum
}

fn strategies() -> [Strategy; 5] {
    [
        Strategy::Random,
        Strategy::Pct { depth: 3 },
        Strategy::Urw,
        Strategy::RoundRobin,
        Strategy::Dfs { max_preemptions: 2 },
    ]
}

fn run(seed: u64, strategy: Strategy) -> Report<u64> {
    Sim::new(seed).strategy(strategy).run(program).unwrap()
}

#[test]
fn on_the_same_thread() {
    for strategy in strategies() {
        assert_eq!(run(7, strategy.clone()), run(7, strategy));
    }
}

#[test]
fn on_two_threads_at_once() {
    let expected: Vec<_> = (0..50).map(|seed| run(seed, Strategy::Random)).collect();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for (seed, expected) in (0..).zip(&expected) {
                    assert_eq!(run(seed, Strategy::Random), *expected);
                }
            });
        }
    });
}

const CHILD: &str = "SIMULATION_OF_A_CHILD";

#[test]
fn in_two_processes() {
    let hash = |seed| run(seed, Strategy::Random).trace_hash;
    if std::env::var_os(CHILD).is_some() {
        println!("hashes {:x} {:x}", hash(7), hash(8));
        return;
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "same::in_two_processes", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let output = String::from_utf8(child.stdout).unwrap();
    let expected = format!("hashes {:x} {:x}", hash(7), hash(8));
    assert!(output.contains(&expected), "{expected} is not in {output}");
}

#[test]
fn another_seed_is_another_run() {
    let hashes: std::collections::HashSet<_> =
        (0..100).map(|seed| run(seed, Strategy::Random).trace_hash).collect();
    assert_eq!(hashes.len(), 100);
}

fn failing(strategy: &Strategy) -> (u64, Failure) {
    (0..)
        .find_map(|seed| {
            let run = Sim::new(seed).strategy(strategy.clone()).run(|rt| reorder(rt, 2));
            run.err().map(|failure| (seed, failure))
        })
        .unwrap()
}

#[test]
fn a_tape_replays_what_every_strategy_found() {
    for strategy in strategies() {
        if matches!(strategy, Strategy::Dfs { .. } | Strategy::RoundRobin) {
            continue;
        }
        let (seed, failure) = failing(&strategy);
        // By way of its text, as it would be pasted.
        let tape = failure.tape().to_string().parse().unwrap();
        let replayed = Sim::new(seed).strategy(Strategy::Replay(tape)).run(|rt| reorder(rt, 2));
        let replayed = replayed.unwrap_err();
        assert_eq!(replayed.kind(), failure.kind());
        assert_eq!(replayed.message(), failure.message());
        assert_eq!(replayed.steps(), failure.steps());
        assert_eq!(replayed.tape(), failure.tape());
    }
}

#[test]
fn a_tape_of_another_program_says_where_it_does_not_fit() {
    let (seed, failure) = failing(&Strategy::Random);
    let replay = Strategy::Replay(failure.tape().clone());
    let diverged = Sim::new(seed).strategy(replay).run(|rt| reorder(rt, 1)).unwrap_err();
    assert_eq!(diverged.kind(), FailureKind::Diverged, "{diverged}");
}

#[test]
fn draws_of_one_component_do_not_shift_those_of_another() {
    let drawn = |noise: u64| {
        let run = Sim::new(3).run(|rt| async move {
            let mut other = rt.rng("other");
            for _ in 0..noise {
                other.below(9);
            }
            let mut rng = rt.rng("this");
            (rng.next_u64(), rng.fork("x").next_u64())
        });
        run.unwrap().value
    };
    assert_eq!(drawn(0), drawn(5));
}
