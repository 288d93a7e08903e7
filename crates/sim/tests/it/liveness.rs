//! What has to come about, and what has to be reached.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::yield_now;
use async_runtime_compat_sim::{Check, Failure, FailureKind, Sim, SimRuntime, Strategy, reached};

use super::everywhere;

const SECOND: Duration = Duration::from_secs(1);

/// A flag, and a condition that is true while it is set.
fn flag() -> (Arc<AtomicBool>, impl FnMut() -> bool + Send + 'static) {
    let flag = Arc::new(AtomicBool::new(false));
    let seen = flag.clone();
    (flag, move || seen.load(SeqCst))
}

/// Every rise of the first flag leads to the second within three seconds. The flags are set and
/// cleared at these times, in seconds.
fn flags(times: &'static [(u64, usize, bool)]) -> Result<Duration, Failure> {
    let run = Sim::new(1).run(|rt| async move {
        let (asked, premise) = flag();
        let (answered, conclusion) = flag();
        rt.leads_to("answers", SECOND * 3, premise, conclusion);
        let flags = [asked, answered];
        let start = rt.now();
        for (at, index, value) in times {
            rt.sleep_until(start + SECOND * u32::try_from(*at).unwrap()).await;
            flags[*index].store(*value, SeqCst);
        }
        rt.sleep(SECOND * 100).await;
    });
    run.map(|report| report.elapsed)
}

/// At which second which flag is set to what.
type Times = &'static [(u64, usize, bool)];

#[test]
fn every_rise_of_the_premise_needs_its_conclusion() {
    let kept: [&'static [(u64, usize, bool)]; 6] = [
        &[],
        &[(1, 0, true), (3, 1, true)],
        // At the last moment.
        &[(1, 0, true), (4, 1, true)],
        // At once, and before.
        &[(1, 1, true), (2, 0, true)],
        // It may become false again, and the premise as well.
        &[(1, 0, true), (2, 1, true), (3, 1, false), (90, 0, false)],
        // Twice.
        &[(1, 0, true), (2, 1, true), (3, 1, false), (4, 0, false), (5, 0, true), (7, 1, true)],
    ];
    for times in kept {
        flags(times).unwrap_or_else(|failure| panic!("{times:?}: {failure}"));
    }
    let broken: [(Times, u64); 4] = [
        (&[(0, 0, true)], 3),
        (&[(1, 0, true), (5, 1, true)], 4),
        // The second rise.
        (&[(1, 0, true), (2, 1, true), (3, 1, false), (4, 0, false), (5, 0, true)], 8),
        // The first of two counts.
        (&[(1, 0, true), (2, 0, false), (3, 0, true), (5, 1, true)], 4),
    ];
    for (times, at) in broken {
        let failure = flags(times).unwrap_err();
        assert_eq!(failure.kind(), FailureKind::Invariant, "{times:?}: {failure}");
        assert_eq!(failure.elapsed(), Duration::from_secs(at), "{times:?}: {failure}");
        assert!(
            failure.message().starts_with("`answers`: the premise became true at"),
            "{failure}"
        );
    }
}

#[test]
fn the_end_of_the_run_breaks_a_promise() {
    let failure = Sim::new(1).run(|rt| async move {
        let (asked, premise) = flag();
        rt.leads_to("answers", SECOND, premise, || false);
        rt.sleep(SECOND).await;
        asked.store(true, SeqCst);
    });
    let failure = failure.unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Invariant);
    assert!(failure.message().contains("the run ended while"), "{failure}");
    // What has to hold again and again need not at the end.
    let run = Sim::new(1).run(|rt| async move { rt.always_eventually("x", SECOND, || false) });
    run.unwrap();
}

#[test]
fn always_eventually_is_again_and_again() {
    let toggled = |pause: u64| {
        Sim::new(1).run(move |rt| async move {
            let (up, condition) = flag();
            up.store(true, SeqCst);
            rt.always_eventually("it is up", SECOND * 10, condition);
            for _ in 0..20 {
                rt.sleep(SECOND * 60).await;
                up.store(false, SeqCst);
                rt.sleep(Duration::from_secs(pause)).await;
                up.store(true, SeqCst);
            }
        })
    };
    toggled(10).unwrap();
    let failure = toggled(11).unwrap_err();
    assert_eq!(failure.elapsed(), SECOND * 70);
    let expected = "`it is up` has not held since 60s, and should again within 10s";
    assert_eq!(failure.message(), expected);
}

