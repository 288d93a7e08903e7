//! `check`: what it runs, what it finds, and what it says of it.

use std::fmt;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::yield_now;
use async_runtime_compat_sim::{
    self as sim, Check, Counterexample, FailureKind, Sim, SimRuntime, Strategy, Tape,
};

use static_assertions::assert_impl_all;

use super::programs::{Latch, long_before_short, lost_update, reorder};

assert_impl_all!(Counterexample: std::error::Error, Send, Sync, Unpin);
assert_impl_all!(sim::Timeline: Clone, Send, Sync);
assert_impl_all!(sim::Eventually: Send, Unpin, Future<Output = ()>);

fn found<F: Future<Output = ()>>(
    check: Check,
    program: impl Fn(SimRuntime) -> F + Sync,
) -> Counterexample {
    check.try_run(program).expect_err("it fails")
}

#[track_caller]
fn assert_contains(text: &impl fmt::Display, words: &[&str]) {
    let text = text.to_string();
    for word in words {
        assert!(text.contains(word), "no `{word}` in: {text}");
    }
}

#[test]
fn what_is_correct_passes_all_runs() {
    let count = AtomicU64::new(0);
    let checked = Check::new().runs(300).run(|rt| {
        count.fetch_add(1, Ordering::SeqCst);
        lost_update(rt, 1)
    });
    assert_eq!((checked.runs, checked.starved, checked.exhausted), (300, 0, false));
    // Some were run twice, and one to learn from.
    assert!(count.into_inner() > 300 + 8);
    sim::check(|rt| lost_update(rt, 1));
}

#[test]
fn an_error_is_a_failure_and_ends_the_run() {
    let program = |rt: SimRuntime| async move {
        // It would be a leak.
        rt.spawn_detached(std::future::pending());
        "seven".parse::<u64>()
    };
    let found = Check::new().try_run(program).unwrap_err();
    assert_eq!(found.failure().kind(), FailureKind::Error, "{found}");
    assert_contains(&found, &["error: ParseIntError", "InvalidDigit", "; returns an error\n"]);
    let checked = Check::new().runs(50).run(|_| async { "7".parse::<u64>() });
    assert_eq!(checked.runs, 50);
}

#[test]
fn the_outcome_is_the_same_on_any_number_of_threads() {
    for seed in [0, 1000, 2000] {
        let on = |threads| {
            let threads = NonZeroUsize::new(threads).unwrap();
            let check = Check::new().seed(seed).threads(threads);
            // Rare enough that others have begun later runs by then.
            found(check.strategies([Strategy::Random]), |rt| long_before_short(rt, 8)).to_string()
        };
        let first = on(1);
        assert_contains(&first, &["the long one was first"]);
        for threads in [2, 5] {
            assert_eq!(first, on(threads));
        }
    }
}

#[test]
fn a_bug_of_one_preemption_shrinks_to_it() {
    for strategy in [Strategy::Random, Strategy::Pct { depth: 3 }, Strategy::Urw] {
        let check = Check::new().strategies([strategy.clone()]);
        let found = found(check, |rt| lost_update(rt, 2));
        // The future spawns, one reads, the other one reads and writes, the first one writes, the
        // future looks: that is as few as it takes.
        assert_eq!(found.timeline().context_switches(), 4, "{found}");
        assert_eq!(found.shrunk().map(|(_, after)| after), Some(4), "{strategy}: {found}");
        assert_contains(&found, &["to 1 of them preemptions"]);
    }
}

#[test]
fn a_long_schedule_shrinks_to_what_matters() {
    // Thirty tasks with nothing to do with it, and two that must be in each other's way.
    let program = |rt: SimRuntime| async move {
        let latch = Latch::new(30);
        for _ in 0..30 {
            let (latch, timer) = (latch.clone(), rt.clone());
            rt.spawn_detached(async move {
                for _ in 0..5 {
                    yield_now().await;
                    timer.sleep(Duration::from_millis(1)).await;
                }
                latch.count();
            });
        }
        lost_update(rt.clone(), 2).await;
        latch.wait().await;
    };
    let found = found(Check::new().strategies([Strategy::Random]), program);
    let (before, after) = found.shrunk().unwrap();
    assert!(before > 20, "{found}");
    assert_eq!(after, 4, "none of the thirty has to go: {found}");
}

