//! The clocks of nodes.

use std::time::{Duration, SystemTime};

use async_runtime_compat::prelude::*;
use async_runtime_compat_sim::{Offset, Sim, SimRuntime};

use super::everywhere;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// How far the wall clock of `this` is ahead of that of `other`, in nanoseconds.
fn ahead(this: &SimRuntime, other: &SimRuntime) -> i128 {
    let nanos = |rt: &SimRuntime| {
        let since = rt.system_time().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        i128::try_from(since.as_nanos()).unwrap()
    };
    nanos(this) - nanos(other)
}

#[test]
fn sleeps_last_by_the_nodes_clock() {
    for ppm in [-999_999, -500_000, -50, 0, 1, 50, 1_000_000, i32::MAX] {
        everywhere(3, move |rt| async move {
            let node = rt.node("a");
            node.set_drift(ppm);
            let on_node = node.runtime();
            let mut rng = rt.rng("durations");
            for _ in 0..10 {
                let duration = Duration::from_nanos(1 + rng.below(1_000_000_000));
                let (real, own) = (rt.now(), on_node.now());
                on_node.sleep(duration).await;
                let (real, own) = (rt.now() - real, on_node.now() - own);
                assert!(own >= duration, "early by its own clock");
                let rate = u128::from((1_000_000 + i64::from(ppm)).unsigned_abs());
                let expected = (duration.as_nanos() * 1_000_000).div_ceil(rate);
                let off = real.as_nanos().abs_diff(expected);
                assert!(off <= 1_000_000 / rate + 1, "{ppm}: {real:?}, off by {off}");
            }
        });
    }
}

#[test]
fn time_limits_and_intervals_go_by_it_too() {
    everywhere(10, |rt| async move {
        let node = rt.node("a");
        node.set_drift(-500_000);
        let (on_node, start) = (node.runtime(), rt.now());
        assert!(on_node.timeout(SECOND, std::future::pending::<()>()).await.is_err());
        assert_eq!(rt.now() - start, SECOND * 2);
        let mut interval = on_node.interval(SECOND);
        interval.tick().await;
        interval.tick().await;
        interval.tick().await;
        assert_eq!(rt.now() - start, SECOND * 6);
    });
}

#[test]
fn drift_that_sets_in_while_a_sleep_waits() {
    everywhere(20, |rt| async move {
        let node = rt.node("a");
        let on_node = node.runtime();
        for (ppm, rest) in [(1_000_000, SECOND / 4), (-500_000, SECOND), (0, SECOND / 2)] {
            node.set_drift(0);
            let (start, own) = (rt.now(), on_node.now());
            let (asleep, real) = (on_node.clone(), rt.clone());
            let sleeper = on_node.spawn_with_handle(async move {
                asleep.sleep_until(own + SECOND).await;
                assert!(asleep.now() >= own + SECOND);
                real.now()
            });
            rt.sleep(SECOND / 2).await;
            node.set_drift(ppm);
            assert_eq!(sleeper.await.unwrap() - start, SECOND / 2 + rest);
        }
    });
}

#[test]
fn a_skew_is_seen_by_both_clocks() {
    everywhere(3, |rt| async move {
        let (fast, slow) = (rt.node("fast"), rt.node("slow"));
        fast.set_skew(Offset::Ahead(HOUR));
        slow.set_skew(Offset::Behind(HOUR));
        let nanos = i128::try_from(HOUR.as_nanos()).unwrap();
        assert_eq!(ahead(&fast.runtime(), &rt), nanos);
        assert_eq!(ahead(&slow.runtime(), &rt), -nanos);
        assert_eq!(fast.runtime().now() - rt.now(), HOUR);
        assert_eq!(rt.now() - slow.runtime().now(), HOUR);
        let start = rt.now();
        fast.runtime().sleep(SECOND).await;
        slow.runtime().sleep(SECOND).await;
        assert_eq!(rt.now() - start, SECOND * 2);
    });
}

