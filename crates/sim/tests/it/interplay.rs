//! Storms, suspensions, goals and faults in one check: the tape, the shrinker and the report.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat_sim::{
    Check, Counterexample, Death, FailureKind, Rate, Sim, SimRuntime, Storm, Strategy, Tape,
    reached,
};

const SECOND: Duration = Duration::from_secs(1);
const NAMES: [&str; 3] = ["a", "b", "c"];

fn faults(found: &Counterexample) -> Vec<String> {
    found.failure().tape().faults().iter().map(ToString::to_string).collect()
}

/// The failure again, from the text of its tape.
#[track_caller]
fn assert_replays<F: Future<Output = ()>>(
    found: &Counterexample,
    sim: impl Fn(Sim) -> Sim,
    program: impl Fn(SimRuntime) -> F,
) {
    let failure = found.failure();
    let tape: Tape = failure.tape().to_string().parse().unwrap();
    let again = sim(Sim::new(failure.seed())).strategy(Strategy::Replay(tape)).run(program);
    let again = again.map(|_| ()).expect_err("it fails again");
    assert_eq!((again.kind(), again.message()), (failure.kind(), failure.message()));
    assert_eq!((again.steps(), again.tape()), (failure.steps(), failure.tape()));
}

/// Starts three nodes that tick.
fn nodes(rt: &SimRuntime) {
    for name in NAMES {
        rt.node(name).start(|rt| async move {
            loop {
                rt.sleep(SECOND).await;
            }
        });
    }
}

fn every(times: u32) -> Storm {
    let storm = Storm::new().kill(times).crash(times).pause(times).freeze(times);
    storm.partition(times).skew(SECOND * 60)
}

/// A storm of everything. The node 'b' forgets what it was told when its process dies.
async fn forgetful(rt: SimRuntime) {
    nodes(&rt);
    let known = Arc::new(AtomicBool::new(false));
    let told = known.clone();
    rt.node("b").on_kill(move |death| {
        if death == Death::Killed {
            told.store(false, SeqCst);
        }
    });
    let storm = rt.storm(every(4).down_at_most(2).outage(SECOND..=SECOND * 5));
    rt.sleep(SECOND).await;
    known.store(true, SeqCst);
    rt.sleep(SECOND * 60).await;
    storm.calm().await;
    let knows = known.load(SeqCst);
    assert!(knows, "what was told is forgotten");
}

#[test]
fn a_failure_that_needs_a_kill_of_a_storm_shrinks_to_that_kill() {
    for seed in [0, 100, 200] {
        let check = Check::new().seed(seed).allow_leaks(true);
        let found = check.try_run(forgetful).unwrap_err();
        assert_eq!(found.failure().kind(), FailureKind::Panic, "{found}");
        let [left] = &*faults(&found) else { panic!("{found}") };
        assert!(left.starts_with("kill@b#"), "{found}");
        let (before, after) = found.shrunk_faults().unwrap();
        assert!(before > 10 && after == 1, "{found}");
        let text = found.to_string();
        assert!(text.contains(&format!("FAULT {left}")), "{text}");
        let last = text.lines().last().unwrap();
        assert!(last.starts_with(&format!("  {left} at step ")), "{last}");
        assert!(last.contains("'storm'"), "{last}");
        assert_replays(&found, |sim| sim.allow_leaks(true), forgetful);
    }
}

#[test]
fn each_fault_of_a_storm_is_on_the_tape_under_its_label() {
    let program = |rt: SimRuntime| async move {
        nodes(&rt);
        let storm = rt.storm(every(2).down_at_most(3).outage(SECOND / 100..=SECOND / 100));
        rt.sleep(SECOND * 70).await;
        assert_eq!(storm.faults(), 0, "it has raged");
    };
    let failure = Sim::new(1).allow_leaks(true).run(program).unwrap_err();
    let mut counts = BTreeMap::new();
    for fault in failure.tape().faults() {
        *counts.entry(fault.label().to_owned()).or_insert(0) += 1;
    }
    let expected =
        [("crash", 2), ("freeze", 2), ("kill", 2), ("partition", 2), ("pause", 2), ("skew", 3)];
    assert_eq!(counts, expected.map(|(label, count)| (label.to_owned(), count)).into());
    assert!(failure.message().contains("left: 13"), "{failure}");
    // Without any of them the storm has done nothing.
    let none = Strategy::Replay("t2:".parse().unwrap());
    let calm = Sim::new(1).allow_leaks(true).strategy(none).run(program);
    calm.unwrap();
}

