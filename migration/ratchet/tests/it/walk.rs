//! The port that the kit's README walks through: its commands are run, and their output is compared
//! with what it shows.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::{Folder, ast_grep, migration};

/// A section of the README: its code blocks of a language.
fn blocks(section: &str, language: &str) -> Vec<String> {
    let readme = fs::read_to_string(migration().join("README.md")).expect("the README is there");
    let start = readme.find(&format!("# {section}\n")).expect("the section is there");
    let end = readme[start..].find("\n##").expect("another one follows") + start;
    let fence = format!("```{language}\n");
    let blocks = readme[start..end].split(&fence).skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}

fn root() -> PathBuf {
    migration().parent().expect("it is in the repository").to_owned()
}

/// A target folder for a workspace alone: cargo takes packages of the same name, at the same place in
/// their workspaces, for the same, and would build a copy no more once it has built the original.
fn target(name: &str) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("target"), Into::into);
    target.join("migration").join(name)
}

/// With the `ast-grep` of the tests as `ast-grep`.
fn path(folder: &Folder) -> OsString {
    let program = which(&ast_grep());
    let link = folder.path().join("bin/ast-grep");
    folder.write("bin/.keep", "");
    if !link.exists() {
        fs::write(&link, format!("#!/bin/sh\nexec '{}' \"$@\"\n", program.display()))
            .expect("it is writable");
        let status = Command::new("chmod").arg("+x").arg(&link).status();
        assert!(status.expect("chmod starts").success());
    }
    let rest = env::var_os("PATH").unwrap_or_default();
    let folders = [folder.path().join("bin")].into_iter().chain(env::split_paths(&rest));
    env::join_paths(folders).expect("the paths are plain")
}

fn which(program: &str) -> PathBuf {
    let found = Command::new("sh").args(["-c", "command -v \"$0\"", program]).output();
    let found = found.expect("sh starts");
    assert!(found.status.success(), "there is no {program}; AST_GREP names another");
    PathBuf::from(String::from_utf8_lossy(&found.stdout).trim())
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-R").arg(from).arg(to).status();
    assert!(status.expect("cp starts").success(), "{}", from.display());
}

/// Runs the commands of a section in the folder, and compares with what it says they print.
#[track_caller]
fn run(folder: &Folder, work: &Path, section: &str) {
    let root = root();
    let local = format!("cargo add --quiet --path '{}'", root.display());
    let commands: String = blocks(section, "sh").concat();
    assert!(!commands.is_empty(), "{section}");
    // It may not be published yet, and the tests are for the one that is here.
    let commands = commands
        .replace("cargo add", &local)
        .replace("async-runtime-compat --features", "--features");
    let ratchet = blocks("Count the sites", "sh").concat();
    let ratchet = ratchet.lines().find(|line| line.starts_with("ratchet()")).expect("the function");
    let output = shell(folder, work, &format!("{ratchet}\n{commands}"));
    let printed = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{section}:\n{printed}\n{errors}");
    for block in blocks(section, "text") {
        // Code and commands are shown, too.
        if block.contains("sites") || block.contains("in production code") {
            assert!(printed.contains(&block), "{section} prints no\n{block}but\n{printed}");
        }
    }
}

fn shell(folder: &Folder, work: &Path, commands: &str) -> Output {
    let name = work.file_name().expect("it has a name").to_string_lossy();
    let mut shell = Command::new("sh");
    shell.args(["-euc", commands]).current_dir(work);
    shell.env("PATH", path(folder)).env("CARGO_TARGET_DIR", target(&name));
    shell.output().expect("sh starts")
}

