//! Conditions under which a ratio tells something about the code.

use std::env;
use std::process::{Command, ExitCode};

/// Where glibc reads its settings from, once, when a process starts.
const VARIABLE: &str = "GLIBC_TUNABLES";

/// The settings that are changed, on both sides of every ratio.
///
/// - Freed memory is kept. The allocator would give the top of the heap back to the kernel whenever
///   many tasks are freed, and the page faults of the next round would be most of what is measured.
/// - Large blocks are copied by plain instructions. On some processors `rep movsb` takes up to ten
///   times as long when the two blocks happen to lie unfavourably to each other, which moves with
///   every change to the code: the same number of copies of 16 KiB had ratios from 0.4 to 5.
const SETTINGS: &str =
    "glibc.malloc.trim_threshold=1073741824:glibc.cpu.x86_rep_movsb_threshold=1073741824";

/// Starts this program again with the settings, and gives its exit code.
///
/// `None` if they are in force, and the caller is to go on. Other C libraries ignore them.
#[must_use]
pub fn restart() -> Option<ExitCode> {
    if env::var_os(VARIABLE).is_some_and(|settings| settings == SETTINGS) {
        return None;
    }
    let mut command = Command::new(env::current_exe().ok()?);
    let status = command.args(env::args_os().skip(1)).env(VARIABLE, SETTINGS).status().ok()?;
    Some(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Takes the settings away from a child process.
pub fn unsettle(command: &mut Command) -> &mut Command {
    command.env_remove(VARIABLE)
}
