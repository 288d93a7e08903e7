//! Faults by seed, and the real world where it gets in.

use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::{Ambient, BlockingPool, current};
use async_runtime_compat_sim::{self as sim, FailureKind, Sim, SimRuntime};

use super::everywhere;

/// Within four standard deviations.
#[expect(clippy::cast_precision_loss, reason = "the counts are small")]
#[track_caller]
fn assert_near(hits: u64, draws: u64, expected: f64) {
    let (rate, draws) = (hits as f64 / draws as f64, draws as f64);
    let deviation = (expected * (1.0 - expected) / draws).sqrt();
    assert!((rate - expected).abs() <= 4.0 * deviation, "{rate} is not {expected}");
}

const VISITS: u64 = 100;

/// At which of so many visits a point fires.
fn visits(sim: Sim, label: &str) -> Vec<bool> {
    sim.run(|rt| async move { (0..VISITS).map(|_| rt.buggify(label)).collect() }).unwrap().value
}

fn count(fired: &[bool]) -> u64 {
    fired.iter().filter(|fired| **fired).count() as u64
}

#[test]
fn points_are_enabled_and_fire_as_often_as_they_say() {
    const RUNS: u64 = 2_000;
    for (set, enabled, fires) in [(None, 0.25, 0.25), (Some((0.5, 0.9)), 0.5, 0.9)] {
        let (mut runs, mut fired) = (0, 0);
        for seed in 0..RUNS {
            let sim = Sim::new(seed);
            let sim = match set {
                Some((enabled, fires)) => sim.buggify(enabled, fires),
                None => sim,
            };
            let visits = count(&visits(sim, "slow disk"));
            runs += u64::from(visits > 0);
            fired += visits;
        }
        assert_near(runs, RUNS, enabled);
        assert_near(fired, runs * VISITS, fires);
    }
}

#[test]
fn always_and_never() {
    for seed in 0..50 {
        assert_eq!(count(&visits(Sim::new(seed).buggify(1.0, 1.0), "x")), VISITS);
        assert_eq!(count(&visits(Sim::new(seed).buggify(0.0, 1.0), "x")), 0);
        assert_eq!(count(&visits(Sim::new(seed).buggify(1.0, 0.0), "x")), 0);
        let run = Sim::new(seed).buggify(1.0, 0.0).run(|rt| async move {
            assert!(rt.buggify_with("x", 1.0) && !rt.buggify_with("x", 0.0));
        });
        run.unwrap();
    }
}

#[test]
fn points_depend_on_the_seed_and_the_label_alone() {
    let with_noise = |seed: u64| {
        let run = Sim::new(seed).buggify(1.0, 0.5).run(|rt| async move {
            let mut rng = rt.rng("x");
            let mut fired = Vec::new();
            for n in 0..VISITS {
                if n % 3 == 0 {
                    let _ = (rt.buggify("y"), rng.below(7), rt.node("a").runtime().buggify("x"));
                    async_runtime_compat::yield_now().await;
                }
                fired.push(rt.buggify("x"));
            }
            fired
        });
        run.unwrap().value
    };
    let alone = |seed| visits(Sim::new(seed).buggify(1.0, 0.5), "x");
    assert_eq!(alone(1), with_noise(1));
    assert_ne!(alone(1), alone(2));
    assert_ne!(alone(1), visits(Sim::new(1).buggify(1.0, 0.5), "y"));
}

#[test]
fn points_shift_no_other_draw() {
    let hash = |points: bool| {
        let run = Sim::new(5).run(|rt| async move {
            let tasks: Vec<_> = (0..10_u64)
                .map(|_| {
                    let rt2 = rt.clone();
                    rt.spawn_with_handle(async move {
                        for _ in 0..5 {
                            if points {
                                let _ = rt2.buggify("x");
                            }
                            async_runtime_compat::yield_now().await;
                        }
                        rt2.rng("x").next_u64()
                    })
                })
                .collect();
            let mut drawn = Vec::new();
            for task in tasks {
                drawn.push(task.await.unwrap());
            }
            drawn
        });
        let report = run.unwrap();
        // A fault that is injected is an event, so the hashes may differ.
        (report.value, report.steps)
    };
    assert_eq!(hash(true), hash(false));
}

#[test]
fn a_nodes_draws_are_its_own() {
    let drawn = |noise: u64| {
        let run = Sim::new(3).buggify(1.0, 0.5).run(|rt| async move {
            let (a, b) = (rt.node("a").runtime(), rt.node("b").runtime());
            for _ in 0..noise {
                let _ = (b.rng("x"), b.buggify("x"), rt.rng("x"), rt.buggify("x"));
            }
            let fired: Vec<_> = (0..50).map(|_| a.buggify("x")).collect();
            (a.rng("x").next_u64(), fired)
        });
        run.unwrap().value
    };
    assert_eq!(drawn(0), drawn(7));
    let run = Sim::new(3).run(|rt| async move {
        let draw = |rt: SimRuntime| rt.rng("x").next_u64();
        (draw(rt.node("a").runtime()), draw(rt.node("b").runtime()), draw(rt))
    });
    let (a, b, host) = run.unwrap().value;
    assert!(a != b && b != host && a != host);
}

