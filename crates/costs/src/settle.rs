//! Conditions under which a ratio tells something about the code.

use std::env;
use std::process::{Command, ExitCode};

/// Environment variables that are set, on both sides of every ratio.
///
/// - glibc keeps freed memory. It would give the top of the heap back to the kernel whenever many
///   tasks are freed, and the page faults of the next round would be most of what is measured.
/// - glibc copies large blocks by plain instructions. On some processors `rep movsb` takes up to
///   ten times as long when the two blocks happen to lie unfavourably to each other, which moves
///   with every change to the code: the same number of copies of 16 KiB had ratios from 0.4 to 5.
/// - smol and async-std have one thread. With two, chance decides which thread frees what the
///   other one allocated, and whether they contend for it.
const SETTINGS: [(&str, &str); 3] = [
    (
        "GLIBC_TUNABLES",
        "glibc.malloc.trim_threshold=1073741824:glibc.cpu.x86_rep_movsb_threshold=1073741824",
    ),
    ("SMOL_THREADS", "1"),
    ("ASYNC_STD_THREAD_COUNT", "1"),
];

/// Starts this program again with the settings, which are read when a process starts, and gives
/// its exit code.
///
/// `None` if they are in force, and the caller is to go on.
#[must_use]
pub fn restart() -> Option<ExitCode> {
    let in_force = |(variable, value)| env::var_os(variable).is_some_and(|is| is == value);
    if SETTINGS.into_iter().all(in_force) {
        return None;
    }
    let mut command = Command::new(env::current_exe().ok()?);
    let status = command.args(env::args_os().skip(1)).envs(SETTINGS).status().ok()?;
    Some(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Gives a child process the allocator as it is everywhere, and one thread for each runtime.
///
/// For counts, and for memory: neither drifts with what the allocator keeps.
pub fn as_it_is(command: &mut Command) -> &mut Command {
    command.envs(SETTINGS).env_remove("GLIBC_TUNABLES")
}