#[test]
fn promises_hold_in_every_schedule_or_not() {
    // A race of the answer against the deadline: both are ready at the same time.
    let program = |rt: SimRuntime| async move {
        let (asked, premise) = flag();
        let (answered, conclusion) = flag();
        rt.leads_to("answers", SECOND, premise, conclusion);
        asked.store(true, SeqCst);
        let timer = rt.clone();
        let answers = rt.spawn_with_handle(async move {
            timer.sleep(SECOND).await;
            yield_now().await;
            answered.store(true, SeqCst);
        });
        rt.sleep(SECOND).await;
        answers.await.unwrap();
    };
    everywhere(50, program);
    // Steps that take time make it late.
    let cost = Duration::from_nanos(1)..=Duration::from_nanos(1);
    assert!(Sim::new(1).step_cost(cost).run(program).is_err());
}

#[test]
fn a_condition_that_panics_fails_the_run() {
    let failure = Sim::new(1).run(|rt| async move {
        rt.leads_to("sums", SECOND, || panic!("3 is not 4"), || true);
        yield_now().await;
    });
    let failure = failure.unwrap_err();
    assert_eq!(failure.message(), "a condition of `sums` panicked: 3 is not 4");
}

#[test]
fn conditions_may_use_the_runtime_and_are_dropped_at_the_end() {
    let looks = Arc::new(AtomicU32::new(0));
    Sim::new(1)
        .run(|rt| {
            let (looks, inner) = (looks.clone(), rt.clone());
            async move {
                let condition = move || {
                    if looks.fetch_add(1, SeqCst) == 0 {
                        let looks = looks.clone();
                        inner.always_eventually("inner", SECOND, move || {
                            looks.fetch_add(100, SeqCst);
                            true
                        });
                    }
                    let _ = inner.now();
                    true
                };
                rt.always_eventually("outer", SECOND, condition);
                yield_now().await;
                yield_now().await;
            }
        })
        .unwrap();
    assert!(looks.load(SeqCst) > 200, "{looks:?}");
    assert_eq!(Arc::strong_count(&looks), 1, "the conditions hold the simulation");
}

#[test]
fn a_check_that_never_gets_there_fails() {
    // One of two tasks comes first; under one strategy it is always the same.
    let program = |rt: SimRuntime| async move {
        rt.sometimes("the second task is first");
        let first = Arc::new(AtomicU32::new(0));
        let task = |number| {
            let first = first.clone();
            rt.spawn_with_handle(async move {
                if first.fetch_add(1, SeqCst) == 0 && number == 2 {
                    reached("the second task is first");
                }
            })
        };
        for task in [task(1), task(2)] {
            task.await.unwrap();
        }
    };
    Check::new().runs(100).run(program);
    let check = || Check::new().runs(100).strategies([Strategy::RoundRobin]);
    let missed = check().try_run(program).unwrap_err();
    assert_eq!(missed.failure().kind(), FailureKind::Unreached);
    let text = missed.to_string();
    let expected = "none of 100 runs failed, but the check shows nothing\nnever reached: none of 100 \
                    runs reached `the second task is first`";
    assert!(text.starts_with(expected), "{text}");
    assert!(missed.replay_line().starts_with("cargo test "), "{text}");
    // Every place that is missed is named, and the check may ask itself.
    let missed = check().sometimes("a").sometimes("b").try_run(|rt| async move { rt.reached("a") });
    assert!(missed.unwrap_err().to_string().contains("reached `b`:"));
    let dfs = Check::new().strategies([Strategy::Dfs { max_preemptions: 2 }]);
    assert!(dfs.clone().run(program).exhausted);
    assert!(dfs.sometimes("never").try_run(program).is_err());
    // Single runs and explorations do not judge.
    assert!(Sim::new(1).strategy(Strategy::RoundRobin).run(program).is_ok());
    // A replay is one run.
    let tape = Strategy::Replay("t1:".parse().unwrap());
    let replay = Check::new().strategies([tape]).try_run(program);
    assert!(replay.is_ok_and(|checked| checked.runs == 1));
    // Outside of simulations it does nothing.
    reached("the second task is first");
}

#[test]
fn a_failure_comes_before_what_was_missed() {
    let fails = |_| async { assert!(std::hint::black_box(false), "it fails") };
    let found = Check::new().runs(10).sometimes("never").try_run(fails);
    assert_eq!(found.unwrap_err().failure().kind(), FailureKind::Panic);
}
