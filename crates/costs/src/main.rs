//! Does the work that its arguments name: measures its time, or lets valgrind count its instructions.
//!
//! Not meant to be started by hand; `compare` in `crates/bench` and the test `instructions` do.

use std::env;
use std::process::ExitCode;

use async_runtime_compat_costs::{instructions, timing};

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args: Vec<_> = env::args().skip(1).collect();
    match args.split_first() {
        Some((command, rest)) if command == instructions::COMMAND => instructions::main(rest),
        Some((command, rest)) if command == timing::COMMAND => timing::main(rest),
        _ => {
            eprintln!("{} <backend> <work> <way>", instructions::COMMAND);
            eprintln!("{} <pairs> <microseconds>, and figures on the input", timing::COMMAND);
            ExitCode::FAILURE
        }
    }
}
