//! The peak memory of a process with a million pending tasks, or sleeps.
//!
//! A process has one peak, so every case is a process of its own: this program, started again.

use std::future::{Future, pending};
use std::pin::Pin;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::{env, fs, io};

use pin_project_lite::pin_project;

use crate::backend::FullBackend;
use crate::backend::async_executor::AsyncExecutor;
use crate::backend::async_std::AsyncStd;
use crate::backend::smol::Smol;
use crate::backend::tokio::Tokio;
use crate::settle;
use crate::wait::{TimeWay, TypedTimer};
use crate::way::{JoinWay, Typed, Way};
use crate::work::Countdown;
use crate::work::wait::LONG;

/// What tells the program that it is such a process.
pub const COMMAND: &str = "memory-of";

/// What the figures are called, to ask for them alone.
pub const NAME: &str = "peak memory";

/// How many of them are pending.
pub const TASKS: u32 = 1_000_000;

/// What is pending.
#[derive(Clone, Copy, PartialEq)]
pub enum Pending {
    /// Tasks with nobody to wait for them.
    Detached,
    /// Tasks whose handles are all kept.
    Kept,
    /// A sleep in each of so many tasks, which are spawned natively both times.
    Sleeps,
}

/// All of it.
pub const ALL: [Pending; 3] = [Pending::Detached, Pending::Kept, Pending::Sleeps];

impl Pending {
    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Pending::Detached => "tasks, detached",
            Pending::Kept => "tasks, handles kept",
            Pending::Sleeps => "sleeps in tasks",
        }
    }
}

/// The backends by name.
pub const BACKENDS: [(&str, Case); 4] = [
    ("tokio, current thread", |typed, what| case(&Tokio::current_thread(), typed, what)),
    ("smol", |typed, what| case(&Smol, typed, what)),
    ("async-std", |typed, what| case(&AsyncStd, typed, what)),
    ("async-executor", |typed, what| case(&AsyncExecutor::default(), typed, what)),
];

type Case = fn(bool, Pending) -> u64;

/// The peak memory of both ways, in KiB: native, typed.
///
/// # Errors
///
/// If a process cannot be started or fails.
pub fn peaks(backend: &str, what: Pending) -> io::Result<(u64, u64)> {
    Ok((peak_of(backend, false, what)?, peak_of(backend, true, what)?))
}

fn peak_of(backend: &str, typed: bool, what: Pending) -> io::Result<u64> {
    let mut command = Command::new(env::current_exe()?);
    command.args([COMMAND, backend, if typed { "typed" } else { "native" }, what.name()]);
    let output = settle::as_it_is(&mut command).output()?;
    let peak = String::from_utf8_lossy(&output.stdout).trim().parse();
    peak.map_err(|_| io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
}

/// Does what [`peaks`] asks such a process to do.
#[must_use]
pub fn main(args: &[String]) -> ExitCode {
    let [backend, way, what] = args else { return ExitCode::FAILURE };
    let case = BACKENDS.iter().find(|(name, _)| name == backend);
    let what = ALL.into_iter().find(|it| it.name() == what);
    let (Some((_, case)), Some(what)) = (case, what) else { return ExitCode::FAILURE };
    println!("{}", case(way == "typed", what));
    ExitCode::SUCCESS
}

fn case<B: FullBackend>(backend: &B, typed: bool, what: Pending) -> u64 {
    match (what, typed) {
        (Pending::Sleeps, false) => {
            backend.run(peak_with_sleeps(backend.timer(), backend.native()))
        }
        (Pending::Sleeps, true) => {
            backend.run(peak_with_sleeps(TypedTimer(backend.runtime()), backend.native()))
        }
        (_, false) => backend.run(peak_with_tasks(backend.native(), what)),
        (_, true) => backend.run(peak_with_tasks(Typed(backend.spawner()), what)),
    }
}

async fn peak_with_tasks<W: JoinWay>(way: W, what: Pending) -> u64 {
    let countdown = Countdown::new(TASKS.into());
    let task = || {
        let countdown = countdown.clone();
        async move {
            countdown.count();
            pending::<()>().await;
        }
    };
    let mut kept = Vec::new();
    if what == Pending::Kept {
        kept.reserve_exact(TASKS as usize);
        kept.extend((0..TASKS).map(|_| way.spawn(task())));
    } else {
        (0..TASKS).for_each(|_| way.spawn_detached(task()));
    }
    // All of them have been polled, and are waiting.
    countdown.wait().await;
    let peak = peak();
    // Dropping the handles would cancel a million tasks, one after the other, on some backends.
    std::mem::forget(kept);
    peak
}

async fn peak_with_sleeps<T: TimeWay, W: Way>(timer: T, way: W) -> u64 {
    let countdown = Countdown::new(TASKS.into());
    for _ in 0..TASKS {
        let countdown = Some(countdown.clone());
        way.spawn_detached(Sleeping { sleep: timer.sleep(LONG), countdown });
    }
    countdown.wait().await;
    peak()
}

pin_project! {
    /// A sleep, and nothing that is kept besides: an async block keeps what it has moved, too.
    struct Sleeping<S> {
        #[pin]
        sleep: S,
        countdown: Option<Arc<Countdown>>,
    }
}

impl<S: Future> Future for Sleeping<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let poll = this.sleep.poll(cx);
        if let Some(countdown) = this.countdown.take() {
            countdown.count();
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
