//! What a build pulls in: a user of one runtime compiles no other.

use std::collections::BTreeSet;
use std::process::Command;

/// The runtimes, and what only they would pull in.
const RUNTIMES: [&str; 6] =
    ["tokio", "smol", "async-std", "async-executor", "async-global-executor", "async-io"];

/// Every package of a build with these features, this one among them.
fn packages(features: &str) -> BTreeSet<String> {
    let tree = tree(features, "{p}");
    tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

/// What cargo says of each package of a build with these features.
fn tree(features: &str, format: &str) -> String {
    tree_of(env!("CARGO_PKG_NAME"), features, format)
}

/// The same of a package of the workspace.
fn tree_of(package: &str, features: &str, format: &str) -> String {
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["tree", "--offline", "--locked", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .args(["--package", package, "--edges", "normal", "--prefix", "none"])
        .args(["--format", format, "--no-default-features", "--features", features]);
    let output = command.output().expect("cargo starts");
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`cargo tree` with the features {features:?}:\n{messages}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Checks that a build with these features has the runtimes named, and no other.
#[track_caller]
fn only(features: &str, runtimes: &[&str]) {
    let packages = packages(features);
    for runtime in RUNTIMES {
        let (is, should) = (packages.contains(runtime), runtimes.contains(&runtime));
        assert!(
            is == should,
            "a build with the features {features:?} {} {runtime}; it has {packages:#?}",
            if is { "pulls in" } else { "lacks" },
        );
    }
}

#[test]
fn without_features_there_are_three_packages_at_most() {
    let packages = packages("");
    assert!(packages.len() <= 3, "they are {packages:#?}");
    only("", &[]);
}

#[test]
fn jobs_and_services_bring_no_package() {
    assert_eq!(packages("services"), packages(""));
}

#[test]
fn json_brings_no_runtime_and_comes_only_if_it_is_asked_for() {
    only("json", &[]);
    let packages = packages("json");
    for package in ["serde_json", "schemars"] {
        assert!(packages.contains(package), "it is made with {package}: {packages:#?}");
    }
    for features in ["", "tokio", "services"] {
        let packages = self::packages(features);
        assert!(!packages.iter().any(|name| name.starts_with("serde")), "{packages:#?}");
    }
}

#[test]
fn tokio_comes_alone() {
    only("tokio", &["tokio"]);
    let packages = packages("tokio");
    assert!(packages.len() <= 4, "tokio's scheduler needs no more, but there are {packages:#?}");
}

#[test]
fn smol_comes_without_tokio_and_async_std() {
    only("smol", &["smol", "async-executor", "async-io"]);
}

#[test]
fn async_std_comes_without_tokio_and_smol() {
    only("async-std", &["async-std", "async-executor", "async-global-executor", "async-io"]);
}

#[test]
fn async_executor_comes_with_the_timers_of_async_io_alone() {
    only("async-executor", &["async-executor", "async-io"]);
}

#[test]
fn the_conformance_suite_and_the_simulation_bring_no_runtime() {
    for package in ["conformance", "sim"] {
        let tree = tree_of(&format!("{}-{package}", env!("CARGO_PKG_NAME")), "", "{p}");
        let names: Vec<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
        assert!(names.contains(&env!("CARGO_PKG_NAME")), "it is built on the core: {names:?}");
        let runtimes: Vec<_> = RUNTIMES.iter().filter(|name| names.contains(name)).collect();
        assert!(runtimes.is_empty(), "{package} pulls in {runtimes:?}");
    }
}

#[test]
fn the_macros_bring_no_runtime() {
    only("macros", &[]);
    let packages = packages("macros");
    assert!(packages.contains("syn"), "a procedural macro is made with it: {packages:#?}");
    assert!(packages.len() <= 8, "they are {packages:#?}");
}

#[test]
fn the_bridges_bring_no_runtime() {
    for (bridge, most) in [("tracing", 8), ("backon", 6)] {
        only(bridge, &[]);
        let packages = packages(bridge);
        assert!(packages.contains(bridge), "{bridge} is not among {packages:#?}");
        assert!(packages.len() <= most, "they are {packages:#?}");
        assert!(!packages.contains("tracing-attributes"), "they are {packages:#?}");
    }
}

#[test]
fn what_parses_macros_comes_with_the_macros_alone() {
    let packages = packages("tokio,services");
    assert!(!packages.contains("syn"), "they are {packages:#?}");
}

#[test]
fn the_bridge_to_futures_brings_its_traits_alone() {
    only("futures", &[]);
    let (with, without) = (packages("futures"), packages(""));
    let more: Vec<_> = with.difference(&without).collect();
    assert_eq!(more, ["futures-task"]);
}

#[test]
fn the_bridge_to_hyper_brings_no_protocol() {
    // hyper takes its channels from tokio, and so names it.
    only("hyper", &["tokio"]);
    let packages = packages("hyper");
    assert!(!packages.contains("h2") && !packages.contains("httparse"), "they are {packages:#?}");
    assert!(packages.len() <= 9, "they are {packages:#?}");
}

#[test]
fn the_bridge_to_hyper_brings_nothing_of_tokio_that_runs() {
    let tree = tree("hyper", "{p} {f}");
    let line = tree.lines().find(|line| line.starts_with("tokio ")).expect("hyper names it");
    let features = line.rsplit(' ').next();
    assert_eq!(features, Some("default,sync"), "its channels are enough: {line}");
}

#[test]
fn bridges_come_with_their_features_alone() {
    let packages = packages("tokio,smol,async-std,async-executor,macros,services");
    for bridged in ["futures-task", "hyper"] {
        assert!(!packages.contains(bridged), "they are {packages:#?}");
    }
}
