//! The peak memory of a process with a million pending tasks, or sleeps, in KiB.
//!
//! A process has one peak, so every case is a process of its own. The handles and sleeps of
//! async-runtime-compat have room for those of each backend that is compiled in; so this is a
//! package of its own, which can be built with any of them.
//!
//! usage: `async-runtime-compat-footprint <backend> <native|typed> <detached|kept|sleeps>`

#![cfg_attr(
    not(any(
        feature = "tokio",
        feature = "smol",
        feature = "async-std",
        feature = "async-executor"
    )),
    expect(dead_code, reason = "there is no backend")
)]
mod backend;

use std::env;
use std::fs;
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use async_runtime_compat::prelude::*;
use pin_project_lite::pin_project;

use crate::backend::Backend;

/// How many of them are pending.
const TASKS: u32 = 1_000_000;

/// So long that it never ends.
const LONG: Duration = Duration::from_secs(60 * 60);

const USAGE: &str = "usage: async-runtime-compat-footprint <backend> <native|typed> \
                     <detached|kept|sleeps>; the backend has to be among the features";

fn main() -> ExitCode {
    let args: Vec<_> = env::args().skip(1).collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let peak: Option<u64> = match args[..] {
        #[cfg(feature = "tokio")]
        ["tokio", way, what] => case(&backend::tokio::CurrentThread::new(), way, what),
        #[cfg(feature = "smol")]
        ["smol", way, what] => case(&backend::smol::Smol, way, what),
        #[cfg(feature = "async-std")]
        ["async-std", way, what] => case(&backend::async_std::AsyncStd, way, what),
        #[cfg(feature = "async-executor")]
        ["async-executor", way, what] => {
            case(&backend::async_executor::Executor::default(), way, what)
        }
        _ => None,
    };
    if let Some(peak) = peak {
        println!("{peak}");
        return ExitCode::SUCCESS;
    }
    eprintln!("{USAGE}");
    ExitCode::FAILURE
}

/// The peak of one case, if there is such a case.
fn case(backend: &impl Backend, way: &str, what: &str) -> Option<u64> {
    let spawner: Arc<dyn Spawner> = backend.runtime();
    let timer: Arc<dyn Timer> = backend.runtime();
    let count = Count::default();
    let task = || {
        let count = count.clone();
        async move {
            count.one();
            pending::<()>().await;
        }
    };
    match (way, what) {
        ("native", "detached") => backend.run(&count, || backend.spawn_detached(task())),
        ("typed", "detached") => backend.run(&count, || spawner.spawn_detached(task())),
        ("native", "kept") => backend.run(&count, || backend.spawn(task())),
        ("typed", "kept") => backend.run(&count, || spawner.spawn_with_handle(task())),
        // The tasks are native both times.
        ("native", "sleeps") => backend.run(&count, || {
            let count = Some(count.clone());
            backend.spawn_detached(Sleeping { sleep: backend.sleep(LONG), count });
        }),
        ("typed", "sleeps") => backend.run(&count, || {
            let count = Some(count.clone());
            backend.spawn_detached(Sleeping { sleep: timer.sleep(LONG), count });
        }),
        _ => return None,
    }
    Some(peak())
}

/// How many tasks are waiting.
#[derive(Clone, Default)]
struct Count(Arc<AtomicU32>);

impl Count {
    fn one(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    /// Spawns them all, keeps what the spawns give, and waits until all have been polled.
    async fn fill<T>(&self, spawn: impl Fn() -> T) {
        let mut kept = Vec::new();
        if size_of::<T>() > 0 {
            kept.reserve_exact(TASKS as usize);
        }
        kept.extend((0..TASKS).map(|_| spawn()));
        poll_fn(|cx| {
            if self.0.load(Ordering::Acquire) == TASKS {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        // Dropping the handles would cancel a million tasks, one after the other, on some backends.
        std::mem::forget(kept);
    }
}

pin_project! {
    /// A sleep, and nothing that is kept besides: an async block keeps what it has moved, too.
    struct Sleeping<S> {
        #[pin]
        sleep: S,
        count: Option<Count>,
    }
}

impl<S: Future> Future for Sleeping<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let poll = this.sleep.poll(cx);
        if let Some(count) = this.count.take() {
            count.one();
        }
        poll.map(|_| ())
    }
}

/// The most physical memory that this process has had, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
    kilobytes.and_then(|kilobytes| kilobytes.parse().ok()).unwrap_or_default()
}