#[test]
fn the_shrunk_tape_replays_strictly() {
    for setters in [2, 3, 4] {
        let found = found(Check::new(), |rt| reorder(rt, setters));
        let failure = found.failure();
        let tape: Tape = failure.tape().to_string().parse().unwrap();
        let again = Sim::new(failure.seed()).strategy(Strategy::Replay(tape));
        let again = again.run(|rt| reorder(rt, setters)).unwrap_err();
        assert_eq!((again.kind(), again.message()), (failure.kind(), failure.message()));
        assert_eq!(again.steps(), failure.steps());
    }
}

#[test]
fn what_is_said_is_all_that_is_needed() {
    let found = found(Check::new(), |rt| lost_update(rt, 2));
    let seed = format!("DST_SEED={}", found.failure().seed());
    let test = "check::what_is_said_is_all_that_is_needed";
    let command = format!("cargo test {} {test} -- --exact", crate::SELECTED);
    let words = [
        "of 1000 failed\npanic: assertion `left == right` failed: an update was lost",
        "  strategy  ",
        "  shrunk    from ",
        "replay it with\n\n    DST_SEED=",
        &seed,
        "DST_TAPE=t1:",
        &command,
        "  step  time  0 main  1  2",
        "spawns 1, 2; waits",
        "programs.rs:",
        "▶ panic: ",
    ];
    assert_contains(&found, &words);
    let line = found.replay_line().to_owned();
    assert!(line.starts_with(&seed) && !line.contains('\n'), "{line}");
}

#[test]
fn a_panic_carries_what_is_said() {
    let run = catch_unwind(|| sim::check(|rt| lost_update(rt, 2)));
    let payload = run.unwrap_err();
    let message = payload.downcast_ref::<String>().unwrap();
    assert_contains(message, &["an update was lost", "replay it with"]);
}

#[test]
fn the_middle_of_a_long_table_is_left_out() {
    let program = |rt: SimRuntime| async move {
        let worker = rt.spawn_named("worker", async {
            for _ in 0..500 {
                yield_now().await;
            }
        });
        worker.await.unwrap();
    };
    let (result, timeline) = Sim::new(1).timeline(program);
    result.unwrap();
    let table = timeline.to_string();
    assert!(table.lines().count() < 100, "{table}");
    assert_contains(&table, &["0 main  1 worker", "rows omitted", "▶ the end: the run succeeded"]);
}

#[test]
fn a_table_shows_time_sleeps_and_who_woke_whom() {
    let (result, timeline) = Sim::new(1).timeline(|rt| async move {
        let (sender, receiver) = async_channel::bounded(1);
        let reader = rt.spawn_named("reader", async move { receiver.recv().await });
        rt.sleep(Duration::from_secs(3)).await;
        rt.note("sending");
        sender.send(1).await.unwrap();
        reader.await.unwrap().unwrap();
    });
    result.unwrap();
    let words = [
        "spawns 1 reader; sleeps until 3s; waits",
        "time passes; wakes 0 main",
        "“sending”; wakes 1 reader",
    ];
    assert_contains(&timeline, &words);
    assert_eq!(timeline.context_switches(), 4, "{timeline}");
}

#[test]
fn many_tasks_have_a_legend_or_none() {
    let run = |tasks: u32| {
        let (result, timeline) = Sim::new(1).timeline(|rt| async move {
            let task = |number| rt.spawn_named(format!("worker {number}"), async {});
            for task in (0..tasks).map(task).collect::<Vec<_>>() {
                task.await.unwrap();
            }
        });
        result.unwrap();
        timeline.to_string()
    };
    assert_contains(&run(10), &["3 worker 2 (from ", "  step  time  0  1  2  3"]);
    assert_contains(&run(60), &["3 worker 2:"]);
}

