//! Tests in a simulation, beside others and alone. To see those fail that should, this binary runs
//! itself.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::yield_now;
use async_runtime_compat_sim::SimRuntime;

use super::endings::{contains, fails, passes};

#[async_runtime_compat::test(tokio, sim)]
async fn beside_another(rt: Arc<dyn Runtime>) -> Result<(), JoinError> {
    let sum = Arc::new(AtomicU64::new(0));
    let tasks: Vec<_> = (1..=3)
        .map(|number| {
            let sum = sum.clone();
            rt.spawn_with_handle(async move {
                yield_now().await;
                sum.fetch_add(number, Ordering::Relaxed);
            })
        })
        .collect();
    for task in tasks {
        task.await?;
    }
    assert_eq!(sum.load(Ordering::Relaxed), 6);
    assert_eq!(rt.spawn_blocking(|| 7).await?, 7);
    Ok(())
}

#[async_runtime_compat::test(tokio, sim(runs = 20))]
async fn without_an_argument() {
    let runtime = async_runtime_compat::current().unwrap();
    let found = runtime.spawn_with_handle(async { async_runtime_compat::current().is_ok() });
    assert!(found.await.unwrap());
}

#[async_runtime_compat::test(tokio, sim, runs = 20)]
async fn with_a_part(spawner: Arc<dyn Spawner>) {
    spawner.spawn_with_handle(async {}).await.unwrap();
}

/// Where both clocks are virtual, a day passes at once.
#[async_runtime_compat::test(tokio, sim, start_paused = true, runs = 20)]
async fn a_day(timer: Arc<dyn Timer>) {
    let start = timer.now();
    timer.sleep(Duration::from_secs(86_400)).await;
    assert!(timer.now() - start >= Duration::from_secs(86_400));
}

/// What is given for all and cannot be for a simulation leaves it alone.
#[async_runtime_compat::test(sim(seed = 0xff), tokio, worker_threads = 2, timeout = "5m", runs = 9)]
async fn options_at_both_levels() -> ExitCode {
    ExitCode::SUCCESS
}

#[async_runtime_compat::test(sim(runs = 100, strategy = "dfs"))]
async fn whole_runtime(rt: SimRuntime) {
    let node = rt.node("server");
    assert_eq!(node.runtime().spawn_with_handle(async { 7 }).await.unwrap(), 7);
}

#[async_runtime_compat::test(tokio, sim)]
#[should_panic(expected = "own words")]
async fn should_panic() {
    panic!("the body's own words");
}

#[async_runtime_compat::test(tokio, sim)]
#[ignore = "never to be run"]
async fn ignored() {
    panic!("it was run");
}

#[async_runtime_compat::test(sim(runs = 20))]
async fn r#match() {
    yield_now().await;
}

/// Not to be run for itself: on `sim` they fail, as they should.
mod failing {
    use super::*;

    /// It counts on tasks being started in the order in which they are spawned. So they are on
    /// tokio, with one thread.
    #[async_runtime_compat::test(tokio, sim)]
    #[ignore = "fails on purpose"]
    async fn order(rt: Arc<dyn Runtime>) {
        let set = Arc::new(AtomicBool::new(false));
        let seen = set.clone();
        rt.spawn_named("writer", async move { set.store(true, Ordering::SeqCst) }).detach();
        let reader = rt.spawn_named("reader", async move { seen.load(Ordering::SeqCst) });
        assert!(reader.await.unwrap(), "the reader came before the writer");
    }

    #[async_runtime_compat::test(sim(runs = 20, seed = 41), strategy = "pct(depth=2)")]
    #[ignore = "fails on purpose"]
    async fn at_once() {
        panic!("the body's own words");
    }

    #[async_runtime_compat::test(sim)]
    #[ignore = "fails on purpose"]
    async fn returns_an_error() -> Result<(), String> {
        Err("the error's own words".to_owned())
    }

    #[async_runtime_compat::test(sim)]
    #[ignore = "fails on purpose"]
    async fn returns_a_failure() -> Result<ExitCode, String> {
        Ok(ExitCode::FAILURE)
    }

    #[async_runtime_compat::test(sim)]
    #[ignore = "fails on purpose"]
    async fn hangs() {
        std::future::pending::<()>().await;
    }