#[test]
fn a_fault_of_a_storm_that_is_switched_off_does_not_shift_the_others() {
    let program = |rt: SimRuntime| async move {
        nodes(&rt);
        let storm = rt.storm(every(6).down_at_most(1).outage(SECOND..=SECOND * 9));
        rt.sleep(SECOND * 70).await;
        let rages = storm.faults() > 0;
        assert!(!rages, "the end");
    };
    let sim = || Sim::new(5).allow_leaks(true);
    let all = sim().run(program).map(|_| ()).unwrap_err();
    let times = |tape: &Tape| {
        let replay = sim().strategy(Strategy::Replay(tape.clone()));
        let (_, timeline) = replay.timeline(program);
        format!("{timeline:#}").lines().filter(|line| line.contains("FAULT")).count()
    };
    let text = all.tape().to_string();
    let (_, list) = text.split_once(";f:").unwrap();
    let list: Vec<_> = list.split(',').collect();
    assert!(list.len() > 8, "{text}");
    for left_out in 0..list.len() {
        let mut fewer = list.clone();
        fewer.remove(left_out);
        // Without the schedule, which is another one with fewer faults.
        let tape: Tape = format!("t2:;f:{}", fewer.join(",")).parse().unwrap();
        assert_eq!(times(&tape), fewer.len(), "without {}", list[left_out]);
        let again = sim().strategy(Strategy::Replay(tape)).run(program).map(|_| ()).unwrap_err();
        assert_eq!(again.message(), "the end");
    }
}

#[test]
fn a_check_limits_the_faults_of_a_storm_by_label() {
    let program = |rt: SimRuntime| async move {
        nodes(&rt);
        let deaths = Arc::new(Mutex::new(Vec::new()));
        for name in NAMES {
            let deaths = deaths.clone();
            rt.node(name).on_kill(move |death| deaths.lock().unwrap().push((name, death)));
        }
        let storm = rt.storm(every(5).down_at_most(3));
        rt.sleep(SECOND * 60).await;
        let frozen = NAMES.iter().any(|name| rt.node(*name).is_frozen());
        storm.calm().await;
        let deaths = deaths.lock().unwrap();
        assert!(deaths.iter().all(|(name, death)| *name == "b" && *death == Death::Crashed));
        assert!(deaths.len() <= 2 && !frozen, "{deaths:?}");
    };
    let check = || Check::new().runs(40).allow_leaks(true).faults("*", Rate(0.0));
    let checked = check().faults("crash@b", Rate(1.0).at_most(2)).run(program);
    assert!(checked.faults > 10, "{checked:?}");
    let none = check().faults("frieze", Rate(1.0)).try_run(program).unwrap_err();
    assert_eq!(none.failure().kind(), FailureKind::NoFault);
    let text = none.to_string();
    assert!(text.contains("`crash@a`") && text.contains("`freeze@b`"), "{text}");
}

#[test]
fn crashes_and_freezes_are_faults_and_what_mends_them_is_not() {
    let program = |rt: SimRuntime| async move {
        let [a, b] = ["a", "b"].map(|name| rt.node(name));
        a.start(|_| async {});
        a.kill();
        a.crash();
        b.freeze();
        b.freeze();
        let down = (a.is_crashed(), b.is_frozen());
        b.thaw();
        a.restart();
        assert_eq!(down, (false, false));
    };
    let failure = Sim::new(1).run(program).unwrap_err();
    let faults: Vec<_> = failure.tape().faults().iter().map(ToString::to_string).collect();
    assert_eq!(faults, ["kill@a#1", "crash@a#1", "freeze@b#1"]);
    let found = Check::new().runs(8).try_run(program).unwrap_err();
    assert_eq!(self::faults(&found), ["crash@a#1", "freeze@b#1"], "{found}");
    let text = found.to_string();
    assert!(text.contains("mended: start@a") && text.contains("mended: thaw@b"), "{text}");
}