#[test]
fn points_by_what_is_current() {
    assert!(!sim::buggify("x"), "outside of a simulation");
    let run = Sim::new(1).buggify(1.0, 1.0).run(|rt| async move {
        assert!(sim::buggify("x"));
        assert!(rt.spawn_with_handle(async { sim::buggify("x") }).await.unwrap());
        assert!(rt.spawn_blocking(|| sim::buggify("x")).await.unwrap());
        let other = Sim::new(1).buggify(0.0, 0.0).run(|_| async { sim::buggify("x") });
        assert!(!other.unwrap().value, "that of the inner simulation");
        assert!(sim::buggify("x"));
    });
    run.unwrap();
    assert!(!sim::buggify("x"), "outside of a simulation");
}

#[test]
fn the_current_runtime_is_the_simulated_one() {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

    async fn year() {
        current().unwrap().sleep(YEAR).await;
    }

    everywhere(10, |rt| async move {
        let start = rt.now();
        year().await;
        rt.spawn_with_handle(year()).await.unwrap();
        // What was put around the simulation's runtime is found first.
        let ambient = Ambient::new(rt.clone());
        let found = ambient.spawn_with_handle(async { Arc::as_ptr(&current().unwrap()).addr() });
        assert_eq!(found.await.unwrap(), Arc::as_ptr(&ambient).addr());
        let job = rt.spawn_blocking(|| current().unwrap().spawn_with_handle(year()));
        job.await.unwrap().await.unwrap();
        assert_eq!(rt.now() - start, YEAR * 3);
    });
}

#[test]
fn a_runtime_around_the_simulation_is_not_found_inside() {
    // A simulation will do for a runtime that somebody has made current on this thread.
    let outer = Sim::new(1).run(|outer| async move {
        let ambient = Ambient::new(outer);
        ambient.clone().in_scope(|| {
            let inner = Sim::new(2).run(|rt| async move {
                let start = rt.now();
                current().unwrap().sleep(Duration::from_secs(1)).await;
                assert_eq!(rt.now() - start, Duration::from_secs(1));
            });
            inner.unwrap();
            Arc::as_ptr(&current().unwrap()).addr() == Arc::as_ptr(&ambient).addr()
        })
    });
    assert!(outer.unwrap().value, "afterwards it is found again");
}

/// The message of a run that does something in a task.
fn failing(work: fn() -> Option<JoinHandle<()>>) -> (FailureKind, String) {
    let program = move |rt: SimRuntime| async move {
        let task = rt.spawn_named("worker", async move { work().map(JoinHandle::detach) });
        task.await.unwrap();
    };
    Sim::new(1).foreign_threads(true).run(program).unwrap();
    let failure = Sim::new(1).run(program).unwrap_err();
    (failure.kind(), failure.message().to_owned())
}

#[track_caller]
fn takes_real_time(what: &str, work: fn() -> Option<JoinHandle<()>>) {
    let (kind, message) = failing(work);
    assert_eq!(kind, FailureKind::RealTime, "{message}");
    assert!(message.starts_with("task 1 'worker', spawned at "), "{message}");
    assert!(message.contains(what), "{message}");
}

#[test]
fn a_pool_of_threads_is_a_failure() {
    takes_real_time("a `BlockingPool`", || Some(BlockingPool::new().spawn_blocking(|| ())));
}

#[test]
fn smols_timer_and_pool_are_failures() {
    use async_runtime_compat::smol::SmolSpawner;

    takes_real_time("a timer of async-io", || {
        drop(SmolSpawner.sleep(Duration::ZERO));
        None
    });
    takes_real_time("the crate `blocking`", || Some(SmolSpawner.spawn_blocking(|| ())));
}

#[test]
fn tokios_timer_and_pool_are_failures() {
    use async_runtime_compat::tokio::TokioSpawner;

    fn in_tokio<T>(f: impl FnOnce(TokioSpawner) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _context = runtime.enter();
        f(TokioSpawner::current().unwrap())
    }

    takes_real_time("a sleep of tokio's", || {
        in_tokio(|tokio| drop(tokio.sleep(Duration::ZERO)));
        None
    });
    takes_real_time("a time limit of tokio's", || {
        in_tokio(|tokio| drop(tokio.timeout(Duration::ZERO, async {})));
        None
    });
    takes_real_time("tokio's pool", || Some(in_tokio(|tokio| tokio.spawn_blocking(|| ()))));
}
