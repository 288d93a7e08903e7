//! Instructions, counted by valgrind's callgrind.
//!
//! On one thread the same program executes the same instructions each time. What a process does
//! besides the work is cancelled out: it is the difference of two processes, one of which does the
//! work twice as often.

mod functions;

use std::io;
use std::path::Path;
use std::process::{self, Command, ExitCode};
use std::{env, fs};

use crate::case::{BACKENDS, Case, Run};
use crate::settle;
pub use functions::Functions;

/// What tells the program that its instructions are being counted.
pub const COMMAND: &str = "instructions-of";

/// What the figures are called, to ask for them alone.
pub const NAME: &str = "instructions";

const TOKIO: &str = "tokio, current thread";
const ASYNC_EXECUTOR: &str = "async-executor, current thread";

/// The backends that run on the thread that drives them, and so are deterministic.
pub const SINGLE_THREADED: [&str; 2] = [TOKIO, ASYNC_EXECUTOR];

/// The works whose cost is looked up by function.
const LOOKED_UP: [&str; 4] =
    ["spawn and join", "spawn detached", "join when finished", "cancel while pending"];

/// The work that no other thread takes part in.
#[must_use]
pub fn is_deterministic(case: &Case) -> bool {
    // async-io keeps its timers in a thread of its own. A limit that is never reached is not one.
    let timers: &[_] = if case.backend == TOKIO { &[] } else { &["sleep", "waits"] };
    let shared = ["threads", "to its end", "block"].iter().chain(timers);
    SINGLE_THREADED.contains(&case.backend) && !shared.into_iter().any(|it| case.work.contains(it))
}

/// The work whose cost is looked up by function.
#[must_use]
pub fn is_looked_up(case: &Case) -> bool {
    // async-std's one worker does the work, and hardly anything else happens in the process.
    is_deterministic(case) && LOOKED_UP.contains(&case.work)
        || case.backend.starts_with("async-std") && case.work == "spawn detached"
}

const ROUNDS: u64 = 10;

/// Whether there is a valgrind to count with.
#[must_use]
pub fn available() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// How many instructions a work takes, per task, by function.
///
/// `program` is one that hands its arguments to [`main`] when the first one is [`COMMAND`];
/// `way` is `native` or a way's name.
///
/// # Errors
///
/// If valgrind cannot be started or the work is not known.
pub fn per_task(program: &Path, case: &Case, way: &str) -> io::Result<Functions> {
    let once = count(program, case, way, ROUNDS)?;
    let twice = count(program, case, way, 2 * ROUNDS)?;
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    Ok(twice.minus(&once).per((ROUNDS * case.tasks) as f64))
}

fn count(program: &Path, case: &Case, way: &str, rounds: u64) -> io::Result<Functions> {
    let profile = env::temp_dir().join(format!("callgrind.{}", process::id()));
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--compress-pos=no", "--compress-strings=no"]);
    command.arg(format!("--callgrind-out-file={}", profile.display())).arg(program);
    command.args([COMMAND, case.backend, case.work, way, &rounds.to_string()]);
    let output = settle::as_it_is(&mut command).output()?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let functions = Functions::read(&fs::read_to_string(&profile)?);
    fs::remove_file(profile)?;
    functions.ok_or_else(|| io::Error::other("callgrind wrote what is not understood here"))
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
