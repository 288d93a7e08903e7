//! What a report says: the causes, the places and the names.

use std::fmt;
use std::future::{pending, poll_fn};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::yield_now;
use async_runtime_compat_sim::{Check, FailureKind, Sim, SimRuntime, Timeline, Waking};

#[track_caller]
fn assert_contains(text: &impl fmt::Display, words: &[&str]) {
    let text = text.to_string();
    for word in words {
        assert!(text.contains(word), "no `{word}` in: {text}");
    }
}

async fn idle(steps: u32) {
    for _ in 0..steps {
        yield_now().await;
    }
}

fn timeline<F: Future<Output = ()>>(program: impl FnOnce(SimRuntime) -> F) -> Timeline {
    Sim::new(1).buggify(1.0, 1.0).timeline(program).1
}

#[test]
fn causes_in_the_middle_of_a_long_run_are_shown() {
    let timeline = timeline(|rt| async move {
        idle(150).await;
        rt.note("the note");
        idle(150).await;
        assert!(rt.buggify("kv get"));
        idle(150).await;
        let node = rt.node("a");
        node.start(|_| pending());
        idle(150).await;
        node.kill();
        idle(150).await;
        node.restart();
        node.pause();
        node.resume();
        node.kill();
        idle(150).await;
        let panicking = rt.spawn_named("panicking", async { panic!("a panic in the middle") });
        panicking.await.unwrap_err();
        idle(150).await;
    });
    let words = [
        "“the note”",
        "FAULT kv get#1",
        "FAULT kill@a#1; drops 1 main@a",
        "mended: start@a",
        "FAULT pause@a#1; mended: resume@a",
        "a panic in the middle (at crates/sim/tests/it/report.rs:",
        "rows omitted: `{:#}` or `DST_TIMELINE=all` shows them\n",
    ];
    assert_contains(&timeline, &words);
    let (short, long) = (timeline.to_string(), format!("{timeline:#}"));
    assert!(short.lines().count() < 110, "{short}");
    assert!(long.lines().count() > 1_050 && !long.contains("omitted"), "{long}");
    // Each gap says how many rows it stands for.
    let shown = short.lines().filter(|line| !line.contains("omitted")).count();
    let omitted: usize = short
        .lines()
        .filter_map(|line| line.split_once(" row")?.0.split(' ').next_back()?.parse::<usize>().ok())
        .sum();
    assert_eq!(shown + omitted, long.lines().count(), "{short}");
}

#[test]
fn the_steps_of_blocked_tasks_are_shown() {
    let timeline = timeline(|rt| async move {
        idle(100).await;
        let (sender, receiver) = async_channel::bounded::<()>(1);
        rt.spawn_named("blocked", async move { receiver.recv().await.unwrap() }).detach();
        let busy = rt.spawn_named("busy", idle(500));
        busy.await.unwrap();
        let _sender = sender;
        pending::<()>().await;
    });
    let text = timeline.to_string();
    assert_contains(&text, &["▶ deadlock: ", "rows omitted"]);
    // Its only step, amid five hundred of another.
    let head = text.lines().find(|line| line.contains("step  time")).unwrap();
    let column = head[..head.find("1 blocked").unwrap()].chars().count();
    let steps = text.lines().filter(|line| line.chars().nth(column) == Some('●')).count();
    assert_eq!(steps, 1, "{text}");
}

/// The line on which the worker panics.
const BREAKS: u32 = line!() + 2;
fn worker() -> impl Future<Output = ()> + Send + 'static {
    poll_fn(|_| panic!("the worker broke"))
}

#[test]
fn a_joined_panic_is_reported_where_it_happened() {
    let program = |rt: SimRuntime| async move {
        rt.spawn_named("worker", worker()).await.unwrap();
    };
    let found = Check::new().try_run(program).unwrap_err();
    let place = format!("crates/sim/tests/it/report.rs:{BREAKS}:");
    let at = found.failure().panicked_at().unwrap();
    assert!(at.starts_with(&place), "{at}");
    assert_contains(&found, &[&format!("\n  panicked  at {at}, in task 1 'worker', spawned at ")]);

    let program = |rt: SimRuntime| async move {
        let error = rt.spawn_named("worker", worker()).await.unwrap_err();
        if error.is_panic() {
            std::panic::resume_unwind(error.into_panic());
        }
    };
    let found = Check::new().try_run(program).unwrap_err();
    assert!(found.failure().panicked_at().unwrap().starts_with(&place), "{found}");
    assert_eq!(found.to_string().matches(&format!("the worker broke (at {place}")).count(), 2);

    // A panic that was dealt with is not where a later one happened.
    let program = |rt: SimRuntime| async move {
        rt.spawn_named("worker", worker()).await.unwrap_err();
        assert_eq!(rt.now(), rt.now() + Duration::from_secs(1), "another one");
    };
    let found = Check::new().try_run(program).unwrap_err();
    assert!(!found.failure().panicked_at().unwrap().starts_with(&place), "{found}");
}

