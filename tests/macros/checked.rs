//! What the compiler says where it depends on the features of the build, or on the types in the
//! expansion. It takes packages of their own: `trybuild` builds no tests, and with the features of
//! this build.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Checks the tests of a package, and gives what the compiler says, a line for each message.
#[track_caller]
fn check(name: &str, dependencies: &str, tests: &[(&str, &str)]) -> (bool, String) {
    let workspace = env!("CARGO_MANIFEST_DIR");
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(package.join("src")).unwrap();
    fs::create_dir_all(package.join("tests")).unwrap();
    fs::copy(Path::new(workspace).join("Cargo.lock"), package.join("Cargo.lock")).unwrap();
    let manifest = format!(
        "[workspace]\n[package]\nname = \"{name}\"\nedition = \"2024\"\n[dev-dependencies]\n{}\n",
        dependencies
            .replace("PATH/crates/sim", &format!("path = \"{workspace}/crates/sim\""))
            .replace("PATH", &format!("path = {workspace:?}")),
    );
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    fs::write(package.join("src/lib.rs"), "").unwrap();
    for (test, text) in tests {
        fs::write(package.join(format!("tests/{test}.rs")), text).unwrap();
    }
    let output = Command::new(env!("CARGO"))
        .args(["check", "--offline", "--tests", "--keep-going", "--message-format", "short"])
        .current_dir(&package)
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("checked"))
        .output()
        .expect("cargo starts");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[track_caller]
fn says(text: &str, place: &str, words: &str) {
    let found = text.lines().any(|line| line.starts_with(place) && line.contains(words));
    assert!(found, "no {words:?} at {place} in:\n{text}");
}

#[test]
fn errors_stand_where_the_mistake_is() {
    let dependencies = "async-runtime-compat = { PATH, features = [\"macros\", \"tokio\"] }";
    let (_, text) = check(
        "mistakes",
        dependencies,
        &[
            (
                "disabled",
                "#[async_runtime_compat::test(tokio, smol)]\n\
                 async fn test() {}\n",
            ),
            (
                "simulated",
                "#[async_runtime_compat::test(tokio, sim(runs = 5))]\n\
                 async fn test() {}\n",
            ),
            (
                "paused",
                "#[async_runtime_compat::test(tokio(start_paused = true))]\n\
                 async fn test() {}\n",
            ),
            (
                "threads",
                "#[async_runtime_compat::test(worker_threads = 2)]\n\
                 async fn test() {}\n",
            ),
            (
                "flavor",
                "#[async_runtime_compat::test(flavor = \"multi_thread\")]\n\
                 async fn test() {}\n",
            ),
            (
                "argument",
                "#[async_runtime_compat::test]\n\
                 async fn test(_: std::sync::Arc<u8>) {}\n",
            ),
            (
                "output",
                "#[async_runtime_compat::test]\n\
                 async fn test() -> u8 { 0 }\n",
            ),
            (
                "body",
                "#[async_runtime_compat::test]\n\
                 async fn test() {\n    let () = 1;\n}\n",
            ),
            (
                "fine",
                "#[async_runtime_compat::test]\n\
                 async fn test(_: std::sync::Arc<dyn async_runtime_compat::Runtime>) {}\n",
            ),
        ],
    );
    says(&text, "tests/disabled.rs:1:37: error", "add the feature `smol`");
    says(&text, "tests/simulated.rs:1:37: error", "unresolved import `async_runtime_compat_sim`");
    says(&text, "tests/paused.rs:1:36: error", "requires tokio's feature `test-util`");
    says(&text, "tests/threads.rs:1:47: error", "require tokio's feature `rt-multi-thread`");
    says(&text, "tests/flavor.rs:1:39: error", "require tokio's feature `rt-multi-thread`");
    says(&text, "tests/argument.rs:2:18: error", "a test cannot take a `Arc<u8>`");
    says(&text, "tests/output.rs:2:20: error", "a test cannot return a `u8`");
    says(&text, "tests/body.rs:3:9: error", "mismatched types");
    let errors = text.lines().filter(|line| line.contains(": error")).count();
    assert_eq!(errors, 8, "one for each mistake:\n{text}");
    assert!(!text.contains("tests/fine.rs"), "{text}");
}

#[test]
fn simulation_alone_is_enough() {
    let (_, text) = check(
        "simulation",
        "async-runtime-compat = { PATH, features = [\"macros\"] }\n\
         async-runtime-compat-sim = { PATH/crates/sim }",
        &[
            (
                "argument",
                "#[async_runtime_compat::test(sim)]\n\
                 async fn test(_: std::sync::Arc<u8>) {}\n",
            ),
            (
                "output",
                "#[async_runtime_compat::test(sim)]\n\
                 async fn test() -> u8 { 0 }\n",
            ),
            ("unlisted", "#[async_runtime_compat::test]\nasync fn test() {}\n"),
            (
                "fine",
                "#[async_runtime_compat::test(sim(runs = 5, seed = 0x7, strategy = \"urw\"))]\n\
                 async fn test(_: async_runtime_compat_sim::SimRuntime) {}\n",
            ),
        ],
    );
    says(&text, "tests/argument.rs:2:18: error", "a test cannot take a `Arc<u8>`");
    says(&text, "tests/output.rs:2:20: error", "a test in a simulation cannot return a `u8`");
    says(&text, "tests/unlisted.rs:1:1: error", "name the simulation, as in `test(sim)`");
    let errors = text.lines().filter(|line| line.contains(": error")).count();
    assert_eq!(errors, 3, "one for each mistake:\n{text}");
    assert!(!text.contains("tests/fine.rs"), "{text}");
}

#[test]
fn without_a_backend_there_is_no_test() {
    let (_, text) = check(
        "none",
        "async-runtime-compat = { PATH, features = [\"macros\"] }",
        &[("none", "#[async_runtime_compat::test]\nasync fn test() {}\n")],
    );
    says(&text, "tests/none.rs:1:1: error", "no backend is enabled");
}

#[test]
fn dependency_may_have_another_name() {
    let (passed, text) = check(
        "another_name",
        "compat = { package = \"async-runtime-compat\", PATH, features = [\"macros\", \"tokio\"] }",
        &[("fine", "#[compat::test(crate = compat)]\nasync fn test() {}\n")],
    );
    assert!(passed, "{text}");
    assert!(!text.contains("warning"), "{text}");
}
