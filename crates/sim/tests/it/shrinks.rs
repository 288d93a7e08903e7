//! Faults are switched off one by one until only those are left that a failure needs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::yield_now;
use async_runtime_compat_sim::{
    Check, Counterexample, FailureKind, Offset, Rate, Sim, SimRuntime, Strategy, Tape,
};

fn faults(found: &Counterexample) -> Vec<String> {
    found.failure().tape().faults().iter().map(ToString::to_string).collect()
}

/// The failure again, from the text of its tape.
#[track_caller]
fn assert_replays<F: Future<Output = ()>>(
    found: &Counterexample,
    program: impl Fn(SimRuntime) -> F,
) {
    let failure = found.failure();
    let text = failure.tape().to_string();
    assert!(found.replay_line().contains(&text), "{found}");
    let tape: Tape = text.parse().unwrap();
    let again = Sim::new(failure.seed()).strategy(Strategy::Replay(tape)).run(program);
    let again = again.map(|_| ()).expect_err("it fails again");
    assert_eq!((again.kind(), again.message()), (failure.kind(), failure.message()));
    assert_eq!((again.steps(), again.tape()), (failure.steps(), failure.tape()));
}

/// Forty points at which a fault takes time, of which one also loses a write.
async fn forty_points(rt: SimRuntime) {
    let written = Arc::new(Mutex::new(0));
    let worker = |worker: u32| {
        let (rt2, written) = (rt.clone(), written.clone());
        rt.spawn_with_handle(async move {
            for point in worker * 5..worker * 5 + 5 {
                let fault = rt2.buggify(&format!("io {point}"));
                if fault {
                    rt2.sleep(Duration::from_millis(1)).await;
                }
                *written.lock().unwrap() += u32::from(!fault || point != 17);
            }
        })
    };
    for task in (0..8).map(worker).collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(*written.lock().unwrap(), 40, "a write was lost");
}

#[test]
fn of_forty_points_the_one_that_matters_is_left() {
    for seed in [0, 100, 200] {
        let check = Check::new().seed(seed).buggify(1.0, 1.0);
        let found = check.try_run(forty_points).unwrap_err();
        assert_eq!(faults(&found), ["io 17#1"], "{found}");
        assert_eq!(found.shrunk_faults(), Some((40, 1)), "{found}");
        let text = found.to_string();
        assert!(text.contains("shrunk    from 40 to 1 faults"), "{text}");
        assert!(
            text.contains("without this fault it does not fail:\n  io 17#1 at step "),
            "{text}"
        );
        assert_replays(&found, forty_points);
    }
}

/// A store behind a network. Reads and writes may fail.
#[derive(Clone)]
struct Store {
    rt: SimRuntime,
    values: Arc<Mutex<BTreeMap<u32, u32>>>,
}

impl Store {
    async fn get(&self, key: u32) -> Option<Option<u32>> {
        yield_now().await;
        (!self.rt.buggify("kv get")).then(|| self.values.lock().unwrap().get(&key).copied())
    }

    async fn put(&self, key: u32, value: u32) -> Option<()> {
        yield_now().await;
        (!self.rt.buggify("kv put")).then(|| _ = self.values.lock().unwrap().insert(key, value))
    }