#[test]
fn the_port_goes_as_the_readme_says() {
    let folder = Folder::new("walk");
    let work = folder.path().join("work");
    let example = migration().join("example");
    copy(&example.join("before"), &work);
    fs::create_dir(work.join("migration")).expect("it is writable");
    for part in ["sgconfig.yml", "clippy.toml", "rules", "utils", "ratchet"] {
        copy(&migration().join(part), &work.join("migration"));
    }
    run(&folder, &work, "Count the sites");
    run(&folder, &work, "Scanning a part of the repository");
    run(&folder, &work, "Rewrite what is safe");
    clippy_shows_the_bans_alone(&folder, &work);

    for part in ["daemon", "events", "harness", "monitor"] {
        fs::remove_dir_all(work.join(part)).expect("it is there");
        copy(&example.join("after").join(part), &work);
    }
    copy(&example.join("after/Cargo.lock"), &work);
    let manifest = fs::read_to_string(example.join("after/Cargo.toml")).expect("it is there");
    let manifest = manifest.replace("\"../../..\"", &format!("{:?}", root()));
    fs::write(work.join("Cargo.toml"), manifest).expect("it is writable");
    run(&folder, &work, "Port the rest by hand");
    run(&folder, &work, "Keep it");
    let left =
        fs::read_to_string(work.join("migration/baseline.txt")).expect("there is a baseline");
    assert!(left.lines().all(|line| line.starts_with('#')), "{left}");
}

/// The two commands for a repository with other warnings, in one that has some, and one denied lint.
#[track_caller]
fn clippy_shows_the_bans_alone(folder: &Folder, work: &Path) {
    let events = "events/src/lib.rs";
    let code = fs::read_to_string(work.join(events)).expect("it is there");
    let noise = "\n#[deny(clippy::needless_return)]\nfn unused() -> u8 {\n    return 3;\n}\n\
                 \n/// Late.\npub async fn late() {\n    smol::Timer::never().await;\n}\n";
    fs::write(work.join(events), format!("{code}{noise}")).expect("it is writable");
    let commands = blocks("Clippy in a repository with other warnings", "sh");
    let [stock, gate] = &commands[..] else { panic!("there are {}", commands.len()) };

    let linted = shell(folder, work, &format!("({stock}) 2>&1"));
    let printed = String::from_utf8_lossy(&linted.stdout).into_owned();
    assert!(linted.status.success(), "{printed}");
    // By the names that they resolve to.
    for found in [
        "async_executor::Task",
        "smol::spawn",
        "std::thread::spawn",
        "async_io::block_on",
        "smol::Timer::never",
    ] {
        assert!(printed.contains(&format!("`{found}`")), "it does not find {found}:\n{printed}");
    }
    let lints = printed.lines().filter(|line| line.starts_with("warning: "));
    let other: Vec<&str> = lints
        .filter(|line| !line.starts_with("warning: use of a disallowed "))
        .filter(|line| !line.contains(" generated "))
        .collect();
    assert!(other.is_empty(), "{other:#?}");
    // Once for a library and once for its tests, and not twice for a method and its type.
    let never = printed.lines().position(|line| line.contains("`smol::Timer::never`"));
    let place = printed.lines().nth(never.expect("it is found") + 1).expect("a place follows");
    let place = place.trim_start_matches([' ', '-', '>']);
    let times = printed.lines().filter(|line| line.ends_with(place)).count();
    let places = printed.lines().filter(|line| line.contains("`smol::Timer")).count();
    assert_eq!(times, places, "something else is reported at {place}:\n{printed}");

    let linted = shell(folder, work, &format!("({gate}) 2>&1"));
    let printed = String::from_utf8_lossy(&linted.stdout).into_owned();
    assert!(!linted.status.success(), "{printed}");
    assert!(
        printed.contains("error: use of a disallowed method `smol::Timer::never`"),
        "{printed}"
    );
    assert!(!printed.contains("is never used"), "{printed}");
    fs::write(work.join(events), code).expect("it is writable");
}

/// Both states of the example, where they stand.
#[test]
fn the_example_passes_its_tests_before_and_after() {
    let folder = Folder::new("example");
    for (state, tests) in [("before", 5), ("after", 5)] {
        let work = migration().join("example").join(state);
        let output = shell(&folder, &work, "cargo test --workspace --locked 2>&1");
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{state}:\n{printed}");
        let passed = printed
            .lines()
            .filter(|line| line.starts_with("test ") && line.ends_with("... ok"))
            .count();
        assert_eq!(passed, tests, "{state}:\n{printed}");
    }
}
