//! Simulations: ours against those of others.
//!
//! - tokio with its clock paused, on one thread: one schedule, virtual time. What most tests of
//!   asynchronous code run on.
//! - turmoil: hosts on such a runtime, with a simulated network between them.
//! - shuttle: schedules of threads and futures, random ones here; no virtual time.
//! - madsim is not there: without `--cfg madsim` for the whole build it simulates nothing.

mod programs;
mod section;

use std::time::{Duration, Instant};

use crate::measure::{Effort, Ratio};

pub(crate) use section::Section;

/// How much longer a peer takes than this crate's simulation.
pub struct Peer {
    /// Its name.
    pub name: &'static str,
    /// What both did.
    pub work: &'static str,
    /// The peer's time through ours.
    pub ratio: Ratio,
}

/// What a step costs beside so many tasks that take none.
pub struct Scale {
    /// How many tasks there are.
    pub tasks: u64,
    /// What they wait for.
    pub waiting: &'static str,
    /// For each step.
    pub step: Duration,
}

/// The peers' names.
pub(crate) const PEERS: [&str; 3] = ["tokio, paused", "turmoil", "shuttle"];

/// The works' names.
pub(crate) const WORKS: [&str; 3] = ["polls", "sleeps", "spawns and joins"];

/// How many tasks there are in [`scales`].
const TASKS: [u64; 3] = [1_000, 100_000, 1_000_000];

/// Compares each peer with ours, on what it can do.
#[must_use]
pub fn peers(effort: Effort, wants: &dyn Fn(&[&str]) -> bool) -> Vec<Peer> {
    let mut figures = Vec::new();
    for (name, work, ours, theirs) in programs::PAIRS {
        if !wants(&["simulation", name, work]) {
            continue;
        }
        eprintln!("simulation: {work}, {name}");
        let ratio = effort.compare(&|rounds| time(ours, rounds), &|rounds| time(theirs, rounds));
        figures.push(Peer { name, work, ratio });
    }
    figures
}

/// Measures steps beside many tasks.
#[must_use]
pub fn scales() -> Vec<Scale> {
    let mut figures = Vec::new();
    for (waiting, beside) in programs::BESIDE {
        for tasks in TASKS {
            eprintln!("simulation: beside {tasks} tasks that wait for {waiting}");
            figures.push(Scale { tasks, waiting, step: beside(tasks) });
        }
    }
    figures
}

fn time(run: fn(), rounds: u64) -> Duration {
    let start = Instant::now();
    for _ in 0..rounds {
        run();
    }
    start.elapsed()
}
