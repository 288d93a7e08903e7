//! Operations of tokio's locks and channels that are suspended although they are ready.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::yield_now;
use async_runtime_compat_sim::{Check, FailureKind, Sim, SimRuntime, Strategy, Tape};
use futures_lite::future::block_on;
use tokio::sync::{Mutex, mpsc};
use tokio::task::coop::has_budget_remaining;

type Account = Arc<Mutex<i64>>;
type Map = Arc<std::sync::Mutex<BTreeMap<u32, u32>>>;

/// Two transfers between two accounts.
async fn transfers(rt: SimRuntime, ordered: bool) {
    let (alice, bob) = (Account::default(), Account::default());
    let transfer = |name, from: &Account, to: &Account, amount| {
        let (from, to) = (from.clone(), to.clone());
        rt.spawn_named(name, async move {
            let mut from = from.lock().await;
            let mut to = to.lock().await;
            *from -= amount;
            *to += amount;
        })
    };
    let first = transfer("first", &alice, &bob, 1);
    let second = if ordered {
        transfer("second", &alice, &bob, -1)
    } else {
        transfer("second", &bob, &alice, 1)
    };
    first.await.unwrap();
    second.await.unwrap();
}

/// A commit to two maps and a journal, and a reader that wants to see it in both maps or in none.
async fn commit(rt: SimRuntime, together: bool) {
    let (names, ages) = (Map::default(), Map::default());
    let journal = Arc::new(Mutex::new(Vec::new()));
    let (all_names, all_ages) = (names.clone(), ages.clone());
    let writer = rt.spawn_named("writer", async move {
        for id in 0..5 {
            if together {
                journal.lock().await.push(id);
                all_names.lock().unwrap().insert(id, 1);
            } else {
                all_names.lock().unwrap().insert(id, 1);
                journal.lock().await.push(id);
            }
            all_ages.lock().unwrap().insert(id, 1);
        }
    });
    let reader = rt.spawn_named("reader", async move {
        let (names, ages) = (names.lock().unwrap(), ages.lock().unwrap());
        assert_eq!(names.len(), ages.len(), "a torn commit");
    });
    writer.await.unwrap();
    reader.await.unwrap();
}

/// A commit to two maps with a lock each, and a reader of both.
async fn commit_to_locked(rt: SimRuntime, together: bool) {
    let (names, ages) =
        (Arc::new(Mutex::new(BTreeMap::new())), Arc::new(Mutex::new(BTreeMap::new())));
    let (all_names, all_ages) = (names.clone(), ages.clone());
    let writer = rt.spawn_named("writer", async move {
        for id in 0..3 {
            let mut names = all_names.lock().await;
            names.insert(id, 1);
            let kept = together.then_some(names);
            all_ages.lock().await.insert(id, 1);
            drop(kept);
        }
    });
    let reader = rt.spawn_named("reader", async move {
        let (names, ages) = if together {
            let names = names.lock().await;
            (names.len(), ages.lock().await.len())
        } else {
            let ages = ages.lock().await.len();
            (names.lock().await.len(), ages)
        };
        assert_eq!(names, ages, "a torn commit");
    });
    writer.await.unwrap();
    reader.await.unwrap();
}

fn finds<F: Future<Output = ()>>(kind: FailureKind, program: impl Fn(SimRuntime) -> F + Sync) {
    for seed in 0..20 {
        let check = Check::new().seed(seed * 1_000).runs(99);
        assert!(check.clone().try_run(&program).is_ok(), "found without suspensions");
        let found = check.preempt_ready(0.5).try_run(&program).unwrap_err();
        assert_eq!(found.failure().kind(), kind, "{found}");
        let tape = found.failure().tape().to_string();
        assert!(tape.contains('~'), "{tape}");
    }
}

#[test]
fn a_deadlock_between_locks_that_are_free_is_found() {
    finds(FailureKind::Stall, |rt| transfers(rt, false));
}

#[test]
fn a_torn_commit_is_found() {
    finds(FailureKind::Panic, |rt| commit(rt, false));
    finds(FailureKind::Panic, |rt| commit_to_locked(rt, false));
}

#[test]
fn programs_without_a_bug_pass() {
    for probability in [0.05, 0.5, 1.0] {
        let check = || Check::new().runs(5_000).preempt_ready(probability);
        check().run(|rt| transfers(rt, true));
        check().run(|rt| commit(rt, true));
        check().run(|rt| commit_to_locked(rt, true));
    }
}

