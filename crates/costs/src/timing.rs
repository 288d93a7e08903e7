//! Times, measured in a process of its own for each build and each allocator.
//!
//! The process is told on its standard input what to measure, one figure a line, and writes a ratio
//! for each to its standard output.

use std::io::{self, BufRead, Write};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use crate::case::{BACKENDS, Case};
use crate::measure::{Effort, Ratio};

/// What tells the program to measure times.
pub const COMMAND: &str = "times";

/// What is measured: a work on a backend, in one way, against native.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// The name of the backend.
    pub backend: &'static str,
    /// The name of the work.
    pub work: &'static str,
    /// The name of the way.
    pub way: &'static str,
}

/// Has the program measure the figures.
///
/// `command` starts a program that hands its arguments to [`main`] when the first one is [`COMMAND`].
///
/// # Errors
///
/// If it cannot be started, or does not know one of the figures.
pub fn measure(
    command: &mut Command,
    effort: Effort,
    figures: &[Figure],
) -> io::Result<Vec<Ratio>> {
    command.args([COMMAND, &effort.pairs.to_string(), &effort.round.as_micros().to_string()]);
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    if let Some(mut input) = process.stdin.take() {
        for Figure { backend, work, way } in figures {
            writeln!(input, "{backend}\t{work}\t{way}")?;
        }
    }
    let output = process.wait_with_output()?;
    let ratios =
        String::from_utf8_lossy(&output.stdout).lines().map_while(read).collect::<Vec<_>>();
    if ratios.len() == figures.len() {
        return Ok(ratios);
    }
    Err(io::Error::other(format!("{} of {} figures measured", ratios.len(), figures.len())))
}

fn read(line: &str) -> Option<Ratio> {
    let mut numbers = line.split('\t').map_while(|number| number.parse().ok());
    let (median, lower, upper) = (numbers.next()?, numbers.next()?, numbers.next()?);
    Some(Ratio { median, lower, upper, native: Duration::from_secs_f64(numbers.next()?) })
}

/// Does what [`measure`] asks such a process to do.
#[must_use]
pub fn main(args: &[String]) -> ExitCode {
    let [pairs, round] = args else { return ExitCode::FAILURE };
    let (Ok(pairs), Ok(round)) = (pairs.parse(), round.parse()) else { return ExitCode::FAILURE };
    let effort = Effort { pairs, round: Duration::from_micros(round) };
    let lines: Vec<_> = io::stdin().lock().lines().map_while(Result::ok).collect();

    let mut running: Vec<Case> = Vec::new();
    for line in &lines {
        let [backend, work, way] = line.split('\t').collect::<Vec<_>>()[..] else {
            return ExitCode::FAILURE;
        };
        if running.first().is_none_or(|case| case.backend != backend) {
            running.clear();
            let started = BACKENDS.iter().find(|(name, _)| *name == backend);
            running.extend(started.into_iter().flat_map(|(name, cases)| cases(name)));
        }
        let case = running.iter().find(|case| case.work == work);
        let Some((case, run)) = case.and_then(|case| Some((case, case.run(way)?))) else {
            eprintln!("there is no {way} {work} on {backend}");
            return ExitCode::FAILURE;
        };
        eprintln!("{backend}: {work}, {way}");
        let Ratio { median, lower, upper, native } = effort.compare(&case.native, run);
        println!("{median}\t{lower}\t{upper}\t{}", native.as_secs_f64());
    }
    ExitCode::SUCCESS
}
