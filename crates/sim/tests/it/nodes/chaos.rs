//! Faults of nodes at random times.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::yield_now;
use async_runtime_compat_sim::{Sim, SimRuntime, Strategy};

use super::super::everywhere;
use super::SECOND;
use super::busy::{Counts, busy};

#[test]
fn killed_in_the_middle_of_everything() {
    everywhere(300, |rt| async move {
        let counts = Counts::default();
        let node = rt.node("a");
        let (on_node, tokens) = (node.runtime(), counts.clone());
        let waits = on_node.spawn_with_handle(pending::<()>());
        let main = on_node.spawn_with_handle(busy(on_node.clone(), tokens, 2));
        let joiner = rt.spawn_with_handle(async move { main.await.unwrap_err().is_shutdown() });
        let mut rng = rt.rng("killer");
        for _ in 0..rng.below(30) {
            yield_now().await;
        }
        rt.sleep(Duration::from_micros(rng.below(30_000))).await;
        node.kill();
        assert!(!node.is_alive());
        // At once, and not when somebody gets to it.
        counts.all_dropped_once();
        assert!(waits.is_finished());
        assert!(waits.await.unwrap_err().is_shutdown());
        assert!(joiner.await.unwrap());

        let late = on_node.spawn_with_handle(async {});
        assert!(late.is_finished());
        assert!(late.await.unwrap_err().is_shutdown());
        assert!(on_node.spawn_blocking(|| ()).await.unwrap_err().is_shutdown());
        on_node.spawn_detached(async { panic!("on a dead node") });
        Spawner::spawn(&on_node, Box::pin(async { panic!("on a dead node") }));
        on_node.execute(Box::new(|| panic!("on a dead node")));
        node.kill();
    });
}

#[test]
fn restarted_again_and_again() {
    everywhere(100, |rt| async move {
        let (counts, lives) = (Counts::default(), Arc::new(Mutex::new(Vec::new())));
        let node = rt.node("a");
        let mut old = Vec::new();
        node.start({
            let (counts, lives) = (counts.clone(), lives.clone());
            move |rt| {
                lives.lock().unwrap().push(rt.host().unwrap().incarnation());
                busy(rt, counts.clone(), 1)
            }
        });
        let mut rng = rt.rng("killer");
        for life in 1..6 {
            assert_eq!(node.incarnation(), life);
            old.push(node.runtime());
            rt.sleep(Duration::from_millis(1 + rng.below(30))).await;
            if rng.chance(0.5) {
                node.kill();
                counts.all_dropped_once();
                rt.sleep(Duration::from_millis(rng.below(30))).await;
            }
            node.restart();
            assert!(node.is_alive());
            for dead in &old {
                assert!(dead.spawn_with_handle(async {}).await.unwrap_err().is_shutdown());
            }
        }
        rt.sleep(SECOND).await;
        node.kill();
        assert!(counts.all_dropped_once() >= 6);
        assert_eq!(*lives.lock().unwrap(), [1, 2, 3, 4, 5, 6]);
    });
}

#[test]
fn with_faults_the_same_seed_is_the_same_run() {
    let strategies =
        [Strategy::Random, Strategy::Pct { depth: 3 }, Strategy::Urw, Strategy::RoundRobin];
    for strategy in strategies {
        let mut hashes = Vec::new();
        for seed in 0..50 {
            let run = || Sim::new(seed).strategy(strategy.clone()).run(chaos).unwrap();
            let report = run();
            assert_eq!(report, run(), "{strategy} {seed}");
            hashes.push(report.trace_hash);
        }
        hashes.sort_unstable();
        hashes.dedup();
        assert!(hashes.len() > 1);
    }
}

#[test]
fn with_faults_a_tape_replays_the_run() {
    for seed in 0..50 {
        let failing = |rt: SimRuntime| async move {
            chaos(rt).await;
            panic!("on purpose");
        };
        let failure = Sim::new(seed).run(failing).map(drop).unwrap_err();
        let replay = Strategy::Replay(failure.tape().clone());
        let replayed = Sim::new(seed).strategy(replay).run(failing).map(drop).unwrap_err();
        assert_eq!(replayed.message(), "on purpose", "{replayed}");
        assert_eq!((replayed.steps(), replayed.tape()), (failure.steps(), failure.tape()));
    }
}

/// Three nodes that are killed, paused, restarted and put out of time.
async fn chaos(rt: SimRuntime) -> usize {
    use async_runtime_compat_sim::Offset;

    let counts = Counts::default();
    let names = ["a", "b", "c"];
    for name in names {
        let counts = counts.clone();
        rt.node(name).start(move |rt| busy(rt, counts.clone(), 1));
    }
    let mut rng = rt.rng("chaos");
    for _ in 0..20 {
        let node = rt.node(*rng.pick(&names).unwrap());
        match rng.below(8) {
            0 => node.kill(),
            1 => node.restart(),
            2 => node.pause(),
            3 => node.resume(),
            4 => node.set_drift(i32::try_from(rng.below(200_000)).unwrap() - 100_000),
            5 => node.set_skew(Offset::Ahead(Duration::from_millis(rng.below(50)))),
            6 => node.set_skew(Offset::Behind(Duration::from_millis(rng.below(50)))),
            _ => node.jump(Offset::Behind(SECOND)),
        }
        rt.sleep(Duration::from_micros(rng.below(20_000))).await;
    }
    for name in names {
        rt.node(name).kill();
    }
    counts.all_dropped_once()
}

#[test]
fn a_run_leaves_nothing_behind() {
    for seed in 0..20 {
        let token = Arc::new(());
        let (held, also) = (token.clone(), token.clone());
        let run = Sim::new(seed).allow_leaks(true).run(|rt| async move {
            // The constructor holds the runtime, which holds the constructor.
            let (node, own) = (rt.node("a"), rt.clone());
            node.start(move |rt| {
                let (own, held) = (own.clone(), held.clone());
                async move {
                    let _held = (own.clone(), held);
                    own.sleep(SECOND).await;
                    rt.sleep(SECOND * 100).await;
                }
            });
            let paused = rt.node("b");
            paused.runtime().spawn_detached(async move {
                pending::<()>().await;
                drop(also);
            });
            paused.pause();
            rt.sleep(SECOND * 10).await;
        });
        run.unwrap();
        assert_eq!(Arc::strong_count(&token), 1, "seed {seed}");
    }
}
