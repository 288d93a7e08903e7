//! Programs that depend on more than their seed are found out.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat_sim::{Check, FailureKind, Sim, SimRuntime, Strategy};

use super::programs::{lost_update, reorder};

/// Wakes tasks in the order of a map whose hash is random.
async fn hash_order(rt: SimRuntime) {
    let mut senders = HashMap::new();
    let mut tasks = Vec::new();
    for number in 0..20 {
        let (sender, receiver) = async_channel::bounded(1);
        senders.insert(number, sender);
        let name = format!("receiver {number}");
        tasks.push(rt.spawn_named(name, async move { receiver.recv().await }));
    }
    rt.sleep(Duration::from_millis(5)).await;
    for (number, sender) in senders {
        sender.send(number).await.unwrap();
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
}

static DRAWN: AtomicU64 = AtomicU64::new(0);

/// Sleeps for as long as a static says.
async fn static_counter(rt: SimRuntime) {
    let millis = DRAWN.fetch_add(1, Ordering::SeqCst);
    let timer = rt.clone();
    let task = rt.spawn_named("sleeper", async move {
        timer.sleep(Duration::from_millis(millis)).await;
    });
    task.await.unwrap();
}

#[test]
fn the_order_of_a_hash_map_is_found_under_every_strategy() {
    let strategies = [
        Strategy::Random,
        Strategy::Pct { depth: 2 },
        Strategy::Urw,
        Strategy::RoundRobin,
        Strategy::Dfs { max_preemptions: 1 },
    ];
    for strategy in strategies {
        let failure = Sim::new(1).strategy(strategy.clone()).run_twice(hash_order).unwrap_err();
        assert_eq!(failure.kind(), FailureKind::Nondeterminism, "{strategy}");
        let text = failure.message();
        // The first to differ is whom the future wakes, after it has slept.
        assert!(text.contains("at 5ms"), "{text}");
        assert!(text.contains("of task 0, spawned at "), "{text}");
        assert!(text.contains("one run      at 5ms, 0 main woke task "), "{text}");
        assert!(text.contains("another run  at 5ms, 0 main woke task "), "{text}");
    }
}

#[test]
fn a_static_is_found_by_check_and_shown() {
    let found = Check::new().try_run(static_counter).unwrap_err();
    let failure = found.failure();
    assert_eq!(failure.kind(), FailureKind::Nondeterminism, "{found}");
    assert_eq!(failure.seed(), 0, "it is the first run that is compared: {found}");
    let text = failure.message();
    assert!(
        text.contains("is the first to differ, at 0ns, in step 2 of task 1 'sleeper'"),
        "{text}"
    );
    assert!(text.contains("1 sleeper slept until "), "{text}");
}

#[test]
fn what_is_noted_is_compared() {
    static NOTED: AtomicU64 = AtomicU64::new(0);
    let silent = |_: SimRuntime| async { NOTED.fetch_add(1, Ordering::SeqCst) };
    Sim::new(1).run_twice(silent).unwrap();
    let noting = |rt: SimRuntime| async move {
        rt.note(format!("drew {}", NOTED.fetch_add(1, Ordering::SeqCst)));
    };
    let failure = Sim::new(1).run_twice(noting).unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Nondeterminism);
    assert!(failure.message().contains("0 main noted “drew "), "{failure}");
}

#[test]
fn the_message_of_a_failure_is_compared() {
    static FAILED: AtomicU64 = AtomicU64::new(0);
    let failing = |_: SimRuntime| async {
        panic!("the {}th time", FAILED.fetch_add(1, Ordering::SeqCst));
    };
    let failure = Sim::new(1).run_twice(failing).map(|report| report.value).unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Nondeterminism);
    assert!(failure.message().contains("panicked: the "), "{failure}");
}

#[test]
fn what_is_deterministic_passes() {
    for seed in 0..20 {
        let twice = Sim::new(seed).run_twice(|rt| lost_update(rt, 1)).unwrap();
        assert_eq!(twice, Sim::new(seed).run(|rt| lost_update(rt, 1)).unwrap());
    }
}

#[test]
fn a_failure_that_is_the_same_twice_is_that_failure() {
    let failed = |seed| Sim::new(seed).run(|rt| reorder(rt, 2)).err();
    let seed = (0..1000).find(|seed| failed(*seed).is_some()).unwrap();
    let twice = Sim::new(seed).run_twice(|rt| reorder(rt, 2)).unwrap_err();
    assert_eq!(twice.kind(), FailureKind::Panic);
}
