//! The conditions under which processes measure.

use std::env;
use std::process::{Command, ExitCode};

/// smol and async-std have one thread. With two, chance decides which thread frees what the other
/// one allocated, and whether they contend for it.
const THREADS: [(&str, &str); 2] = [("SMOL_THREADS", "1"), ("ASYNC_STD_THREAD_COUNT", "1")];

/// What glibc can be told, so that a ratio says more about the code than about `malloc`.
///
/// - It keeps freed memory. Otherwise it gives the top of the heap back to the kernel whenever many
///   tasks are freed, and the page faults of the next round are much of what is measured.
/// - It copies large blocks by plain instructions. On some processors `rep movsb` takes up to ten
///   times as long when the two blocks happen to lie unfavourably to each other.
const TUNABLES: (&str, &str) = (
    "GLIBC_TUNABLES",
    "glibc.malloc.trim_threshold=1073741824:glibc.cpu.x86_rep_movsb_threshold=1073741824",
);

/// Starts this program again with the settings of [`as_it_is`], which are read when a process
/// starts, and gives its exit code.
///
/// `None` if they are in force, and the caller is to go on.
#[must_use]
pub fn restart() -> Option<ExitCode> {
    let in_force = |(variable, value)| env::var_os(variable).is_some_and(|is| is == value);
    if THREADS.into_iter().all(in_force) && env::var_os(TUNABLES.0).is_none() {
        return None;
    }
    let mut command = Command::new(env::current_exe().ok()?);
    let status = as_it_is(command.args(env::args_os().skip(1))).status().ok()?;
    Some(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The allocator as it is everywhere, and one thread for smol and async-std.
pub fn as_it_is(command: &mut Command) -> &mut Command {
    command.envs(THREADS).env_remove(TUNABLES.0)
}

/// With glibc tuned so that the allocator is felt less.
pub fn tuned(command: &mut Command) -> &mut Command {
    command.envs(THREADS).env(TUNABLES.0, TUNABLES.1)
}
