//! The safe rewrites, applied to a code base of several hundred files that builds against the real
//! runtimes, and runs: it must do both afterwards, without a warning.

use std::env;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::support::{Folder, migration};

/// What a `use` brings in, and how a task is spawned by it. The handles of these detach on drop.
const DETACHING: [(&str, &str); 13] = [
    ("", "tokio::spawn"),
    ("", "::tokio::task::spawn"),
    ("use tokio::spawn;", "spawn"),
    ("use tokio::task;", "task::spawn"),
    ("use tokio::task::{self, JoinError as _};", "task::spawn"),
    ("use tokio::{runtime::Handle as _, task::spawn};", "spawn"),
    ("use tokio::{runtime::{self as _}, task::{spawn as go}};", "go"),
    ("use tokio as rt;", "rt::task::spawn"),
    ("use tokio::task as tasks;", "tasks::spawn"),
    ("use tokio::task::*;", "spawn"),
    ("", "async_std::task::spawn"),
    ("use async_std::task;", "task::spawn"),
    ("use async_std::{future as _, task::spawn as launch};", "launch"),
];

/// The handles of these cancel on drop.
const CANCELLING: [(&str, &str); 8] = [
    ("", "smol::spawn"),
    ("use smol::spawn;", "spawn"),
    ("use smol::{future as _, spawn as go};", "go"),
    ("use smol as rt;", "rt::spawn"),
    ("use smol::*;", "spawn"),
    ("", "async_global_executor::spawn"),
    ("use async_global_executor::{self as global};", "global::spawn"),
    ("use {async_global_executor::spawn};", "spawn"),
];

/// Futures, each of which is done once. `SPAWN…END` spawns and forgets, as the file does.
const FUTURES: [&str; 17] = [
    "crate::work()",
    "crate::number()",
    "Box::pin(crate::work())",
    "async { crate::done(); }",
    "async { crate::done() }",
    "async { crate::done(); /* The end. */ }",
    "async move { crate::done(); 7 }",
    "async { if crate::yes() { crate::done(); return Ok(1); } Err(\"no\") }",
    "async { if crate::yes() { crate::done(); return; } unreachable!() }",
    "async { for _ in 0..1 { crate::done(); } }",
    "async { let mut left = 1; while left > 0 { crate::done(); left -= 1; } }",
    "async { if crate::yes() { crate::done(); } }",
    "async { match crate::yes() { true => crate::done(), false => {} } }",
    "async { loop { crate::done(); break 5; } }",
    "async { SPAWNcrate::work()END }",
    "async { smol::future::yield_now().await; tokio::task::yield_now().await; crate::done(); }",
    "{ let text = String::from(\"moved\"); async move { drop(text); crate::done(); Ok::<u8, String>(1) } }",
];

/// Statements that spawn, in which the handle is dropped at once, or detached.
const STATEMENTS: [(&str, &str); 7] = [
    ("S(F);", "S(F).detach();"),
    ("drop(S(F));", "S(F)\n        .detach();"),
    ("let _ = S(F);", "let () = S(F).detach();"),
    ("std::mem::drop(S(F));", "if crate::yes() { S(F).detach(); }"),
    ("let go = || drop(S(F));\n    go();", "let go = || S(F).detach();\n    go();"),
    (
        "match crate::yes() { true => drop(S(F)), false => {} }",
        "match crate::yes() { true => S(F).detach(), false => {} }",
    ),
    ("if crate::yes() { S(F); }", "#[cfg(not(any()))]\n    S(F).detach();"),
];

/// What a file begins with, before its `use` declarations.
const HEADS: [&str; 6] = [
    "",
    "// A licence.\n",
    "//! A module.\n\n",
    "/* A licence. */\n//! A module.\n#![allow(dead_code)]\n\n",
    "#![allow(dead_code)]\n// A comment.\n#[cfg(any())]\nuse missing::Name;\n",
    "#[cfg(not(any()))]\nuse std::fmt as _;\nuse std::io as _;\n",
];

/// Where the statement stands. `U` is for the `use` declarations.
const PLACES: [&str; 8] = [
    "U\n/// Starts it.\npub fn start() {\n    X\n}\n",
    "U\n#[inline(never)]\npub fn start() {\n    X\n}\n",
    "pub fn start() {\n    U\n    X\n}\n",
    "mod inner {\n    U\n    pub fn start() {\n        X\n    }\n}\npub use inner::start;\n",
    "pub use self::inner::start;\nmod inner {\n    /// Starts it.\n    pub fn start() {\n        U\n        X\n    }\n}\n",
    "U\nstruct Guard;\nimpl Drop for Guard {\n    fn drop(&mut self) {\n        X\n    }\n}\npub fn start() {\n    drop(Guard);\n}\n",
    "U\nstruct Service;\nimpl Service {\n    async fn go(&self) {\n        X\n    }\n}\npub fn start() {\n    smol::block_on(Service.go());\n}\n",
    "U\nmacro_rules! twice {\n    ($e:expr) => { $e };\n}\npub fn start() {\n    let _ = twice!(1);\n    X\n}\n",
];

