//! A WebSocket server over TLS, on the backend of your choice.
//!
//! The server, in `server.rs`, takes an `Arc<dyn Spawner>` in its constructor and names no runtime.
//! This file picks one by `--backend`, and stops the server on Ctrl-C: no new connections, the open
//! ones finish their requests, and what is left after the grace period is aborted.
//!
//! ```sh
//! cargo run --example websocket_server --features smol -- --backend smol --cert-out cert.pem
//! ```

mod args;
mod backend;
mod server;

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use async_runtime_compat::Spawner;
use async_signal::{Signal, Signals};
use futures_lite::{FutureExt as _, StreamExt as _};

use args::Args;
use backend::{BACKENDS, Backend};
use server::{Config, Event, Server};

fn main() -> ExitCode {
    let args = match Args::parse(env::args().skip(1)) {
        Ok(args) => args,
        Err(message) => return usage_error(&message),
    };
    if args.help {
        println!("{}{}", args::USAGE, backend::listing());
        return ExitCode::SUCCESS;
    }
    let backend = match choose(args.backend.as_deref()) {
        Ok(backend) => backend,
        Err(message) => return usage_error(&message),
    };
    match run(backend, &args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("websocket_server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage_error(message: &str) -> ExitCode {
    eprintln!("websocket_server: {message}");
    ExitCode::from(2)
}

fn choose(name: Option<&str>) -> Result<&'static Backend, String> {
    match name {
        Some(name) => Backend::find(name),
        None => BACKENDS.first().ok_or_else(|| {
            format!("no backend is compiled in; the backends are{}", backend::listing())
        }),
    }
}

fn run(backend: &Backend, args: &Args) -> Result<(), Box<dyn Error>> {
    let running = backend.start()?;
    async_io::block_on(async {
        // Before the server: a Ctrl-C right after its greeting must not be missed.
        let mut signals = Signals::new(stop_signals())?;
        let server = start(running.spawner(), args).await?;
        say(&format!("listening on wss://{} (backend {})", server.local_addr(), backend.name));

        signals.next().await;
        eprintln!(
            "stopping; open connections have {} s, Ctrl-C again aborts",
            args.grace.as_secs()
        );
        let shutdown = async { server.shutdown(args.grace).await.map(Some) };
        let impatient = async {
            signals.next().await;
            Ok(None)
        };
        let report = shutdown.or(impatient).await?.ok_or("aborted by a second signal")?;
        say(&format!("stopped: {report}"));
        Ok(())
    })
}

async fn start(spawner: Arc<dyn Spawner>, args: &Args) -> Result<Server, Box<dyn Error>> {
    let log = Arc::new(|event: &Event<'_>| {
        // Not `eprintln`, which panics when nobody reads it any more.
        let _ = writeln!(io::stderr(), "{event}");
    });
    let config = Config { log, ..Config::default() };
    let server = Server::start(spawner, args.listen, config)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", args.listen))?;
    if let Some(path) = &args.cert_out {
        fs::write(path, server.authority())
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    Ok(server)
}

/// Ctrl-C, and what a service manager sends where there are such signals.
fn stop_signals() -> &'static [Signal] {
    if cfg!(unix) { &[Signal::Int, Signal::Term] } else { &[Signal::Int] }
}

/// Prints a line. A closed stdout is no reason to stop serving.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
