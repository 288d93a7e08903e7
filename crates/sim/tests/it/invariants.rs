//! Invariants, and conditions that are awaited.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::yield_now;
use async_runtime_compat_sim::{FailureKind, Sim, SimRuntime, Strategy};

const SECOND: Duration = Duration::from_secs(1);

/// Counts up in three steps; the invariant is that it does not come to `limit`.
async fn counting(rt: SimRuntime, limit: u64) {
    let counter = Arc::new(AtomicU64::new(0));
    let seen = counter.clone();
    rt.invariant("the counter is small", move || seen.load(Ordering::SeqCst) < limit);
    let task = rt.spawn_named("counting", async move {
        for _ in 0..3 {
            counter.fetch_add(1, Ordering::SeqCst);
            yield_now().await;
        }
        counter.fetch_add(1, Ordering::SeqCst);
    });
    task.await.unwrap();
}

#[test]
fn an_invariant_names_the_step_and_the_task_that_broke_it() {
    let run = |limit| Sim::new(1).strategy(Strategy::RoundRobin).run(|rt| counting(rt, limit));
    let failure = run(2).unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Invariant);
    // The first step is that of the future, which spawns the task.
    assert_eq!(failure.steps(), 3);
    let text = failure.message();
    assert!(text.contains("`the counter is small` did not hold after step 3"), "{text}");
    assert!(text.contains("task 1 'counting', spawned at "), "{text}");
    assert!(text.contains("invariants.rs:"), "{text}");
    run(5).unwrap();
}

#[test]
fn the_last_step_of_a_task_is_looked_at_too() {
    let failure = Sim::new(1).run(|rt| counting(rt, 4)).unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Invariant, "{failure}");
    assert!(failure.message().contains("task 1 'counting'"), "{failure}");
}

#[test]
fn the_last_step_of_all_is_looked_at_too() {
    let failure = Sim::new(1).run(|rt| async move {
        let over = Arc::new(AtomicU64::new(0));
        let seen = over.clone();
        rt.invariant("it never ends", move || seen.load(Ordering::SeqCst) == 0);
        yield_now().await;
        over.store(1, Ordering::SeqCst);
    });
    let failure = failure.unwrap_err();
    assert!(failure.message().contains("after step 2, which task 0"), "{failure}");
}

#[test]
fn a_panic_in_an_invariant_is_one_that_does_not_hold() {
    let failure = Sim::new(1).run(|rt| async move {
        rt.invariant("sums match", || panic!("3 is not 4"));
        yield_now().await;
    });
    let failure = failure.unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Invariant);
    assert!(failure.message().contains("`sums match` did not hold (3 is not 4)"), "{failure}");
}

#[test]
fn an_invariant_may_use_the_runtime() {
    let run = Sim::new(1).run(|rt| async move {
        let (rt2, looked) = (rt.clone(), Arc::new(AtomicU64::new(0)));
        let count = looked.clone();
        rt.invariant("it looks at the clock, and adds another", move || {
            if count.fetch_add(1, Ordering::SeqCst) == 0 {
                rt2.invariant("of no interest", || true);
            }
            rt2.system_time() > std::time::SystemTime::UNIX_EPOCH
        });
        rt.sleep(SECOND).await;
        yield_now().await;
        looked.load(Ordering::SeqCst)
    });
    assert_eq!(run.unwrap().value, 2);
}

#[test]
fn invariants_are_dropped_with_the_simulation() {
    let token = Arc::new(());
    let held = token.clone();
    Sim::new(1)
        .run(|rt| async move {
            rt.invariant("held", move || Arc::strong_count(&held) > 0);
            yield_now().await;
        })
        .unwrap();
    assert_eq!(Arc::strong_count(&token), 1);
}

/// Something that turns true after a time.
async fn late(rt: SimRuntime, after: Duration, within: Duration) -> Duration {
    let (start, happened) = (rt.now(), Arc::new(AtomicU64::new(0)));
    let (timer, flag) = (rt.clone(), happened.clone());
    let task = rt.spawn_named("slow", async move {
        timer.sleep(after).await;
        flag.store(1, Ordering::SeqCst);
        timer.sleep(after).await;
    });
    rt.eventually(within, move || happened.load(Ordering::SeqCst) == 1).await;
    let took = rt.now() - start;
    task.await.unwrap();
    took
}

#[test]
fn eventually_goes_on_as_soon_as_it_holds() {
    let report = Sim::new(1).run(|rt| late(rt, SECOND, 5 * SECOND)).unwrap();
    assert_eq!(report.value, SECOND);
    let at_once = Sim::new(1).run(|rt| async move { rt.eventually(SECOND, || true).await });
    assert_eq!(at_once.unwrap().steps, 1);
}

#[test]
fn what_does_not_happen_in_time_fails_with_its_place() {
    let failure = Sim::new(1).run(|rt| late(rt, 6 * SECOND, 5 * SECOND)).unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Invariant);
    assert_eq!(failure.elapsed(), 5 * SECOND);
    assert!(failure.message().contains("invariants.rs:"), "{failure}");
    assert!(failure.message().contains("did not hold within 5s"), "{failure}");
    assert!(failure.to_string().contains("task 1 'slow'"), "{failure}");
}

#[test]
fn what_is_not_awaited_any_more_may_fail_to_happen() {
    let run = Sim::new(1).run(|rt| async move {
        let never = rt.timeout(SECOND, rt.eventually(2 * SECOND, || false)).await;
        assert!(never.is_err());
        rt.sleep(9 * SECOND).await;
    });
    run.unwrap();
    // Nobody polls it.
    let run = Sim::new(1).run(|rt| async move {
        let never = rt.eventually(SECOND, || panic!("it was not polled"));
        rt.sleep(9 * SECOND).await;
        drop(never);
    });
    run.unwrap();
}

#[test]
fn a_stall_ends_what_is_awaited() {
    // Nothing is ready, and the time is that of the wait.
    let failure = Sim::new(1).run(|rt| async move {
        rt.spawn_named("stuck", pending::<()>()).detach();
        rt.eventually(SECOND, || false).await;
    });
    assert_eq!(failure.unwrap_err().kind(), FailureKind::Invariant);
}