#[test]
fn a_program_without_such_operations_runs_as_before() {
    let program = |rt: SimRuntime| async move {
        let (sender, receiver) = async_channel::bounded(1);
        let producer = rt.spawn_with_handle(async move {
            for n in 0..20 {
                sender.send(n).await.unwrap();
                yield_now().await;
            }
        });
        let mut sum = 0;
        while let Ok(n) = receiver.recv().await {
            sum += n;
            rt.sleep(Duration::from_secs(1)).await;
        }
        producer.await.unwrap();
        assert_eq!(sum, 190);
    };
    for seed in 0..50 {
        for strategy in [Strategy::Random, Strategy::Pct { depth: 3 }, Strategy::RoundRobin] {
            let sim = Sim::new(seed).strategy(strategy);
            let with = sim.clone().preempt_ready(1.0).run(program).unwrap();
            assert_eq!(with, sim.run(program).unwrap());
        }
    }
}

/// How many of so many receptions of ready messages were suspended.
fn suspended(seed: u64, probability: f64, messages: u64) -> u64 {
    let run = Sim::new(seed).preempt_ready(probability).run(|_| async move {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        (0..messages).for_each(|n| sender.send(n).unwrap());
        for n in 0..messages {
            assert_eq!(receiver.recv().await, Some(n));
        }
    });
    // The first step is needed in any case.
    run.unwrap().steps - 1
}

#[test]
fn each_operation_is_suspended_with_the_probability() {
    let many = 100_000;
    assert_eq!(suspended(1, 0.0, many), 0);
    // Each, and only once.
    assert_eq!(suspended(1, 1.0, many), many);
    for probability in [0.1, 0.5, 0.9] {
        let expected = probability * many as f64;
        let found = suspended(7, probability, many) as f64;
        let sigma = (many as f64 * probability * (1.0 - probability)).sqrt();
        assert!((found - expected).abs() < 4.5 * sigma, "{found} instead of {expected}");
    }
    // As on tokio itself, a rare suspension does not let a task run for ever.
    assert!(suspended(1, 1e-9, many) >= many / 128);
}

#[test]
fn a_tape_repeats_the_suspensions() {
    let mut failures = 0;
    for seed in 0..200 {
        let sim = Sim::new(seed).preempt_ready(0.3);
        let Err(failure) = sim.clone().run(|rt| commit(rt, false)) else { continue };
        failures += 1;
        let tape: Tape = failure.tape().to_string().parse().unwrap();
        let again = sim.strategy(Strategy::Replay(tape.clone())).run(|rt| commit(rt, false));
        let again = again.unwrap_err();
        assert_eq!(again.message(), failure.message());
        assert_eq!((again.steps(), again.tape()), (failure.steps(), &tape));
        let without = Sim::new(seed).strategy(Strategy::Replay(tape));
        let without = without.run(|rt| commit(rt, false)).unwrap_err();
        assert_eq!(without.kind(), FailureKind::Diverged, "the tape needs the setting: {without}");
    }
    assert!(failures > 10, "{failures}");
}

#[test]
fn a_failure_keeps_only_the_suspensions_that_it_needs() {
    // Many that do not matter, and one that does.
    let program = |rt: SimRuntime| async move {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        (0..300).for_each(|n| sender.send(n).unwrap());
        for _ in 0..300 {
            receiver.recv().await;
        }
        transfers(rt, false).await;
    };
    let found = Check::new().runs(200).preempt_ready(0.2).try_run(program).unwrap_err();
    let tape = found.failure().tape().to_string();
    let (_, suspensions) = tape.split_once('~').unwrap();
    assert_eq!(suspensions.split('.').count(), 1, "{tape}");
    // It comes after the receptions, at a lock.
    assert!(["300", "301"].contains(&suspensions), "{found}");
    assert!(found.timeline().to_string().contains("suspended by `preempt_ready`"), "{found}");
    let replayed = Check::new().preempt_ready(0.2).seed(found.failure().seed());
    let replayed = replayed.strategies([Strategy::Replay(found.failure().tape().clone())]);
    assert_eq!(replayed.try_run(program).unwrap_err().failure().kind(), FailureKind::Stall);
}