/// A future that is passed to a function, by its type parameter.
const GENERIC: &str = "U\nfn forget<F>(future: F)\nwhere\n    F: Future + Send + 'static,\n    F::Output: Send + 'static,\n{\n    X\n}\npub fn start() {\n    forget(F);\n}\n";

const LIB: &str = "
use std::sync::atomic::{AtomicUsize, Ordering};
use async_runtime_compat::prelude::*;
use async_runtime_compat::smol::SmolSpawner;

static DONE: AtomicUsize = AtomicUsize::new(0);

#[allow(dead_code)]
fn spawner() -> impl Spawner + Clone {
    SmolSpawner
}
fn done() { DONE.fetch_add(1, Ordering::SeqCst); }
fn yes() -> bool { true }
async fn work() { done(); }
async fn number() -> u32 { done(); 7 }

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _guard = runtime.enter();
    start_all();
    while DONE.load(Ordering::SeqCst) < TASKS {
        std::thread::yield_now();
    }
    println!(\"{TASKS} tasks done\");
}
";

/// Writes the files, and says how many there are and how many sites are in them.
fn generate(folder: &Folder) -> (usize, usize) {
    let (mut files, mut nested) = (0, 0);
    let (mut modules, mut starts) = (String::new(), String::new());
    let ways =
        DETACHING.iter().map(|way| (way, false)).chain(CANCELLING.iter().map(|way| (way, true)));
    for (way, &((import, spawn), cancels)) in ways.collect::<Vec<_>>().iter().enumerate() {
        for (number, future) in FUTURES.iter().enumerate() {
            // Steps without a common factor, so that all pairs come up.
            let turn = way * FUTURES.len() + number;
            let (statement, detached) = STATEMENTS[turn % STATEMENTS.len()];
            let statement = if cancels { detached } else { statement };
            let end = if cancels { ").detach();" } else { ");" };
            nested += usize::from(future.contains("SPAWN"))
                + usize::from(future.contains("tokio::task::yield_now"))
                + usize::from(future.contains("smol::future::yield_now"));
            let future = future.replace("SPAWN", &format!("{spawn}(")).replace("END", end);
            let by_parameter = turn % 11 == 0;
            let place = if by_parameter { GENERIC } else { PLACES[(turn / 3) % PLACES.len()] };
            let passed = if by_parameter { "future" } else { &future };
            let statement = statement.replace('S', spawn).replace('F', passed);
            let body = place.replace("forget(F)", &format!("forget({future})"));
            let text = body.replace('X', &statement).replace("U\n", &format!("{import}\n"));
            folder.write(
                &format!("src/file_{files}.rs"),
                &format!("{}{text}", HEADS[turn % HEADS.len()]),
            );
            let _ = writeln!(modules, "mod file_{files};");
            let _ = writeln!(starts, "    file_{files}::start();");
            files += 1;
        }
    }
    let lint = "#![deny(warnings)]\n#![allow(unused_imports, unused_doc_comments, clippy::all)]\n";
    let head =
        format!("{lint}{modules}const TASKS: usize = {files};\nfn start_all() {{\n{starts}}}\n");
    folder.write("src/main.rs", &format!("{head}{LIB}"));
    (files, files + nested)
}

/// Builds and runs it.
#[track_caller]
fn run(folder: &Folder) -> String {
    let target = env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("target"), Into::into);
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet"])
        .current_dir(folder.path())
        .env("CARGO_TARGET_DIR", target)
        .output()
        .expect("cargo starts");
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{messages}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn safe_rewrites_leave_a_large_code_base_building_and_running() {
    let folder = Folder::new("codebase");
    let root = migration().parent().expect("it is in the repository").to_owned();
    folder.write(
        "Cargo.toml",
        &format!(
            "[workspace]\n[package]\nname = \"codebase\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[dependencies]\n\
             async-global-executor = {{ version = \"2.4\", default-features = false }}\n\
             async-runtime-compat = {{ path = {root:?}, features = [\"smol\"] }}\n\
             async-std = \"1.12\"\nsmol = \"2.0\"\ntokio = {{ version = \"1.38\", features = [\"rt-multi-thread\"] }}\n"
        ),
    );
    std::fs::copy(root.join("Cargo.lock"), folder.path().join("Cargo.lock"))
        .expect("the lock file is there");
    let (files, sites) = generate(&folder);
    assert!(files > 300, "there are only {files}");
    let done = format!("{files} tasks done");
    assert_eq!(run(&folder), done, "before");

    let rewritten = folder.ratchet(&["rewrite", "src"]);
    assert_eq!(rewritten.ended(0).lines().next(), Some(&*format!("{sites} sites rewritten")));
    assert_eq!(run(&folder), done, "after");
    println!("{sites} sites in {files} files rewritten; it builds and runs as before");
}
