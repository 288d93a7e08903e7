//! A server for HTTP/1 and HTTP/2 on one port, on the backend of your choice, with hyper.
//!
//! The server, in `server.rs`, takes an `Arc<dyn Runtime>` and names no runtime. `net.rs` has the
//! sockets that fit each backend. Ctrl-C stops the server: no new connections, the open requests are
//! answered, and what is left after the grace period is aborted.
//!
//! ```sh
//! cargo run --example hyper --features hyper,smol -- --backend smol
//! curl --http2-prior-knowledge http://127.0.0.1:8080/
//! ```
//!
//! With `--table` it loads each backend with its own client, and with `curl`, `h2load` and `wrk` where these
//! are installed:
//!
//! ```sh
//! cargo run --release --example hyper --all-features -- --table
//! ```

mod args;
#[path = "../websocket_server/backend.rs"]
mod backend;
mod client;
mod load;
mod net;
mod server;
mod table;

use std::env;
use std::error::Error;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use async_signal::{Signal, Signals};
use futures_lite::{FutureExt as _, StreamExt as _};

use args::Args;
use backend::{BACKENDS, Backend};
use client::Protocol;
use load::Loader;
use net::Host;
use server::Server;
use table::{Row, Table};

/// The time that a client has for its headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let args = match Args::parse(env::args().skip(1)) {
        Ok(args) => args,
        Err(message) => return usage_error(&message),
    };
    if args.help {
        println!("{}{}", args::USAGE, backend::listing());
        return ExitCode::SUCCESS;
    }
    let backends = match choose(&args) {
        Ok(backends) => backends,
        Err(message) => return usage_error(&message),
    };
    let result = if args.table { tabulate(&backends, &args) } else { serve(backends[0], &args) };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hyper: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage_error(message: &str) -> ExitCode {
    eprintln!("hyper: {message}");
    ExitCode::from(2)
}

/// The backend that is named, or all of them. There is at least one.
fn choose(args: &Args) -> Result<Vec<&'static Backend>, String> {
    if let Some(name) = &args.backend {
        return Ok(vec![Backend::find(name)?]);
    }
    if BACKENDS.is_empty() {
        let listing = backend::listing();
        return Err(format!("no backend is compiled in; the backends are{listing}"));
    }
    Ok(BACKENDS.iter().collect())
}

fn serve(backend: &Backend, args: &Args) -> Result<(), Box<dyn Error>> {
    let host = Host::start(backend)?;
    async_io::block_on(async {
        // Before the server: a Ctrl-C right after its greeting must not be missed.
        let mut signals = Signals::new(stop_signals())?;
        let server = start(&host, args.listen)?;
        say(&format!("listening on http://{} (backend {})", server.local_addr(), backend.name));

        signals.next().await;
        eprintln!("stopping; open requests have {} s, Ctrl-C again aborts", args.grace.as_secs());
        let shutdown = async { Some(server.shutdown(args.grace).await) };
        let impatient = async {
            signals.next().await;
            None
        };
        let report = shutdown.or(impatient).await.ok_or("aborted by a second signal")?;
        say(&format!("stopped: {report}"));
        Ok(())
    })
}

fn start(host: &Host, address: SocketAddr) -> Result<Server, Box<dyn Error>> {
    let listener =
        host.net.listen(address).map_err(|error| format!("cannot listen on {address}: {error}"))?;
    Ok(Server::start(host.runtime.clone(), listener, HEADER_TIMEOUT)?)
}

fn tabulate(backends: &[&Backend], args: &Args) -> Result<(), Box<dyn Error>> {
    let (loaders, missing): (Vec<_>, Vec<_>) =
        Loader::ALL.into_iter().partition(|loader| loader.is_installed());
    for loader in missing {
        eprintln!("{loader} is not installed: it loads nothing");
    }
    let mut table = Table::default();
    for backend in backends {
        let host = Host::start(backend)?;
        let server = start(&host, SocketAddr::from(([127, 0, 0, 1], 0)))?;
        for protocol in Protocol::ALL {
            for &client in loaders.iter().filter(|loader| loader.speaks(protocol)) {
                let outcome = client.run(&host, server.local_addr(), protocol, args.requests)?;
                table.0.push(Row { backend: backend.name, protocol, client, outcome });
            }
        }
        let report = async_io::block_on(server.shutdown(args.grace));
        if report.aborted + report.panicked > 0 {
            return Err(format!("the shutdown on {}: {report}", backend.name).into());
        }
    }
    // Not `println`, which panics when nobody reads it any more.
    let _ = write!(io::stdout(), "{table}");
    match table.errors() {
        0 => Ok(()),
        errors => Err(format!("{errors} requests failed").into()),
    }
}

/// Ctrl-C, and what a service manager sends where there are such signals.
fn stop_signals() -> &'static [Signal] {
    if cfg!(unix) { &[Signal::Int, Signal::Term] } else { &[Signal::Int] }
}

/// Prints a line. A closed stdout is no reason to stop serving.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