#[test]
fn set_back_the_clock_stands_still_until_it_has_caught_up() {
    everywhere(10, |rt| async move {
        let node = rt.node("a");
        let on_node = node.runtime();
        let shown = on_node.now();
        let waits = on_node.clone();
        let (deadline, start) = (shown + SECOND, rt.now());
        let sleeper = on_node.spawn_with_handle(async move {
            waits.sleep_until(deadline).await;
            waits.now()
        });
        rt.sleep(Duration::ZERO).await;
        node.set_skew(Offset::Behind(SECOND * 10));
        assert_eq!(on_node.now(), shown);
        rt.sleep(SECOND * 5).await;
        assert_eq!(on_node.now(), shown);
        assert!(ahead(&on_node, &rt) == -10_000_000_000, "the wall clock shows it at once");
        assert!(sleeper.await.unwrap() >= deadline);
        assert_eq!(rt.now() - start, SECOND * 11);
    });
}

#[test]
fn set_forward_sleeps_end_that_are_skipped() {
    everywhere(10, |rt| async move {
        let node = rt.node("a");
        let (on_node, start) = (node.runtime(), rt.now());
        let waits = on_node.clone();
        let sleeper = on_node.spawn_with_handle(async move { waits.sleep(HOUR).await });
        rt.sleep(SECOND).await;
        node.set_skew(Offset::Ahead(HOUR));
        sleeper.await.unwrap();
        assert_eq!(rt.now() - start, SECOND);
    });
}

#[test]
fn a_jump_is_seen_by_the_wall_clock_alone() {
    everywhere(3, |rt| async move {
        let node = rt.node("a");
        let (on_node, start) = (node.runtime(), rt.now());
        let (waits, shown) = (on_node.clone(), on_node.now());
        let sleeper = on_node.spawn_with_handle(async move { waits.sleep(SECOND).await });
        rt.sleep(SECOND / 2).await;
        node.jump(Offset::Ahead(HOUR));
        assert_eq!(ahead(&on_node, &rt), 3_600_000_000_000);
        assert_eq!(on_node.now() - shown, SECOND / 2);
        node.jump(Offset::Behind(HOUR * 2));
        assert_eq!(ahead(&on_node, &rt), -3_600_000_000_000);
        sleeper.await.unwrap();
        assert_eq!(rt.now() - start, SECOND);
        // It outlives the process.
        node.restart();
        assert_eq!(ahead(&node.runtime(), &rt), -3_600_000_000_000);
        node.set_skew(Offset::Ahead(Duration::ZERO));
        assert_eq!(ahead(&node.runtime(), &rt), 0);
        node.jump(Offset::Behind(Duration::MAX));
        assert_eq!(node.runtime().system_time(), SystemTime::UNIX_EPOCH);
    });
}

#[test]
fn whatever_is_done_to_it_the_clock_runs_forwards() {
    everywhere(50, |rt| async move {
        let node = rt.node("a");
        let on_node = node.runtime();
        let mut rng = rt.rng("clock");
        let mut last = on_node.now();
        for _ in 0..200 {
            let offset = Duration::from_nanos(rng.below(5_000_000_000));
            match rng.below(5) {
                0 => node.set_skew(Offset::Ahead(offset)),
                1 => node.set_skew(Offset::Behind(offset)),
                2 => node.set_drift(i32::try_from(rng.below(1_900_000)).unwrap() - 900_000),
                3 => node.jump(Offset::Behind(offset)),
                _ => {
                    let deadline = on_node.now() + Duration::from_nanos(rng.below(3_000_000_000));
                    on_node.sleep_until(deadline).await;
                    assert!(on_node.now() >= deadline, "early");
                }
            }
            let now = on_node.now();
            assert!(now >= last, "backwards");
            last = now;
        }
    });
}

#[test]
fn what_cannot_be_is_refused() {
    for set in [
        (|rt: SimRuntime| rt.node("a").set_drift(-1_000_000)) as fn(SimRuntime),
        |rt| rt.node("a").set_skew(Offset::Behind(Duration::MAX)),
        |rt| rt.node("a").set_skew(Offset::Ahead(Duration::MAX)),
    ] {
        let failure = Sim::new(1).run(|rt| async move { set(rt) }).unwrap_err();
        assert!(failure.message().contains("clock"), "{failure}");
    }
    // A sleep for ever is one on any clock.
    let failure = Sim::new(1)
        .run(|rt| async move {
            let node = rt.node("a");
            node.set_drift(i32::MAX);
            node.runtime().sleep(Duration::MAX).await;
        })
        .unwrap_err();
    assert_eq!(failure.kind(), async_runtime_compat_sim::FailureKind::Stall);
}
