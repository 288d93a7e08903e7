//! A soak: the server of the example `websocket_server`, under many connections, while its services
//! are started, stopped, killed and made to panic at random.
//!
//! Clients call services and tasks by name and look at each event that they get. The services count
//! what they have emitted, and the tasks that they have. At the end nothing of that may be missing,
//! nothing may be left, and the memory in use may not have grown; `run.rs` says by how much. The
//! seed makes the choices of clients and of the chaos repeatable; how they meet is up to the
//! machine.
//!
//! ```sh
//! cargo run --release --example soak --features json,tokio -- --backend tokio --seconds 120
//! ```

#[path = "../websocket_server/app.rs"]
mod app;
mod args;
#[path = "../websocket_server/backend.rs"]
mod backend;
#[allow(dead_code, reason = "some of it is for other clients")]
#[path = "../tour/client.rs"]
mod client;
mod run;
#[path = "../websocket_server/server.rs"]
mod server;
#[path = "../websocket_server/service.rs"]
mod service;

use std::env;
use std::process::ExitCode;

use args::Args;

fn main() -> ExitCode {
    let args = match Args::parse(env::args().skip(1)) {
        Ok(args) => args,
        Err(message) => return usage_error(&message),
    };
    if args.help {
        println!("{}{}", args::USAGE, backend::listing());
        return ExitCode::SUCCESS;
    }
    let Some(backend) = args.backend else {
        let listing = backend::listing();
        return usage_error(&format!("no backend is compiled in; the backends are{listing}"));
    };
    run::silence_panics_on_request();
    match run::soak(backend, args.plan) {
        Ok(outcome) => {
            print!("{outcome}");
            if outcome.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage_error(message: &str) -> ExitCode {
    eprintln!("soak: {message}");
    ExitCode::from(2)
}