#[test]
fn a_future_that_panicked_is_not_blocked() {
    let failure = Sim::new(1).run(|rt| async move {
        rt.spawn_named("waits", pending::<()>()).detach();
        yield_now().await;
        assert!(rt.now() < rt.now(), "it panics");
    });
    let failure = failure.unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Panic);
    let names: Vec<_> = failure.tasks().iter().map(|task| (task.number(), task.name())).collect();
    assert_eq!(names, [(1, Some("waits"))]);
    let failure = Sim::new(1).run(|_| -> std::future::Ready<()> { panic!("before it is polled") });
    assert!(failure.unwrap_err().tasks().is_empty());
}

/// Wakes when it is dropped, with the task that owns it.
struct WakesLate(Arc<Mutex<Option<Waker>>>);

impl Drop for WakesLate {
    fn drop(&mut self) {
        let waker = self.0.lock().unwrap().take();
        waker.unwrap().wake();
    }
}

#[test]
fn a_waker_is_named_even_if_it_ended_in_that_step() {
    // The slot of the one that ends is taken by another at once, or it is not.
    for spawns in [false, true] {
        let failure = Sim::new(1).run(|rt| async move {
            let waiting = Arc::new(Mutex::new(None));
            let slot = waiting.clone();
            let waits = poll_fn(move |cx| {
                *slot.lock().unwrap() = Some(cx.waker().clone());
                Poll::<()>::Pending
            });
            rt.spawn_named("waits", waits).detach();
            idle(20).await;
            let late = WakesLate(waiting);
            let rt2 = rt.clone();
            rt.spawn_detached(async move {
                let _late = late;
                yield_now().await;
                if spawns {
                    rt2.spawn_named("waits, too", pending::<()>()).detach();
                }
            });
            pending::<()>().await;
        });
        let failure = failure.unwrap_err();
        let woken = failure.tasks().iter().find(|task| task.name() == Some("waits")).unwrap();
        assert_eq!(woken.woken_by(), Waking::Task(2), "{failure}");
        // The one that it joined.
        let failure = Sim::new(1).run(|rt| async move {
            rt.spawn_named("short", async {}).await.unwrap();
            pending::<()>().await;
        });
        assert_eq!(failure.unwrap_err().tasks()[0].woken_by(), Waking::Task(1));
    }
}

#[test]
fn instants_look_the_same_in_each_run() {
    let program = |rt: SimRuntime| async move {
        rt.sleep(Duration::from_secs(3)).await;
        rt.note(format!("{:?}", rt.now()));
        Ok::<_, String>(())
    };
    Check::new().runs(20).run(program);
    let shown = |seed| Sim::new(seed).run(|rt| async move { format!("{:?}", rt.now()) });
    let (one, other) = (shown(1).unwrap().value, shown(2).unwrap().value);
    assert_eq!(one, other);
    // A constant: it is the same in another process.
    if cfg!(target_os = "linux") {
        assert_eq!(one, "Instant { tv_sec: 3153600000, tv_nsec: 0 }");
    }
}

#[test]
fn the_replay_line_is_complete() {
    let found = Check::new().try_run(|_| async { Err::<(), _>("it fails") }).unwrap_err();
    let test = "report::the_replay_line_is_complete";
    let words = format!("cargo test {} {test} -- --exact", crate::SELECTED);
    assert!(found.replay_line().ends_with(&words), "{found}");
    let binary = std::env::current_exe().unwrap();
    let built = format!("with the same variables and {} {test} --exact\n", binary.display());
    assert_contains(&found, &["or, as long as it is built, ", &built]);
    let own = Check::new().command("make test");
    let found = own.try_run(|_| async { Err::<(), _>("it fails") }).unwrap_err();
    assert!(found.replay_line().ends_with(" make test"), "{found}");
    assert!(!found.to_string().contains("as long as it is built"), "{found}");
}
