//! The peak memory of a process with a million pending tasks, or sleeps.
//!
//! It is told by the package `async-runtime-compat-footprint`, built twice: with the backend alone,
//! as most programs have it, and with all of them, which makes handles and sleeps larger.

use std::io;
use std::path::Path;
use std::process::Command;

use crate::settle;

/// What the figures are called, to ask for them alone.
pub const NAME: &str = "peak memory";

/// How many of them are pending.
pub const TASKS: u32 = 1_000_000;

/// The package that is built.
pub const PACKAGE: &str = "async-runtime-compat-footprint";

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

    fn argument(self) -> &'static str {
        match self {
            Pending::Detached => "detached",
            Pending::Kept => "kept",
            Pending::Sleeps => "sleeps",
        }
    }
}

/// Peaks in KiB.
#[derive(Clone, Copy)]
pub struct Peaks {
    /// Natively.
    pub native: u64,
    /// Typed, with the backend compiled in alone.
    pub alone: u64,
    /// Typed, with all backends compiled in.
    pub among_all: u64,
}

/// The peaks of a backend, by the program that has it alone and the one that has all.
///
/// # Errors
///
/// If a process cannot be started or fails.
pub fn peaks(backend: &str, what: Pending, alone: &Path, all: &Path) -> io::Result<Peaks> {
    Ok(Peaks {
        native: peak_of(alone, backend, "native", what)?,
        alone: peak_of(alone, backend, "typed", what)?,
        among_all: peak_of(all, backend, "typed", what)?,
    })
}

fn peak_of(program: &Path, backend: &str, way: &str, what: Pending) -> io::Result<u64> {
    let mut command = Command::new(program);
    command.args([backend, way, what.argument()]);
    let output = settle::as_it_is(&mut command).output()?;
    let peak = String::from_utf8_lossy(&output.stdout).trim().parse();
    peak.map_err(|_| io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
}
