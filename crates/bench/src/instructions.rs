//! Instructions, counted by valgrind's callgrind.
//!
//! On one thread the same program executes the same instructions each time. What a process does
//! besides the work is cancelled out: it is the difference of two processes, one of which does the
//! work twice as often.

use std::io;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::case::{BACKENDS, Case, Run};
use crate::settle;

/// What tells the program that its instructions are being counted.
pub const COMMAND: &str = "instructions-of";

/// The backends that run on the thread that drives them, and so are deterministic.
pub const SINGLE_THREADED: [&str; 2] = ["tokio, current thread", "async-executor, current thread"];

/// The work that no other thread takes part in.
#[must_use]
pub fn is_deterministic(case: &Case) -> bool {
    SINGLE_THREADED.contains(&case.backend) && !case.work.contains("threads")
}

const ROUNDS: u64 = 10;

/// Whether there is a valgrind to count with.
#[must_use]
pub fn available() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// How many instructions a work takes, per task.
///
/// `program` is one that hands its arguments to [`main`] when the first one is [`COMMAND`];
/// `way` is `native` or a way's name.
///
/// # Errors
///
/// If valgrind cannot be started or the work is not known.
pub fn per_task(program: &Path, case: &Case, way: &str) -> io::Result<f64> {
    let once = count(program, case, way, ROUNDS)?;
    let twice = count(program, case, way, 2 * ROUNDS)?;
    #[expect(clippy::cast_precision_loss, reason = "some millions")]
    Ok((twice - once) as f64 / (ROUNDS * case.tasks) as f64)
}

fn count(program: &Path, case: &Case, way: &str, rounds: u64) -> io::Result<u64> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    command.args([COMMAND, case.backend, case.work, way, &rounds.to_string()]);
    let output = settle::unsettle(&mut command).output()?;
    let messages = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(io::Error::other(messages.into_owned()));
    }
    let collected = messages.lines().find_map(|line| line.split_once("Collected : "));
    let count = collected.and_then(|(_, count)| count.trim().parse().ok());
    count.ok_or_else(|| io::Error::other(format!("callgrind gave no count: {messages}")))
}

/// Does what [`per_task`] asks such a process to do.
#[must_use]
pub fn main(args: &[String]) -> ExitCode {
    let [backend, work, way, rounds] = args else { return ExitCode::FAILURE };
    let (Some(run), Ok(rounds)) = (find(backend, work, way), rounds.parse()) else {
        eprintln!("there is no {way} {work} on {backend}");
        return ExitCode::FAILURE;
    };
    run(rounds);
    ExitCode::SUCCESS
}

fn find(backend: &str, work: &str, way: &str) -> Option<Run> {
    let (name, cases) = BACKENDS.into_iter().find(|(name, _)| *name == backend)?;
    let case = cases(name).into_iter().find(|case| case.work == work)?;
    if way == "native" {
        return Some(case.native);
    }
    case.shims.into_iter().find(|(name, _)| *name == way).map(|(_, run)| run)
}
