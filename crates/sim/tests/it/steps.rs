//! Steps that take time, and points.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::yield_now;
use async_runtime_compat_sim::{Check, FailureKind, Sim, SimRuntime, Strategy, point};
use futures_lite::future::block_on;

const NANO: Duration = Duration::from_nanos(1);
const MICRO: Duration = Duration::from_micros(1);

/// Whether the timeout elapsed before so many yields were done.
async fn overrun(rt: SimRuntime, yields: u32, within: Duration) -> bool {
    let busy = rt.spawn_with_handle(async move {
        for _ in 0..yields {
            yield_now().await;
        }
    });
    rt.timeout(within, busy).await.is_err()
}

#[test]
fn a_timeout_races_ready_work() {
    let late = |cost: Option<Duration>| {
        let run = |seed: &u64| {
            let sim = Sim::new(*seed).allow_leaks(true);
            let sim = cost.map_or(sim.clone(), |most| sim.step_cost(Duration::ZERO..=most));
            sim.run(|rt| overrun(rt, 200, 200 * MICRO)).unwrap().value
        };
        (0..300).filter(run).count()
    };
    assert_eq!(late(None), 0);
    let some = late(Some(2 * MICRO));
    assert!((30..270).contains(&some), "{some} of 300 runs were late");
}

#[test]
fn the_clock_advances_by_the_cost_of_each_step() {
    let run = Sim::new(1).step_cost(3 * MICRO..=3 * MICRO).run(|rt| async move {
        let start = rt.now();
        for n in 0..10 {
            assert_eq!(rt.now() - start, n * 3 * MICRO);
            yield_now().await;
        }
        // A sleep that ends between two steps.
        rt.sleep(MICRO).await;
        assert_eq!(rt.now() - start, 33 * MICRO);
    });
    let run = run.unwrap();
    assert_eq!((run.steps, run.elapsed), (12, 36 * MICRO));
}

#[test]
fn costs_are_between_the_bounds_and_the_same_in_each_schedule() {
    let (least, most) = (MICRO, 5 * MICRO);
    // The costs of a task's steps, whatever other tasks do.
    let costs = |seed, strategy, noise: u32| {
        let sim = Sim::new(seed).strategy(strategy).step_cost(least..=most);
        let run = sim.run(|rt| async move {
            let timer = rt.clone();
            let measured = rt.spawn_with_handle(async move {
                let mut costs = Vec::new();
                for _ in 0..20 {
                    let before = timer.now();
                    yield_now().await;
                    costs.push(timer.now() - before);
                }
                costs
            });
            for _ in 0..noise {
                yield_now().await;
            }
            measured.await.unwrap()
        });
        run.unwrap().value
    };
    let quiet = costs(1, Strategy::Random, 0);
    assert!(quiet.iter().all(|cost| (least..=most).contains(cost)), "{quiet:?}");
    assert!(quiet.iter().any(|cost| *cost != quiet[0]), "{quiet:?}");
    assert_eq!(quiet, costs(1, Strategy::RoundRobin, 0));
    assert_ne!(quiet, costs(2, Strategy::Random, 0));
    // What others do between two steps of the task adds to its own.
    let noisy = costs(1, Strategy::RoundRobin, 20);
    assert!(noisy.iter().zip(&quiet).all(|(noisy, quiet)| noisy >= quiet), "{noisy:?} {quiet:?}");
}

#[test]
fn a_check_finds_a_race_with_a_timeout_and_replays_it() {
    let program =
        |rt: SimRuntime| async move { assert!(!overrun(rt, 20, 20 * MICRO).await, "late") };
    let check = || Check::new().runs(200).allow_leaks(true);
    check().run(program);
    let costly = || check().step_cost(NANO..=2 * MICRO);
    let found = costly().try_run(program).unwrap_err();
    assert_eq!(found.failure().kind(), FailureKind::Panic, "{found}");
    let replay = Strategy::Replay(found.failure().tape().clone());
    let again = costly().seed(found.failure().seed()).strategies([replay]).try_run(program);
    let again = again.unwrap_err();
    assert_eq!(again.failure().message(), found.failure().message());
    assert_eq!(again.failure().elapsed(), found.failure().elapsed());
}

#[test]
fn time_that_steps_take_counts_towards_the_limit() {
    let sim = Sim::new(1).max_time(MICRO).step_cost(400 * NANO..=400 * NANO);
    let failure = sim.run(|_| async {
        for _ in 0..100 {
            yield_now().await;
        }
    });
    let failure = failure.unwrap_err();
    assert_eq!(failure.kind(), FailureKind::TimeLimit, "{failure}");
    assert_eq!((failure.steps(), failure.elapsed()), (3, 800 * NANO));
}

#[test]
#[should_panic(expected = "it ends before it begins")]
fn an_empty_range_is_refused() {
    // By hand: a literal one is an error of the compiler's.
    let _ = Sim::new(1).step_cost(std::ops::RangeInclusive::new(MICRO, NANO));
}

#[test]
fn a_point_lets_others_run_in_a_simulation_alone() {
    // Two tasks that add in two halves.
    let program = |rt: SimRuntime| async move {
        let sum = Arc::new(AtomicU64::new(0));
        let add = || {
            let sum = sum.clone();
            rt.spawn_with_handle(async move {
                let before = sum.load(SeqCst);
                point().await;
                sum.store(before + 1, SeqCst);
            })
        };
        for task in [add(), add()] {
            task.await.unwrap();
        }
        sum.load(SeqCst)
    };
    let lost = (0..200).filter(|seed| Sim::new(*seed).run(program).unwrap().value == 1).count();
    assert!((50..199).contains(&lost), "{lost}");
    // In production it is ready at once: a poll suffices.
    let polled = block_on(async { futures_lite::future::poll_once(point()).await });
    assert_eq!(polled, Some(()));
}
