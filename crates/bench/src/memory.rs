//! The peak memory of a process with a million pending tasks.
//!
//! A process has one peak, so every case is a process of its own: this program, started again.

use std::future::pending;
use std::process::{Command, ExitCode};
use std::{env, fs, io};

use crate::backend::Backend;
use crate::backend::async_executor::AsyncExecutor;
use crate::backend::async_std::AsyncStd;
use crate::backend::smol::Smol;
use crate::backend::tokio::Tokio;
use crate::settle;
use crate::way::{JoinWay, Typed};
use crate::work::Countdown;

/// What tells the program that it is such a process.
pub const COMMAND: &str = "memory-of";

/// How many tasks are pending.
pub const TASKS: u32 = 1_000_000;

/// What becomes of the handles.
#[derive(Clone, Copy, PartialEq)]
pub enum Handles {
    /// They are all kept.
    Kept,
    /// There are none.
    Detached,
}

/// The backends by name.
pub const BACKENDS: [(&str, Case); 4] = [
    ("tokio, current thread", |typed, handles| case(&Tokio::current_thread(), typed, handles)),
    ("smol", |typed, handles| case(&Smol, typed, handles)),
    ("async-std", |typed, handles| case(&AsyncStd, typed, handles)),
    ("async-executor", |typed, handles| case(&AsyncExecutor::default(), typed, handles)),
];

type Case = fn(bool, Handles) -> u64;

/// The peak memory of both ways, in KiB: native, typed.
///
/// # Errors
///
/// If a process cannot be started or fails.
pub fn peaks(backend: &str, handles: Handles) -> io::Result<(u64, u64)> {
    Ok((peak_of(backend, false, handles)?, peak_of(backend, true, handles)?))
}

fn peak_of(backend: &str, typed: bool, handles: Handles) -> io::Result<u64> {
    let mut command = Command::new(env::current_exe()?);
    command.args([COMMAND, backend, if typed { "typed" } else { "native" }]);
    command.arg(if handles == Handles::Kept { "kept" } else { "detached" });
    let output = settle::unsettle(&mut command).output()?;
    let peak = String::from_utf8_lossy(&output.stdout).trim().parse();
    peak.map_err(|_| io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
}

/// Does what [`peaks`] asks such a process to do.
#[must_use]
pub fn main(args: &[String]) -> ExitCode {
    let [backend, way, handles] = args else { return ExitCode::FAILURE };
    let Some((_, case)) = BACKENDS.iter().find(|(name, _)| name == backend) else {
        return ExitCode::FAILURE;
    };
    let handles = if handles == "kept" { Handles::Kept } else { Handles::Detached };
    println!("{}", case(way == "typed", handles));
    ExitCode::SUCCESS
}

fn case<B: Backend>(backend: &B, typed: bool, handles: Handles) -> u64 {
    if typed {
        backend.run(peak_with_pending(Typed(backend.spawner()), handles))
    } else {
        backend.run(peak_with_pending(backend.native(), handles))
    }
}

async fn peak_with_pending<W: JoinWay>(way: W, handles: Handles) -> u64 {
    let countdown = Countdown::new(TASKS.into());
    let task = || {
        let countdown = countdown.clone();
        async move {
            countdown.count();
            pending::<()>().await;
        }
    };
    let mut kept = Vec::new();
    match handles {
        Handles::Kept => {
            kept.reserve_exact(TASKS as usize);
            kept.extend((0..TASKS).map(|_| way.spawn(task())));
        }
        Handles::Detached => (0..TASKS).for_each(|_| way.spawn_detached(task())),
    }
    // All of them have been polled, and are waiting.
    countdown.wait().await;
    let peak = peak();
    // Dropping the handles would cancel a million tasks, one after the other, on some backends.
    std::mem::forget(kept);
    peak
}

/// The most physical memory that this process has had, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
    kilobytes.and_then(|kilobytes| kilobytes.parse().ok()).unwrap_or_default()
}
