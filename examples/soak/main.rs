//! A soak test: the server of the example `websocket_server` under load, while its services are
//! started, stopped, killed and made to panic at random.
//!
//! Clients call services and tasks by name and check each event they receive. The services and
//! tasks count the events they have emitted. At the end no event may be missing, no task may be
//! left, and memory usage must not have grown; `src/soak.rs` defines these. The seed makes the
//! choices of the clients and of the chaos repeatable, but not their interleaving.
//!
//! ```sh
//! cargo run --release -p async-runtime-compat-examples --features soak --example soak -- \
//!     --backend tokio --seconds 120
//! ```

mod args;

use std::alloc::System;
use std::error::Error;
use std::process::ExitCode;

use async_runtime_compat_examples::{cli, soak};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use args::Args;

// The soak reads the memory usage from it.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    cli::main("soak", args::USAGE, Args::parse, run)
}

fn run(Args { backend, plan }: Args) -> Result<(), Box<dyn Error>> {
    cli::silence_panics(soak::PANIC);
    let outcome = soak::soak(backend, plan)?;
    cli::print(&outcome);
    if outcome.is_clean() { Ok(()) } else { Err("the soak found mistakes".into()) }
}