    #[async_runtime_compat::test(sim, timeout = "200ms")]
    #[ignore = "fails on purpose"]
    async fn blocks() {
        loop {
            std::thread::park();
        }
    }

    #[async_runtime_compat::test(sim)]
    #[should_panic(expected = "own words")]
    #[ignore = "fails on purpose"]
    async fn does_not_panic() {}

    #[async_runtime_compat::test(sim)]
    #[ignore = "fails on purpose"]
    async fn r#loop() {
        panic!("the body's own words");
    }
}

/// The variables of a line that replays something, and what it runs.
fn taken_apart(line: &str) -> (Vec<(&str, &str)>, &str) {
    let (variables, command) = line.split_once(" cargo test ").unwrap();
    (variables.split(' ').map(|it| it.split_once('=').unwrap()).collect(), command)
}

#[track_caller]
fn replay_line(text: &str) -> &str {
    let (_, after) = text.split_once("replay it with\n\n").expect(text);
    after.lines().next().unwrap().trim()
}

#[test]
fn what_only_the_simulation_finds_is_replayed_by_its_line() {
    passes("simulated::failing::order::tokio");
    let test = "simulated::failing::order::sim";
    let text = fails(test, &[]);
    contains(
        &text,
        &[
            "of 1000 failed\npanic: the reader came before the writer",
            // The place is the test's, in the message and in the table.
            "panicked at tests/macros/simulated.rs:",
            "'writer'",
            "spawns 1 writer, 2 reader",
        ],
    );
    let (variables, command) = taken_apart(replay_line(&text));
    assert!(command.starts_with("-p async-runtime-compat --test macros "), "{command}");
    assert!(command.ends_with(&format!(" {test} -- --exact --include-ignored")), "{command}");
    let names: Vec<_> = variables.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["DST_SEED", "DST_TAPE"]);
    // The same that `cargo test` would start.
    let again = fails(test, &variables);
    contains(
        &again,
        &["the tape was replayed, and the run failed", "the reader came before the writer"],
    );
    assert_eq!(replay_line(&again), replay_line(&text));
}

#[test]
fn options_say_what_is_run() {
    let text = fails("simulated::failing::at_once::sim", &[]);
    let words = ["run 1 of 20 failed", "  seed      41\n", "  strategy  pct(depth=2)\n"];
    contains(&text, &words);
    contains(&text, &["the body's own words", "tests/macros/simulated.rs:"]);
}

#[test]
fn environment_goes_before_the_attribute() {
    let test = "simulated::failing::at_once::sim";
    let variables = [("DST_SEED", "7"), ("DST_RUNS", "9"), ("DST_STRATEGY", "random")];
    let text = fails(test, &variables);
    contains(&text, &["run 1 of 9 failed", "  seed      7\n", "  strategy  random\n"]);
    let text = fails(test, &[("DST_STRATEGY", "luck")]);
    contains(&text, &["panicked at tests/macros/simulated.rs:", "`luck` is not a strategy"]);
}

#[test]
fn error_that_is_returned_is_found() {
    let text = fails("simulated::failing::returns_an_error::sim", &[]);
    contains(&text, &["error: \"the error's own words\"", "replay it with"]);
    let text = fails("simulated::failing::returns_a_failure::sim", &[]);
    contains(&text, &["error: the exit code is ", "replay it with"]);
}

#[test]
fn test_that_hangs_is_a_stall() {
    let text = fails("simulated::failing::hangs::sim", &[]);
    contains(&text, &["deadlock: ", "task 0, spawned at tests/macros/simulated.rs:"]);
}

#[test]
fn test_that_blocks_its_thread_fails_by_its_timeout() {
    let text = fails("simulated::failing::blocks::sim", &[]);
    contains(&text, &["did not end on the backend `sim` within 200ms (its `timeout`)"]);
}

#[test]
fn test_that_should_panic_and_does_not_fails() {
    let text = fails("simulated::failing::does_not_panic::sim", &[]);
    contains(&text, &["test did not panic as expected"]);
}

#[test]
fn keyword_as_a_name_is_replayed_as_well() {
    let test = "simulated::failing::r#loop::sim";
    let text = fails(test, &[]);
    let (variables, command) = taken_apart(replay_line(&text));
    assert!(command.split(' ').any(|word| word.trim_matches('\'') == test), "{command}");
    contains(&fails(test, &variables), &["the tape was replayed, and the run failed"]);
}