    async fn add(&self, key: u32) {
        // The bug: a read that failed is taken for a key that is not there.
        let before = self.get(key).await.flatten().unwrap_or_default();
        while self.put(key, before + 1).await.is_none() {
            self.rt.sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn lost_write(rt: SimRuntime) {
    let store = Store { rt: rt.clone(), values: Arc::default() };
    let client = |key: u32| {
        let store = store.clone();
        rt.spawn_named(format!("client {key}"), async move {
            for added in 1..=6 {
                store.add(key).await;
                let kept = store.values.lock().unwrap()[&key];
                assert_eq!(kept, added, "an acknowledged write was lost");
            }
        })
    };
    for task in (0..3).map(client).collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

#[test]
fn a_lost_write_shrinks_to_the_read_that_failed() {
    for seed in [0, 1_000, 2_000, 3_000] {
        let check = Check::new().seed(seed).faults("kv *", Rate(0.3));
        let found = check.try_run(lost_write).unwrap_err();
        let left = faults(&found);
        assert_eq!(left.len(), 1, "{found}");
        assert!(left[0].starts_with("kv get#"), "{found}");
        assert!(found.failure().steps() < 20, "{found}");
        let text = found.to_string();
        let last = text.lines().last().unwrap();
        assert!(last.starts_with(&format!("  {} at step ", left[0])), "{last}");
        assert!(last.contains("'client "), "{last}");
        assert_replays(&found, lost_write);
    }
}

/// Fails if a delay is longer than a timeout.
async fn too_slow(rt: SimRuntime) {
    let delay = rt.buggify_delay("slow disk", Duration::from_micros(1)..=Duration::from_secs(60));
    let write = rt.timeout(Duration::from_secs(2), rt.sleep(delay));
    assert!(write.await.is_ok(), "the write timed out");
}

#[test]
fn a_delay_shrinks_to_what_it_takes() {
    let found = Check::new().buggify(1.0, 1.0).try_run(too_slow).unwrap_err();
    let amount = found.failure().tape().faults()[0].amount().unwrap();
    assert!((2_000_000_000..2_100_000_000).contains(&amount), "{found}");
    assert!(found.to_string().contains("FAULT slow disk#1 (2."), "{found}");
    assert_replays(&found, too_slow);
}

/// Kills, pauses and clocks that are wrong, of which one pause makes a lease overlap.
async fn chaos(rt: SimRuntime) {
    let [a, b] = ["a", "b"].map(|name| rt.node(name));
    for node in [&a, &b] {
        node.start(|rt| async move { rt.sleep(Duration::from_secs(100)).await });
    }
    a.set_skew(Offset::Ahead(Duration::from_secs(40)));
    b.set_drift(100);
    b.restart();
    b.jump(Offset::Behind(Duration::from_secs(3)));
    a.pause();
    rt.sleep(Duration::from_secs(5)).await;
    let was_paused = a.is_paused();
    a.resume();
    a.kill();
    a.restart();
    rt.sleep(Duration::from_secs(5)).await;
    a.kill();
    b.kill();
    assert!(!was_paused, "two leaders");
}

#[test]
fn faults_of_nodes_are_switched_off_and_what_mends_them_is_not() {
    let found = Check::new().runs(8).try_run(chaos).unwrap_err();
    assert_eq!(found.failure().kind(), FailureKind::Panic);
    assert_eq!(faults(&found), ["pause@a#1"], "{found}");
    assert!(found.to_string().contains("mended: resume@a"), "{found}");
    assert_replays(&found, chaos);
    let all = Sim::new(1).run(chaos).unwrap_err();
    let text = all.tape().to_string();
    let faults = text.split_once(";f:").unwrap().1;
    let all = [
        "skew@a#1=40000000000",
        "drift@b#1",
        "restart@b#1",
        "jump@b#1=3000000000",
        "pause@a#1",
        "kill@a#1",
        "kill@a#2",
        "kill@b#1",
    ];
    assert_eq!(faults, all.join(","));
}

#[test]
fn cleaning_up_is_not_switched_off_for_another_leak() {
    let leak = |rt: SimRuntime| async move {
        let node = rt.node("a");
        node.start(|_| std::future::pending());
        // Two of them: with the node's task there would be three, and the message would be the same.
        rt.spawn_named("leaked", std::future::pending::<()>()).detach();
        rt.spawn_named("leaked, too", std::future::pending::<()>()).detach();
        yield_now().await;
        node.kill();
    };
    let found = Check::new().runs(8).try_run(leak).unwrap_err();
    assert_eq!(found.failure().kind(), FailureKind::Leak);
    assert_eq!(found.failure().tasks().len(), 2, "{found}");
    assert_eq!(faults(&found), ["kill@a#1"], "{found}");
}

#[test]
fn a_tape_decides_on_faults_and_one_without_leaves_them_to_the_seed() {
    let visits = |tape: &str| {
        let strategy = Strategy::Replay(tape.parse().unwrap());
        let sim = Sim::new(3).buggify(1.0, 0.5).strategy(strategy);
        sim.run(|rt| async move { [(); 20].map(|()| rt.buggify("kv get")) })
    };
    let natural = Sim::new(3).buggify(1.0, 0.5);
    let natural = natural.run(|rt| async move { [(); 20].map(|()| rt.buggify("kv get")) });
    assert_eq!(visits("t1:").unwrap().value, natural.unwrap().value);
    assert_eq!(visits("t2:").unwrap().value, [false; 20]);
    let third = visits("t2:;f:kv get#3").unwrap().value;
    assert_eq!(third, std::array::from_fn(|visit| visit == 2));
    let failure = visits("t2:;f:kv get#21").unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Diverged);
    assert!(failure.message().contains("before the fault kv get#21 of the tape"), "{failure}");
}

#[test]
fn rates_have_limits() {
    let injection = Rate(1.0).after(10).at_most(3);
    let checked = Check::new().runs(20).faults("kv *", injection).run(|rt| async move {
        let fired: Vec<_> = (0..20).map(|_| rt.buggify("kv get")).collect();
        let expected: Vec<_> = (0..20).map(|visit| (10..13).contains(&visit)).collect();
        assert_eq!(fired, expected);
        assert!(!rt.buggify("kv put"), "they are counted together");
    });
    assert_eq!(checked.faults, 60);
    // The last that matches counts, and nothing is asked for by a rate of 0.
    let none = Check::new().runs(20).faults("*", Rate(1.0)).faults("k*l@a", Rate(0.0));
    none.run(|rt| async move {
        let [a, b] = ["a", "b"].map(|name| rt.node(name));
        a.kill();
        b.kill();
        assert!(a.is_alive() && !b.is_alive());
    });
}

#[test]
fn a_check_that_met_no_fault_it_asked_for_fails() {
    let reach = |rt: SimRuntime| async move {
        let _ = (rt.buggify("vk get"), rt.buggify("disk"));
    };
    let check = Check::new().runs(50).faults("disk", Rate(0.5));
    check.clone().run(reach);
    let found = check.clone().faults("kv *", Rate(0.5)).try_run(reach).unwrap_err();
    assert_eq!(found.failure().kind(), FailureKind::NoFault);
    let text = found.to_string();
    let words = "no fault: no fault that matches `kv *` was injected: no such point was reached. \
                 Those reached are `disk`, `vk get`";
    assert!(text.starts_with("none of 50 runs failed, but the check shows nothing\n"), "{text}");
    assert!(text.contains(words) && text.contains("cargo test "), "{text}");
    let late = check.faults("vk *", Rate(0.5).after(1)).try_run(reach).unwrap_err().to_string();
    assert!(late.contains("though these points were reached: `vk get`. Raise"), "{late}");
    let points = Check::new().runs(20).buggify(1.0, 1.0);
    let none = points.clone().try_run(|_| async {}).unwrap_err();
    assert_eq!(none.failure().kind(), FailureKind::NoFault);
    assert!(points.run(reach).faults > 0);
}
