//! How tests end that do not pass, as the test runner shows it: this binary runs itself.

use std::env;
use std::future::pending;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use async_runtime_compat::prelude::*;

/// Not to be run for itself: they fail, as they should.
mod failing {
    use super::*;

    #[async_runtime_compat::test(timeout = "200ms")]
    #[ignore = "fails on purpose"]
    async fn hangs() {
        pending::<()>().await;
    }

    #[async_runtime_compat::test(tokio, timeout = "200ms")]
    #[ignore = "fails on purpose"]
    async fn blocks() {
        loop {
            thread::park();
        }
    }

    #[async_runtime_compat::test(tokio)]
    #[ignore = "fails on purpose"]
    async fn hangs_by_default() {
        pending::<()>().await;
    }

    #[async_runtime_compat::test]
    #[ignore = "fails on purpose"]
    async fn panics(rt: Arc<dyn Runtime>) {
        rt.spawn_with_handle(async {}).await.unwrap();
        panic!("the body's own words");
    }

    #[async_runtime_compat::test]
    #[ignore = "fails on purpose"]
    async fn returns_an_error() -> Result<(), String> {
        Err("the error's own words".to_owned())
    }

    #[async_runtime_compat::test]
    #[should_panic(expected = "something else")]
    #[ignore = "fails on purpose"]
    async fn panics_otherwise() {
        panic!("the body's own words");
    }
}

/// Panics with what is expected.
#[async_runtime_compat::test]
#[should_panic(expected = "own words")]
async fn should_panic() {
    panic!("the body's own words");
}

#[async_runtime_compat::test]
#[cfg_attr(all(), should_panic(expected = "own words"), allow(clippy::manual_assert))]
async fn should_panic_if() {
    panic!("the body's own words");
}

#[async_runtime_compat::test]
#[cfg_attr(any(), should_panic)]
/// Documented.
async fn should_not_panic_if_not() {}

#[async_runtime_compat::test]
#[cfg(any())]
async fn gated() {
    this_does_not_exist();
}

const BACKENDS: [&str; 4] = ["tokio", "smol", "async_std", "async_executor"];

/// Runs a test of this binary that fails, and gives what the runner prints.
#[track_caller]
pub(crate) fn fails(test: &str, variables: &[(&str, &str)]) -> String {
    let (passed, text) = run(test, variables);
    assert!(text.contains("running 1 test"), "{text}");
    assert!(!passed, "{text}");
    assert!(
        text.contains(&format!("test {test} - should panic ... FAILED"))
            || text.contains(&format!("test {test} ... FAILED")),
        "{text}"
    );
    text
}

/// Runs a test of this binary that passes.
#[track_caller]
pub(crate) fn passes(test: &str) {
    let (passed, text) = run(test, &[]);
    assert!(passed && text.contains(&format!("test {test} ... ok")), "{text}");
}

fn run(test: &str, variables: &[(&str, &str)]) -> (bool, String) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test, "--include-ignored"]);
    command.envs(variables.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // If a timeout does not work, this test is not to hang, either.
    let deadline = Instant::now() + Duration::from_secs(60);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
        }
        thread::park_timeout(Duration::from_millis(10));
    }
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

#[track_caller]
pub(crate) fn contains(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "no {word:?} in:\n{text}");
    }
}

#[test]
fn test_that_hangs_fails_by_its_timeout() {
    for backend in BACKENDS {
        let text = fails(&format!("endings::failing::hangs::{backend}"), &[]);
        contains(
            &text,
            &[
                &format!("test `endings::failing::hangs::{backend}` did not end"),
                &format!(
                    "on the backend `{}` within 200ms (its `timeout`)",
                    backend.replace('_', "-")
                ),
                "`timeout = \"5m\"`",
                "`ASYNC_RUNTIME_TEST_TIMEOUT_SECS=300`",
                // The attribute's place.
                "tests/macros/endings.rs:",
            ],
        );
    }
}

#[test]
fn test_that_blocks_its_thread_fails_by_its_timeout() {
    let text = fails("endings::failing::blocks::tokio", &[]);
    contains(&text, &["did not end on the backend `tokio` within 200ms"]);
}

#[test]
fn environment_overrides_the_timeout() {
    let variable = "ASYNC_RUNTIME_TEST_TIMEOUT_SECS";
    let text = fails("endings::failing::hangs_by_default::tokio", &[(variable, "1")]);
    contains(&text, &["within 1s (ASYNC_RUNTIME_TEST_TIMEOUT_SECS)"]);
    let text = fails("endings::failing::hangs_by_default::tokio", &[(variable, "a while")]);
    contains(&text, &["`ASYNC_RUNTIME_TEST_TIMEOUT_SECS` is \"a while\"", "whole number"]);
}

#[test]
fn panic_keeps_its_message_and_its_place() {
    for backend in BACKENDS {
        let text = fails(&format!("endings::failing::panics::{backend}"), &[]);
        let thread = format!("thread 'endings::failing::panics::{backend}'");
        contains(&text, &[&thread, "tests/macros/endings.rs:", "the body's own words"]);
        assert_eq!(text.matches("panicked at").count(), 1, "reported more than once:\n{text}");
    }
}

#[test]
fn error_that_is_returned_is_shown() {
    for backend in BACKENDS {
        let text = fails(&format!("endings::failing::returns_an_error::{backend}"), &[]);
        contains(&text, &["Error: \"the error's own words\""]);
    }
}

#[test]
fn panic_that_is_not_the_expected_one_fails() {
    for backend in BACKENDS {
        let text = fails(&format!("endings::failing::panics_otherwise::{backend}"), &[]);
        contains(&text, &["panic did not contain expected string", "the body's own words"]);
    }
}

#[test]
fn tests_are_shown_by_function_and_backend() {
    let output = Command::new(env::current_exe().unwrap()).arg("--list").output().unwrap();
    let list = String::from_utf8(output.stdout).unwrap();
    for backend in BACKENDS {
        contains(&list, &[&format!("endings::should_panic::{backend}: test\n")]);
    }
    contains(&list, &["bodies::worker_threads::tokio: test\n"]);
    assert!(!list.contains("bodies::worker_threads::smol"), "not listed in the attribute:\n{list}");
    contains(&list, &["simulated::beside_another::sim: test\n"]);
    assert!(!list.contains("bodies::with_a_runtime::sim"), "only where it is listed:\n{list}");
    assert!(!list.contains("endings::gated"), "switched off by `cfg`:\n{list}");
}

#[test]
fn ignored_tests_are_ignored() {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "endings::failing::panics::smol"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    contains(&text, &["endings::failing::panics::smol ... ignored, fails on purpose", "1 ignored"]);
    assert!(output.status.success(), "{text}");
}
