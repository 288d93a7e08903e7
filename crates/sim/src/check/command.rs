//! The shell command that replays a failure.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::{env, fs, thread};

use super::environment::{SEED, TAPE};
use super::target::Target;
use crate::tape::Tape;

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
    format!("{SEED}={seed} {TAPE}={} {}", quoted(&tape), self::command(command))
}

/// The command that runs this test or program again.
pub(super) fn command(command: Option<&str>) -> String {
    command.map_or_else(this_command, str::to_owned)
}

/// The command that runs this test, or this program.
fn this_command() -> String {
    if let Some(test) = this_test() {
        let target = Target::of_this_process().options();
        return format!("cargo test {target}{test} -- --exact{}", include_ignored());
    }
    let arguments: Vec<_> =
        env::args_os().map(|argument| quoted(&argument.to_string_lossy())).collect();
    arguments.join(" ")
}

/// The command that runs this test as it is built, if it is one.
pub(super) fn built() -> Option<String> {
    let (test, binary) = (this_test()?, env::current_exe().ok()?);
    Some(format!("{} {test} --exact{}", quoted(&binary.to_string_lossy()), include_ignored()))
}

/// The name of this test, if it is one.
fn this_test() -> Option<String> {
    // The test harness names the threads of tests after them.
    thread::current().name().filter(|test| *test != "main").map(str::to_owned)
}

/// The test may be an ignored one, which needs an argument to run.
fn include_ignored() -> &'static str {
    let ignored = ["--ignored", "--include-ignored"];
    let ignored = env::args_os().any(|argument| ignored.iter().any(|it| argument == *it));
    if ignored { " --include-ignored" } else { "" }
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
