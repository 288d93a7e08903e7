//! Instructions, counted by valgrind's callgrind.
//!
//! On one thread the same program executes the same instructions each time. The work is done twice,
//! and the second time is counted: by then caches are filled and tables have grown.

mod functions;

use std::hint::black_box;
use std::io;
use std::path::Path;
use std::process::{self, Command, ExitCode};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, fs};

use crate::case::{BACKENDS, Case, Run};
use crate::settle;
use crate::tracked::TRACKED;
pub use functions::Functions;

/// What tells the program that its instructions are being counted.
pub const COMMAND: &str = "instructions-of";

/// What the figures are called, to ask for them alone.
pub const NAME: &str = "instructions";

const TOKIO: &str = "tokio, current thread";

/// The backends of which one thread does all the work, and so the same each time.
pub const SINGLE_THREADED: [&str; 4] =
    [TOKIO, "smol, 1 thread", "async-std, 1 thread", "async-executor, current thread"];

/// The works whose cost is looked up by function.
const LOOKED_UP: [&str; 4] =
    ["spawn and join", "spawn detached", "join when finished", "cancel while pending"];

/// A work that is counted.
#[derive(Clone)]
pub struct Counted {
    /// The name of the backend.
    pub backend: &'static str,
    /// The name of the work.
    pub work: &'static str,
    /// How many tasks the work is about.
    pub tasks: u64,
    /// The ways that go through this crate, by name.
    pub ways: Vec<&'static str>,
}

/// The work that no other thread takes part in, on the backends that are compiled in.
#[must_use]
pub fn all() -> Vec<Counted> {
    let backends =
        BACKENDS.iter().chain(TRACKED).filter(|(name, _)| SINGLE_THREADED.contains(name));
    let cases = backends.flat_map(|(name, cases)| cases(name));
    cases.filter(is_deterministic).map(Counted::from).collect()
}

fn is_deterministic(case: &Case) -> bool {
    // async-io keeps its timers in a thread of its own. A limit that is never reached is not one.
    let timers: &[_] = if case.backend == TOKIO { &[] } else { &["sleep", "waits"] };
    let shared = ["threads", "to its end", "block"].iter().chain(timers);
    !shared.into_iter().any(|it| case.work.contains(it))
}

impl From<Case> for Counted {
    fn from(case: Case) -> Counted {
        let Case { backend, work, tasks, shims, .. } = case;
        Counted { backend, work, tasks, ways: shims.iter().map(|(way, _)| *way).collect() }
    }
}

impl Counted {
    /// Whether its cost is looked up by function.
    #[must_use]
    pub fn is_looked_up(&self) -> bool {
        LOOKED_UP.contains(&self.work)
    }
}

/// How often the work is done before it is counted, and while it is.
const ROUNDS: u64 = 8;

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
pub fn per_task(program: &Path, case: &Counted, way: &str) -> io::Result<Functions> {
    static COUNTS: AtomicU64 = AtomicU64::new(0);
    // Counts may be made on several threads at once. Relaxed: all that matters is that they differ.
    let number = COUNTS.fetch_add(1, Ordering::Relaxed);
    let directory = env::temp_dir().join(format!("callgrind.{}.{number}", process::id()));
    fs::create_dir(&directory)?;
    let functions = count(program, case, way, &directory.join("profile"));
    fs::remove_dir_all(directory)?;
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    Ok(functions?.per((ROUNDS * case.tasks) as f64))
}

fn count(program: &Path, case: &Counted, way: &str, profile: &Path) -> io::Result<Functions> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--compress-pos=no", "--compress-strings=no"]);
    command.arg("--dump-before=*the_counted_part_begins_or_ends*");
    command.arg(format!("--callgrind-out-file={}", profile.display())).arg(program);
    command.args([COMMAND, case.backend, case.work, way]);
    let output = settle::as_it_is(&mut command).output()?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    // The first part is what happened before; a third one is what happened after.
    let functions = Functions::read(&fs::read_to_string(profile.with_extension("2"))?);
    functions.ok_or_else(|| io::Error::other("callgrind wrote what is not understood here"))
}

/// Where callgrind begins a new part of its output. It finds the function by its name.
#[inline(never)]
fn the_counted_part_begins_or_ends() {
    black_box(());
}

/// Does what [`per_task`] asks such a process to do.
#[must_use]
pub fn main(args: &[String]) -> ExitCode {
    let [backend, work, way] = args else { return ExitCode::FAILURE };
    let Some(run) = find(backend, work, way) else {
        eprintln!("there is no {way} {work} on {backend}");
        return ExitCode::FAILURE;
    };
    run(ROUNDS);
    the_counted_part_begins_or_ends();
    run(ROUNDS);
    the_counted_part_begins_or_ends();
    ExitCode::SUCCESS
}

fn find(backend: &str, work: &str, way: &str) -> Option<Run> {
    let backends = BACKENDS.iter().chain(TRACKED).filter(|(name, _)| *name == backend);
    let mut cases = backends.flat_map(|(name, cases)| cases(name));
    let case = cases.find(|case| case.work == work)?;
    if way == "native" {
        return Some(case.native);
    }
    case.shims.into_iter().find(|(name, _)| *name == way).map(|(_, run)| run)
}
