//! The report on a schedule that fails.

use std::collections::hash_map::DefaultHasher;
use std::error::Error;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::{env, fs, thread};

use super::environment::{SEED, TAPE};
use super::shrink::Shrunk;
use crate::failure::{Failure, FailureKind};
use crate::tape::Tape;
use crate::timeline::Timeline;

/// A schedule that fails, shrunk, and how to replay it.
///
/// The [`Display`](fmt::Display) form says what failed, lists the tasks that were alive, gives the
/// command that replays the schedule, and shows the interleaving as a table.
pub struct Counterexample(Box<Parts>);

pub(super) struct Parts {
    /// The index of the run, counted from 0, and the number of runs.
    pub(super) run: Option<(u64, u64)>,
    pub(super) failure: Failure,
    pub(super) timeline: Timeline,
    pub(super) replay: String,
    pub(super) shrunk: Option<Shrunk>,
    /// Where the picture was written, or why it was not.
    pub(super) svg: Option<(PathBuf, Result<(), String>)>,
}

impl Counterexample {
    pub(super) fn new(parts: Parts) -> Counterexample {
        Counterexample(Box::new(parts))
    }

    /// The failure of the shrunk schedule, with its tape.
    #[must_use]
    pub fn failure(&self) -> &Failure {
        &self.0.failure
    }

    /// The events of the shrunk schedule.
    #[must_use]
    pub fn timeline(&self) -> &Timeline {
        &self.0.timeline
    }

    /// The shell command that replays the schedule; empty if no schedule has failed.
    #[must_use]
    pub fn replay_line(&self) -> &str {
        &self.0.replay
    }

    /// The number of switches between tasks in the schedule that was found, and in the shrunk one;
    /// `None` if it was not shrunk.
    #[must_use]
    pub fn shrunk(&self) -> Option<(u64, u64)> {
        self.0.shrunk.as_ref().map(|shrunk| (shrunk.before.switches, shrunk.after.switches))
    }
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = &*self.0;
        if it.failure.kind() == FailureKind::Unreached {
            // No run has failed, so there is none to show.
            return write!(f, "{}: {}", it.failure.kind(), it.failure.message());
        }
        match it.run {
            Some((run, runs)) => writeln!(f, "run {} of {runs} failed", run + 1)?,
            None => writeln!(f, "the tape was replayed, and the run failed")?,
        }
        writeln!(f, "{}", it.failure)?;
        if let Some(Shrunk { before, after, attempts, .. }) = &it.shrunk {
            writeln!(
                f,
                "  shrunk    from {} to {} context switches, {} to {} of them preemptions, and from \
                 {} to {} steps, in {attempts} attempts",
                before.switches,
                after.switches,
                before.preemptions,
                after.preemptions,
                before.steps,
                after.steps,
            )?;
        }
        match &it.svg {
            Some((path, Ok(()))) => writeln!(f, "  picture   {}", path.display())?,
            Some((path, Err(error))) => {
                writeln!(f, "  picture   {} was not written: {error}", path.display())?;
            }
            None => {}
        }
        write!(f, "\nreplay it with\n\n    {}\n\n{}", it.replay, it.timeline)
    }
}

impl fmt::Debug for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Counterexample {}

/// The longest tape that is put on a command line. A variable holds at most 128 KiB on Linux, and
/// 32,767 characters on Windows.
const LONGEST: usize = 16_000;

/// The shell command that replays a tape.
pub(super) fn replay_line(command: Option<&str>, seed: u64, tape: &Tape) -> String {
    let mut tape = tape.to_string();
    if tape.len() > LONGEST {
        let mut hash = DefaultHasher::new();
        tape.hash(&mut hash);
        let path = env::temp_dir().join(format!("dst-{:016x}.tape", hash.finish()));
        // If the file cannot be written, a long line is better than none.
        if fs::write(&path, &tape).is_ok() {
            tape = format!("@{}", path.display());
        }
    }
    let command = command.map_or_else(this_command, str::to_owned);
    format!("{SEED}={seed} {TAPE}={} {command}", quoted(&tape))
}

/// The command that runs this test, or this program.
fn this_command() -> String {
    // The test harness names the threads of tests after them.
    match thread::current().name() {
        Some(test) if test != "main" => {
            // The test may be an ignored one, which needs an argument to run.
            let ignored = ["--ignored", "--include-ignored"];
            let ignored = env::args_os().any(|argument| ignored.iter().any(|it| argument == *it));
            let include = if ignored { " --include-ignored" } else { "" };
            format!("cargo test {test} -- --exact{include}")
        }
        _ => {
            let arguments: Vec<_> =
                env::args_os().map(|argument| quoted(&argument.to_string_lossy())).collect();
            arguments.join(" ")
        }
    }
}

/// Quotes an argument for a POSIX shell.
fn quoted(text: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "-_./:@=,+".contains(it);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted_where_they_must_be() {
        assert_eq!(quoted("target/debug/it"), "target/debug/it");
        assert_eq!(quoted("it's a path"), r"'it'\''s a path'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_long_tape_goes_through_a_file() {
        let tape: Tape = format!("t1:{}0", "1.2.".repeat(8_000)).parse().unwrap();
        let line = replay_line(Some("run"), 7, &tape);
        let path = line.strip_prefix("DST_SEED=7 DST_TAPE=@").unwrap();
        let path = path.strip_suffix(" run").unwrap().trim_matches('\'');
        assert_eq!(fs::read_to_string(path).unwrap().parse(), Ok(tape));
        fs::remove_file(path).unwrap();
    }
}