#[test]
fn a_picture_is_written_on_request() {
    let directory = std::env::temp_dir().join(format!("dst-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("found.svg");
    let found = found(Check::new().svg(&path), |rt| lost_update(rt, 2));
    assert_contains(&found, &["picture   ", "found.svg"]);
    let svg = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_dir_all(&directory).unwrap();
    assert_contains(
        &svg,
        &["<svg ", "an update was lost", "</svg>", "class=\"wake\"", "`left == right`"],
    );
    assert_eq!(svg.matches("<g>").count(), svg.matches("</g>").count());
    let gone = self::found(Check::new().svg(&path), |rt| lost_update(rt, 2));
    assert_contains(&gone, &["found.svg was not written: "]);
}

#[test]
fn a_task_that_spins_is_no_failure_of_pct() {
    /// Waits for the other one without letting itself be woken.
    async fn spinning(rt: SimRuntime) {
        let ready = Arc::new(AtomicU64::new(0));
        let set = ready.clone();
        let setter = rt.spawn_with_handle(async move { set.store(1, Ordering::SeqCst) });
        while ready.load(Ordering::SeqCst) == 0 {
            yield_now().await;
        }
        setter.await.unwrap();
    }
    let checked = Check::new().runs(80).run(spinning);
    assert!(checked.starved > 0, "{checked:?}");
    let only = Check::new().runs(80).max_steps(5_000).strategies([Strategy::Pct { depth: 1 }]);
    let found = only.try_run(spinning).unwrap_err();
    assert_eq!(found.failure().kind(), FailureKind::StepLimit);
}

#[test]
fn dfs_is_exhausted_or_finds_it() {
    let check = || Check::new().strategies([Strategy::Dfs { max_preemptions: 1 }]);
    let checked = check().run(|rt| lost_update(rt, 1));
    assert!(checked.exhausted && checked.runs >= 1, "{checked:?}");
    let found = found(check(), |rt| lost_update(rt, 2));
    assert_eq!(found.timeline().context_switches(), 4, "{found}");
}

#[test]
fn strategies_that_do_not_go_together_are_refused() {
    let refused = |strategies: Vec<Strategy>| {
        let built = catch_unwind(AssertUnwindSafe(|| drop(Check::new().strategies(strategies))));
        *built.unwrap_err().downcast::<String>().unwrap_or_default()
    };
    let dfs = Strategy::Dfs { max_preemptions: 1 };
    assert_contains(
        &refused(vec![dfs, Strategy::Urw]),
        &["`dfs(max_preemptions=1)` cannot be one"],
    );
    refused(vec![]);
    refused(vec![Strategy::Pct { depth: 0 }]);
}

#[test]
fn each_run_has_a_seed_of_its_own_and_strategies_take_turns() {
    let draws = Mutex::new(Vec::new());
    let threads = NonZeroUsize::MIN;
    Check::new().runs(20).seed(5).threads(threads).strategies([Strategy::RoundRobin]).run(|rt| {
        let drawn = rt.rng("x").next_u64();
        draws.lock().unwrap().push(drawn);
        async {}
    });
    let mut draws = draws.into_inner().unwrap();
    draws.sort_unstable();
    draws.dedup();
    assert_eq!(draws.len(), 20);
}

#[test]
fn a_stall_and_a_leak_are_found_and_shrunk() {
    // Two locks, taken in both orders.
    let program = |rt: SimRuntime| async move {
        let (one, two) = (async_channel::bounded(1), async_channel::bounded(1));
        one.0.send(()).await.unwrap();
        two.0.send(()).await.unwrap();
        let mut tasks = Vec::new();
        for (name, first, second) in [("ab", &one, &two), ("ba", &two, &one)] {
            let (first, second) = (first.clone(), second.clone());
            tasks.push(rt.spawn_named(name, async move {
                first.1.recv().await.unwrap();
                yield_now().await;
                second.1.recv().await.unwrap();
                second.0.send(()).await.unwrap();
                first.0.send(()).await.unwrap();
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
    };
    let found = found(Check::new(), program);
    assert_eq!(found.failure().kind(), FailureKind::Stall);
    assert_contains(&found, &["task 1 'ab', spawned at ", "task 2 'ba', spawned at "]);
    assert!(found.timeline().context_switches() <= 3, "{found}");
}
