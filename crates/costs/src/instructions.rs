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
use std::sync::{Mutex, PoisonError};
use std::{env, fs, thread};

use crate::case::{BACKENDS, Case, GROUP, OPAQUE, TYPED};
use crate::settle;
use crate::work::TASKS;
pub use functions::Functions;

/// What tells the program that its instructions are being counted.
pub const COMMAND: &str = "instructions-of";

/// What the figures are called, to ask for them alone.
pub const NAME: &str = "instructions";

const TOKIO: &str = "tokio, current thread";

/// The backends of which one thread does all the work, and so the same each time.
pub const SINGLE_THREADED: [&str; 4] =
    [TOKIO, "smol, 1 thread", "async-std, 1 thread", "async-executor, current thread"];

/// The work that is counted on an opaque spawner, too.
const OPAQUE_WORKS: [&str; 2] = ["spawn and join", "spawn detached"];

/// How many processes count at a time.
const COUNTING: usize = 2;

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
    let backends = BACKENDS.iter().filter(|(name, _)| SINGLE_THREADED.contains(name));
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
        let counted = |way: &&str| match *way {
            OPAQUE => OPAQUE_WORKS.contains(&work),
            way => [TYPED, GROUP].contains(&way),
        };
        Counted {
            backend,
            work,
            tasks,
            ways: shims.iter().map(|it| it.0).filter(counted).collect(),
        }
    }
}

/// Does something for each case, two at a time, and gives the results in the order of the cases.
pub fn for_each<T: Send>(cases: Vec<Counted>, count: impl Fn(Counted) -> T + Sync) -> Vec<T> {
    let queue = Mutex::new(cases.into_iter().enumerate());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let counting = || {
        let mut results = Vec::new();
        while let Some((index, case)) = next() {
            results.push((index, count(case)));
        }
        results
    };
    let mut results = thread::scope(|scope| {
        let threads = [(); COUNTING].map(|()| scope.spawn(counting));
        let ends = threads.into_iter().flat_map(|thread| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        ends.collect::<Vec<_>>()
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// How often a work about so many tasks is done before it is counted, and while it is.
fn rounds(tasks: u64) -> u64 {
    // Where there are fewer, each takes long.
    if tasks < TASKS { 2 } else { 8 }
}

/// Whether there is a valgrind to count with.
#[must_use]
pub fn available() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// How many instructions a work takes, per task, by function.
///
/// `program` is one that hands its arguments to [`main`] when the first one is [`COMMAND`];
/// `way` is [`NATIVE`](crate::case::NATIVE) or the name of another one.
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
    Ok(functions?.per((rounds(case.tasks) * case.tasks) as f64))
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
    let case = find(backend, work);
    let Some((case, run)) = case.as_ref().and_then(|case| Some((case, case.run(way)?))) else {
        eprintln!("there is no {way} {work} on {backend}");
        return ExitCode::FAILURE;
    };
    let rounds = rounds(case.tasks);
    run(rounds);
    the_counted_part_begins_or_ends();
    run(rounds);
    the_counted_part_begins_or_ends();
    ExitCode::SUCCESS
}

fn find(backend: &str, work: &str) -> Option<Case> {
    let (name, cases) = BACKENDS.iter().find(|(name, _)| *name == backend)?;
    cases(name).into_iter().find(|case| case.work == work)
}