#[test]
fn a_check_wants_its_goals_and_its_faults() {
    let program = |rt: SimRuntime| async move {
        rt.sometimes("the read failed");
        if rt.buggify("kv get") {
            reached("the read failed");
        }
    };
    let check = || Check::new().runs(40);
    assert!(check().faults("kv *", Rate(0.5)).run(program).faults > 0);
    let kind = |check: Check| check.try_run(program).unwrap_err().failure().kind();
    assert_eq!(kind(check().faults("kv *", Rate(0.0))), FailureKind::Unreached);
    // The cause is named, and not what it entails.
    assert_eq!(kind(check().faults("kv *", Rate(0.5).after(9))), FailureKind::NoFault);
}

#[cfg(feature = "preempt")]
mod preempted {
    use tokio::sync::Mutex;

    use super::*;

    /// Two locks in different orders, which is a deadlock, but only once a node was killed.
    async fn after_a_kill(rt: SimRuntime) {
        nodes(&rt);
        let killed = Arc::new(AtomicBool::new(false));
        let seen = killed.clone();
        rt.node("a").on_kill(move |_| seen.store(true, SeqCst));
        let storm = rt.storm(every(2));
        rt.sleep(SECOND * 60).await;
        storm.calm().await;
        let (one, other) = (Arc::new(Mutex::new(())), Arc::new(Mutex::new(())));
        let both = |first: &Arc<Mutex<()>>, second: &Arc<Mutex<()>>| {
            let (first, second) = (first.clone(), second.clone());
            rt.spawn_with_handle(async move {
                let _first = first.lock().await;
                let _second = second.lock().await;
            })
        };
        let swapped = killed.load(SeqCst);
        let second = if swapped { both(&other, &one) } else { both(&one, &other) };
        let tasks = [both(&one, &other), second];
        let done = async {
            for task in tasks {
                task.await.unwrap();
            }
        };
        assert!(rt.timeout(SECOND, done).await.is_ok(), "it hangs");
    }

    #[test]
    fn a_tape_with_suspensions_and_faults_replays() {
        let check = || Check::new().allow_leaks(true);
        check().runs(200).run(after_a_kill);
        let found = check().preempt_ready(0.5).try_run(after_a_kill).unwrap_err();
        assert!(found.failure().message().contains("it hangs"), "{found}");
        let text = found.failure().tape().to_string();
        // Both are needed, and nothing else is left.
        let (schedule, faults) = text.split_once(";f:").unwrap();
        let (_, suspensions) = schedule.split_once('~').expect("suspensions");
        assert!(!suspensions.is_empty() && !suspensions.contains('.'), "{found}");
        assert!(text.starts_with("t2:") && !faults.contains(','), "{found}");
        assert!(faults.starts_with("kill@a#") || faults.starts_with("crash@a#"), "{found}");
        assert!(found.to_string().contains(" to 1 suspensions"), "{found}");
        let set = |sim: Sim| sim.allow_leaks(true).preempt_ready(0.5);
        assert_replays(&found, set, after_a_kill);
        // Neither does without the other.
        let run = |tape: &str| {
            let tape = Strategy::Replay(tape.parse().unwrap());
            set(Sim::new(found.failure().seed())).strategy(tape).run(after_a_kill).err()
        };
        assert!(run(&format!("t2:;f:{faults}")).is_none());
        let without = run(&format!("t2:~{suspensions};f:"));
        assert!(without.is_none_or(|it| it.kind() == FailureKind::Diverged));
    }
}
