//! The program whose instructions are counted: it does the work that its arguments name.
//!
//! `compare` is one as well, and takes most of the dependencies to build.

use std::env;
use std::process::ExitCode;

use async_runtime_compat_bench::instructions;

fn main() -> ExitCode {
    let args: Vec<_> = env::args().skip(1).collect();
    match args.split_first() {
        Some((command, rest)) if command == instructions::COMMAND => instructions::main(rest),
        _ => {
            eprintln!("usage: instructions {} BACKEND WORK WAY ROUNDS", instructions::COMMAND);
            ExitCode::FAILURE
        }
    }
}
