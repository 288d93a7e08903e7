//! What decorators cost: instructions per task, counted by valgrind, against a bare spawn.
//!
//! ```sh
//! cargo run --release -p async-runtime-compat-bench --bin decorators
//! ```
//!
//! Tasks are spawned on tokio's current-thread runtime and joined, a hundred at a time. One kind
//! completes in its first poll, the other waits ten times.

use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::{env, io};

use async_runtime_compat::decorate::{Counted, Limited, Named};
use async_runtime_compat::prelude::*;
use async_runtime_compat::tokio::TokioSpawner;
use async_runtime_compat::{Ambient, TaskGroup, yield_now};

/// What is decorated, and how: with a name for the table.
type Decorate = fn(TokioSpawner) -> Arc<dyn Spawner>;

/// More than there are tasks at a time.
const PLACES: usize = 1000;

const WAYS: [(&str, Decorate); 7] = [
    ("bare", |tokio| Arc::new(tokio)),
    ("Counted", |tokio| Arc::new(Counted::new(tokio))),
    ("Limited", |tokio| Arc::new(Limited::new(tokio, PLACES))),
    ("Named, a default", |tokio| Arc::new(Named::with_default(tokio, "task"))),
    ("TaskGroup", |tokio| Arc::new(TaskGroup::new(Arc::new(tokio)))),
    ("Ambient", |tokio| Ambient::new(tokio)),
    ("Counted, Limited and TaskGroup", |tokio| {
        let group = TaskGroup::new(Arc::new(tokio));
        Arc::new(Counted::new(Limited::new(group, PLACES)))
    }),
];

const TASKS: u32 = 100;

/// What the program is started with to be counted.
const COUNTED: &str = "counted";

fn main() -> ExitCode {
    let args: Vec<_> = env::args().skip(1).collect();
    if let [counted, way, waits, rounds] = &args[..] {
        if counted == COUNTED {
            return work(way, waits.parse().unwrap_or(0), rounds.parse().unwrap_or(0));
        }
    }
    match table() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn table() -> io::Result<()> {
    println!("| decorator                      | completes at once | waits ten times |");
    println!("|--------------------------------|-------------------|-----------------|");
    let mut bare = None;
    for (way, _) in WAYS {
        let counts = (per_task(way, 0)?, per_task(way, 10)?);
        let bare = bare.get_or_insert(counts);
        let cell = |count: f64, bare: f64| format!("{count:.0} ({:.2})", count / bare);
        let (once, often) = (cell(counts.0, bare.0), cell(counts.1, bare.1));
        println!("| {way:<30} | {once:<17} | {often:<15} |");
    }
    Ok(())
}

/// What a process does besides the work is the same for any number of rounds.
fn per_task(way: &str, waits: u32) -> io::Result<f64> {
    const ROUNDS: u32 = 20;
    let (once, twice) = (count(way, waits, ROUNDS)?, count(way, waits, 2 * ROUNDS)?);
    #[expect(clippy::cast_precision_loss, reason = "some millions")]
    Ok((twice - once) as f64 / f64::from(ROUNDS * TASKS))
}

fn count(way: &str, waits: u32, rounds: u32) -> io::Result<u64> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(env::current_exe()?);
    command.args([COUNTED, way, &waits.to_string(), &rounds.to_string()]);
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split("Collected : ").nth(1));
    let count = collected.and_then(|count| count.trim().parse().ok());
    count.ok_or_else(|| io::Error::other(said.into_owned()))
}

fn work(way: &str, waits: u32, rounds: u32) -> ExitCode {
    let Some((_, decorate)) = WAYS.into_iter().find(|(name, _)| *name == way) else {
        return ExitCode::FAILURE;
    };
    let tokio = tokio::runtime::Builder::new_current_thread().build();
    let Ok(tokio) = tokio else { return ExitCode::FAILURE };
    let spawner = decorate(TokioSpawner::new(tokio.handle().clone()));
    tokio.block_on(async {
        let mut tasks = Vec::with_capacity(TASKS as usize);
        for _ in 0..rounds {
            tasks.extend((0..TASKS).map(|_| {
                spawner.spawn_with_handle(async move {
                    for _ in 0..waits {
                        yield_now().await;
                    }
                })
            }));
            for task in tasks.drain(..) {
                task.await.expect("it runs to its end");
            }
        }
    });
    ExitCode::SUCCESS
}
