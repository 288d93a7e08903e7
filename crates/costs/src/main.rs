//! Does the work that its arguments name, so that its instructions can be counted.
//!
//! usage: `async-runtime-compat-costs instructions-of <backend> <work> <way>`

use std::env;
use std::process::ExitCode;

use async_runtime_compat_costs::instructions;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args: Vec<_> = env::args().skip(1).collect();
    match args.split_first() {
        Some((command, rest)) if command == instructions::COMMAND => instructions::main(rest),
        _ => {
            eprintln!(
                "usage: async-runtime-compat-costs {} <backend> <work> <way>",
                instructions::COMMAND
            );
            ExitCode::FAILURE
        }
    }
}
