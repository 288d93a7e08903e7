//! A future whose poll panics, and whose destructor panics as well, while the first panic unwinds.
//!
//! A child process runs each backend's task, since a panic that left such a destructor would abort it.

use std::env;
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::{SpawnMeta, TaskGroup};
use futures_lite::future::block_on;
use test_support::runtimes::{self, Running};

struct PanicsTwice;

impl Future for PanicsTwice {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        panic!("the first panic");
    }
}

/// Set by the destructor.
static DROPPED: AtomicBool = AtomicBool::new(false);

impl Drop for PanicsTwice {
    fn drop(&mut self) {
        DROPPED.store(true, Ordering::SeqCst);
        panic!("the second panic");
    }
}

/// Spawns it.
type Way = fn(&dyn Runtime, TaskGroup);

/// The ways to spawn it. A group or a decorator adds a wrapper.
const WAYS: [(&str, Way); 5] = [
    ("typed", |runtime, _| is_first(runtime.spawn_with_handle(PanicsTwice))),
    ("detached", |runtime, _| runtime.spawn_detached(PanicsTwice)),
    ("raw", |runtime, _| runtime.spawn_with(SpawnMeta::new(), Box::pin(PanicsTwice))),
    ("group", |_, group| is_first(group.spawner().spawn_with_handle(PanicsTwice))),
    ("group, detached", |_, group| group.spawner().spawn_detached(PanicsTwice)),
];

/// Checks that the panic that came first is the one that counts.
fn is_first(task: JoinHandle<()>) {
    let error = block_on(task).unwrap_err();
    assert_eq!(error.panic_message().as_deref(), Some("the first panic"));
}

/// A test of one backend, which is also its own child. `dies` has the ways that abort the process.
fn check(test: &str, runtime: fn() -> Running, dies: &[&str]) {
    if let Ok(way) = env::var("PANICKING_WAY") {
        let (_, spawn) = WAYS.iter().find(|(name, _)| *name == way).unwrap();
        let running = runtime();
        spawn(&*running.runtime, TaskGroup::new(running.runtime.clone()));
        while !DROPPED.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        if dies.contains(&&*way) {
            // The process is aborted meanwhile; if it is not, the test fails.
            thread::park_timeout(Duration::from_secs(10));
        }
        // The executor goes on.
        for _ in 0..16 {
            block_on(running.runtime.spawn_with_handle(async {})).unwrap();
        }
        return;
    }
    for (way, _) in WAYS {
        let status = Command::new(env::current_exe().unwrap())
            .args([&format!("panicking::{test}"), "--exact"])
            .env("PANICKING_WAY", way)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let survives = status.unwrap().success();
        assert_eq!(survives, !dies.contains(&way), "{test}, {way}");
    }
}

#[test]
fn own() {
    check("own", runtimes::own, &["raw"]);
}

test_support::with_tokio! {
    #[test]
    fn tokio() {
        // tokio's own limit: nothing is wrapped around the future.
        check("tokio", runtimes::tokio, &["typed", "detached", "raw"]);
    }

    #[test]
    fn tokio_current_thread() {
        check("tokio_current_thread", runtimes::tokio_current_thread, &["typed", "detached", "raw"]);
    }
}
test_support::with_smol! {
    #[test]
    fn smol() {
        check("smol", runtimes::smol, &[]);
    }
}
test_support::with_async_std! {
    #[test]
    fn async_std() {
        check("async_std", runtimes::async_std, &[]);
    }
}
test_support::with_async_executor! {
    #[test]
    fn async_executor() {
        check("async_executor", runtimes::async_executor, &[]);
    }
}
