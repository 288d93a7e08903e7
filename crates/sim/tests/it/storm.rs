//! Storms of faults, and the calm after them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat_sim::{ActiveStorm, Check, Death, FailureKind, Sim, SimRuntime, Storm};

const SECOND: Duration = Duration::from_secs(1);
const NAMES: [&str; 3] = ["a", "b", "c"];

/// What a storm did, by the look of it at each millisecond and by the hooks.
#[derive(Clone, Debug, Default, PartialEq)]
struct Seen {
    deaths: Vec<(Duration, &'static str, Death)>,
    births: usize,
    paused: BTreeSet<&'static str>,
    frozen: BTreeSet<&'static str>,
    cut_off: BTreeSet<&'static str>,
    most_down: usize,
    faults: u32,
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

fn kill_all(rt: &SimRuntime) {
    for name in NAMES {
        rt.node(name).kill();
    }
}

/// Whether the node hears no other one.
fn is_cut_off(rt: &SimRuntime, name: &str, alone: bool) -> bool {
    let others = || NAMES.iter().filter(|other| **other != name);
    if alone {
        others().all(|other| !rt.connected(name, other))
    } else {
        others().any(|other| !rt.connected(name, other))
    }
}

fn watch(seed: u64, storm: impl Fn() -> Storm + Sync) -> Seen {
    let run = Sim::new(seed).run(|rt| async move {
        nodes(&rt);
        let seen = Arc::new(Mutex::new(Seen::default()));
        let start = rt.now();
        for name in NAMES {
            let (deaths, births, timer) = (seen.clone(), seen.clone(), rt.clone());
            let node = rt.node(name);
            node.on_kill(move |death| {
                deaths.lock().unwrap().deaths.push((timer.now() - start, name, death));
            });
            node.on_restart(move |_| births.lock().unwrap().births += 1);
        }
        let storm = rt.storm(storm());
        for _ in 0..8_000 {
            rt.sleep(SECOND / 100).await;
            let mut seen = seen.lock().unwrap();
            let mut down = 0;
            for name in NAMES {
                let node = rt.node(name);
                let cut_off = is_cut_off(&rt, name, true);
                down += usize::from(
                    !node.is_alive() || node.is_paused() || node.is_frozen() || cut_off,
                );
                if node.is_paused() {
                    seen.paused.insert(name);
                }
                if node.is_frozen() {
                    seen.frozen.insert(name);
                }
                if cut_off {
                    seen.cut_off.insert(name);
                }
            }
            seen.most_down = seen.most_down.max(down);
        }
        seen.lock().unwrap().faults = storm.faults();
        storm.calm().await;
        let seen = seen.lock().unwrap().clone();
        kill_all(&rt);
        seen
    });
    run.unwrap().value
}

#[test]
fn a_storm_brings_the_faults_that_it_is_made_of() {
    let every =
        || Storm::new().kill(2).crash(1).pause(2).freeze(2).partition(2).outage(SECOND..=SECOND);
    let seen = watch(1, || every().down_at_most(3));
    let count = |death| seen.deaths.iter().filter(|(_, _, it)| *it == death).count();
    assert_eq!((count(Death::Killed), count(Death::Crashed)), (2, 1), "{seen:?}");
    assert_eq!((seen.births, seen.faults), (3, 9), "{seen:?}");
    assert!(!seen.paused.is_empty() && !seen.frozen.is_empty() && !seen.cut_off.is_empty());
    assert!(seen.deaths.iter().all(|(at, ..)| *at <= SECOND * 60), "{seen:?}");
    // It follows from the seed.
    assert_eq!(watch(1, || every().down_at_most(3)), seen);
    assert_ne!(watch(2, || every().down_at_most(3)), seen);
    assert_eq!(watch(1, Storm::new), Seen::default());
}

#[test]
fn a_fault_more_does_not_shift_the_others() {
    let kills = |times| {
        let storm = || Storm::new().kill(times).down_at_most(3).outage(SECOND / 100..=SECOND / 100);
        watch(7, storm).deaths.into_iter().map(|(at, ..)| at).collect::<BTreeSet<_>>()
    };
    let (few, many) = (kills(3), kills(6));
    assert_eq!((few.len(), many.len()), (3, 6));
    assert!(few.is_subset(&many), "{few:?} {many:?}");
}

#[test]
fn so_many_nodes_are_down_at_most() {
    let worst = |most| {
        let storm = move || {
            let storm = Storm::new().kill(10).crash(10).pause(10).freeze(10);
            // Where two of three nodes are cut off, the third one hears nobody either.
            let storm = if most < 2 { storm.partition(10) } else { storm };
            storm.down_at_most(most).outage(SECOND..=SECOND * 5)
        };
        (0..5).map(|seed| watch(seed, storm).most_down).max().unwrap()
    };
    assert_eq!((worst(0), worst(1), worst(2)), (0, 1, 2));
}

#[test]
fn only_the_chosen_nodes_suffer() {
    let seen = watch(3, || Storm::new().kill(5).pause(5).partition(5).nodes(["b"]));
    assert!(seen.faults > 2, "{seen:?}");
    let named =
        seen.deaths.iter().map(|(_, name, _)| name).chain(&seen.paused).chain(&seen.cut_off);
    assert!(named.into_iter().all(|name| *name == "b"), "{seen:?}");
}

/// A storm that is at its worst.
async fn raging(rt: &SimRuntime) -> ActiveStorm {
    let storm = Storm::new().kill(8).crash(8).pause(8).freeze(8).partition(8).skew(SECOND * 3600);
    let storm = rt.storm(storm.down_at_most(3).outage(SECOND * 100..=SECOND * 100));
    rt.sleep(SECOND * 60).await;
    storm
}

#[test]
fn the_calm_heals_everything() {
    for seed in 0..30 {
        let run = Sim::new(seed).run(|rt| async move {
            nodes(&rt);
            let storm = raging(&rt).await;
            let suffers = |name: &&&'static str| {
                let node = rt.node(**name);
                let held = !node.is_alive() || node.is_paused() || node.is_frozen();
                held || is_cut_off(&rt, name, false)
            };
            assert!(NAMES.iter().filter(suffers).count() >= 1);
            storm.calm().await;
            assert_eq!(NAMES.iter().filter(suffers).count(), 0);
            for name in NAMES {
                let off = rt.node(name).runtime().system_time();
                assert_eq!(off, rt.system_time(), "the clock of '{name}' is right");
            }
            // Nothing happens any more.
            let lives = || NAMES.map(|name| rt.node(name).incarnation());
            let before = lives();
            rt.sleep(SECOND * 1000).await;
            assert_eq!(lives(), before);
            assert_eq!(NAMES.iter().filter(suffers).count(), 0);
            kill_all(&rt);
        });
        run.unwrap_or_else(|failure| panic!("seed {seed}: {failure}"));
    }
}

#[test]
fn clocks_are_set_off_by_up_to_the_limit() {
    let run = Sim::new(1).run(|rt| async move {
        nodes(&rt);
        let limit = SECOND * 60;
        let storm = rt.storm(Storm::new().skew(limit).lasts(SECOND));
        rt.sleep(SECOND * 2).await;
        let right = rt.system_time();
        let off = NAMES.map(|name| {
            let shown = rt.node(name).runtime().system_time();
            shown.duration_since(right).unwrap_or_else(|behind| behind.duration())
        });
        assert!(off.iter().all(|off| *off > Duration::ZERO && *off <= limit), "{off:?}");
        assert_eq!(storm.faults(), 3);
        kill_all(&rt);
    });
    run.unwrap();
}

#[test]
fn a_dropped_storm_ends_and_leaves_no_task() {
    let run = Sim::new(4).run(|rt| async move {
        nodes(&rt);
        drop(raging(&rt).await);
        let look = || NAMES.map(|name| (rt.node(name).is_alive(), rt.node(name).incarnation()));
        let before = look();
        rt.sleep(SECOND * 1000).await;
        assert_eq!(look(), before);
        kill_all(&rt);
        // One that is dropped at the end is no leak either.
        let _storm = rt.storm(Storm::new().kill(1));
    });
    run.unwrap();
}

#[test]
fn a_check_finds_what_a_storm_breaks() {
    // A node that forgets what it was told when it is killed, and a client that does not ask again.
    let program = |forgets: bool| {
        move |rt: SimRuntime| async move {
            let known = Arc::new(AtomicBool::new(false));
            let (told, asked) = (known.clone(), known.clone());
            let node = rt.node("db");
            if forgets {
                node.on_kill(move |_| told.store(false, SeqCst));
            }
            let storm = rt.storm(Storm::new().kill(2));
            rt.sleep(SECOND * 5).await;
            known.store(true, SeqCst);
            rt.sleep(SECOND * 60).await;
            storm.calm().await;
            rt.always_eventually("what was told is known", SECOND, move || asked.load(SeqCst));
            rt.sleep(SECOND * 2).await;
        }
    };
    Check::new().runs(100).run(program(false));
    let found = Check::new().runs(100).try_run(program(true)).unwrap_err();
    assert_eq!(found.failure().kind(), FailureKind::Invariant, "{found}");
    assert!(found.failure().message().contains("`what was told is known` has not held"), "{found}");
}

#[test]
fn a_partition_is_seen_on_both_sides() {
    let run = Sim::new(1).run(|rt| async move {
        nodes(&rt);
        let outage = SECOND * 10..=SECOND * 10;
        let storm =
            rt.storm(Storm::new().partition(1).lasts(SECOND).outage(outage).down_at_most(2));
        rt.sleep(SECOND * 2).await;
        let pairs = [("a", "b"), ("b", "c"), ("a", "c")];
        let cut = pairs.iter().filter(|(one, other)| !rt.connected(one, other)).count();
        assert_eq!(cut, 2, "a group of one or two is cut off from the rest");
        assert!(pairs.iter().all(|(a, b)| rt.connected(a, b) == rt.connected(b, a)));
        assert!(rt.connected("a", "a"));
        rt.sleep(SECOND * 20).await;
        assert!(pairs.iter().all(|(one, other)| rt.connected(one, other)), "it has healed");
        drop(storm);
        kill_all(&rt);
    });
    run.unwrap();
}