#[test]
fn within_a_task_of_tokio_it_is_the_same() {
    let alone = |seed| Sim::new(seed).preempt_ready(0.5).run(|rt| commit(rt, true)).is_ok();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for seed in 0..100 {
            assert!(alone(seed), "a waker was lost");
        }
        // The budget of the task around it is back, and was not touched meanwhile.
        assert!(has_budget_remaining());
        let (sender, mut receiver) = mpsc::unbounded_channel();
        for _ in 0..50 {
            let run = Sim::new(1).run(|_| async {
                let (sender, mut receiver) = mpsc::unbounded_channel();
                (0..10).for_each(|n| sender.send(n).unwrap());
                for _ in 0..10 {
                    receiver.recv().await;
                }
            });
            assert_eq!(run.unwrap().steps, 1);
            sender.send(1).unwrap();
        }
        for _ in 0..50 {
            assert_eq!(receiver.recv().await, Some(1));
        }
        let found = Check::new().runs(99).preempt_ready(0.5).try_run(|rt| transfers(rt, false));
        assert_eq!(found.unwrap_err().failure().kind(), FailureKind::Stall);
    });
}

#[test]
fn a_simulation_within_a_simulation_has_suspensions_of_its_own() {
    let run = || {
        Sim::new(3).preempt_ready(0.5).run(|rt| async move {
            let inner = |seed| Sim::new(seed).preempt_ready(0.5).run(|rt| commit(rt, true));
            let before = inner(5).unwrap();
            commit(rt.clone(), true).await;
            let after = inner(5).unwrap();
            assert_eq!(before, after);
            commit(rt, true).await;
        })
    };
    assert_eq!(run().unwrap(), run().unwrap());
    let without = Sim::new(3).preempt_ready(0.5).run(|rt| async move {
        commit(rt.clone(), true).await;
        commit(rt, true).await;
    });
    assert_eq!(without.unwrap().steps, run().unwrap().steps);
}

#[test]
fn a_thread_is_left_without_a_budget() {
    let spent = || {
        block_on(async {
            let (sender, mut receiver) = mpsc::unbounded_channel();
            for n in 0..1_000 {
                sender.send(n).unwrap();
                assert_eq!(receiver.recv().await, Some(n));
            }
        });
    };
    spent();
    for seed in 0..10 {
        drop(Sim::new(seed).preempt_ready(0.9).run(|rt| commit(rt, false)));
        spent();
    }
}

#[test]
fn blocking_locks_and_unconstrained_futures_are_left_alone() {
    let run = Sim::new(1).preempt_ready(1.0).run(|rt| async move {
        let lock = Arc::new(Mutex::new(0));
        let other = lock.clone();
        rt.spawn_blocking(move || *other.blocking_lock() += 1).await.unwrap();
        tokio::task::unconstrained(async {
            for _ in 0..200 {
                *lock.lock().await += 1;
            }
        })
        .await;
        assert_eq!(*lock.lock().await, 201);
    });
    assert!(run.unwrap().steps < 8);
}

#[test]
fn suspensions_race_on_all_threads_alike() {
    // The outcome of a check does not depend on the number of threads.
    let outcome = |threads: usize| {
        let reached = AtomicU64::new(0);
        let check = Check::new().seed(77).runs(64).threads(threads.try_into().unwrap());
        let found = check.preempt_ready(0.5).try_run(|rt| {
            reached.fetch_add(1, SeqCst);
            commit(rt, false)
        });
        let found = found.unwrap_err();
        (found.failure().seed(), found.failure().tape().clone())
    };
    assert_eq!(outcome(1), outcome(4));
}

#[test]
fn it_keeps_the_first_operation_of_a_run_from_completing_too() {
    // A single lock each, and what is between it and the next suspension.
    let program = |rt: SimRuntime| async move {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        sender.send(1).unwrap();
        let seen = Arc::new(AtomicU64::new(0));
        let other = seen.clone();
        let reader = rt.spawn_with_handle(async move {
            receiver.recv().await;
            other.store(1, SeqCst);
        });
        rt.spawn_with_handle(async move { assert_eq!(seen.load(SeqCst), 1) }).await.unwrap();
        reader.await.unwrap();
    };
    // First come, first served: only a suspension lets the second task overtake.
    let sim = |seed| Sim::new(seed).strategy(Strategy::RoundRobin);
    assert!((0..100).all(|seed| sim(seed).run(program).is_ok()));
    let failed = |seed: &u64| sim(*seed).preempt_ready(0.5).run(program).is_err();
    let failures = (0..1_000).filter(failed).count();
    assert!((430..570).contains(&failures), "{failures}");
    // Such a suspension is on the tape although the run ended before the task continued.
    let seed = (0..100).find(failed).unwrap();
    let failure = sim(seed).preempt_ready(0.5).run(program).unwrap_err();
    assert!(failure.tape().to_string().ends_with("~0"), "{failure}");
    let replay = Strategy::Replay(failure.tape().clone());
    assert!(Sim::new(seed).strategy(replay).preempt_ready(0.5).run(program).is_err());
}
