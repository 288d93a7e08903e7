//! A server for HTTP/1 and HTTP/2 on one port, with hyper, on a backend of your choice.
//!
//! The server takes an `Arc<dyn Runtime>` and names no runtime; see `src/http/server.rs`.
//! `src/http/net.rs` has the sockets for each backend. On Ctrl-C the server accepts no more
//! connections, answers the open requests, and aborts those that are still open after a grace
//! period.
//!
//! ```sh
//! cargo run -p async-runtime-compat-examples --features hyper --example hyper -- --backend smol
//! curl --http2-prior-knowledge http://127.0.0.1:8080/
//! ```
//!
//! With `--table` it puts load on each backend, from its own client, and from `curl`, `h2load` and
//! `wrk` if these are installed:
//!
//! ```sh
//! cargo run --release -p async-runtime-compat-examples --features hyper --example hyper -- --table
//! ```

mod args;
mod table;

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use async_runtime_compat_examples::backend::Backend;
use async_runtime_compat_examples::cli;
use async_runtime_compat_examples::http::load::Loader;
use async_runtime_compat_examples::http::{Host, Protocol, Server};
use futures_lite::{FutureExt as _, StreamExt as _};

use args::Args;
use table::{Row, Table};

/// The time for a client to send the headers of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    cli::main("hyper", args::USAGE, Args::parse, |args| {
        if args.table { tabulate(&args) } else { serve(args.backend(), &args) }
    })
}

fn serve(backend: &Backend, args: &Args) -> Result<(), Box<dyn Error>> {
    let host = Host::start(backend)?;
    async_io::block_on(async {
        // Before the server, so that a Ctrl-C right after the greeting is not missed.
        let mut signals = cli::stop_signals()?;
        let server = start(&host, args.listen)?;
        let address = server.local_addr();
        cli::say(format_args!("listening on http://{address} (backend {})", backend.name));

        signals.next().await;
        eprintln!("stopping: open requests have {:?}, Ctrl-C again aborts them", args.grace);
        let shutdown = async { Some(server.shutdown(args.grace).await) };
        let impatient = async {
            signals.next().await;
            None
        };
        let report = shutdown.or(impatient).await.ok_or("aborted by a second signal")?;
        cli::say(format_args!("stopped: {report}"));
        Ok(())
    })
}

fn start(host: &Host, address: SocketAddr) -> Result<Server, Box<dyn Error>> {
    let listener =
        host.net.listen(address).map_err(|error| format!("cannot listen on {address}: {error}"))?;
    Ok(Server::start(host.runtime.clone(), listener, HEADER_TIMEOUT)?)
}

fn tabulate(args: &Args) -> Result<(), Box<dyn Error>> {
    let (loaders, missing): (Vec<_>, Vec<_>) =
        Loader::ALL.into_iter().partition(|loader| loader.is_installed());
    for loader in missing {
        eprintln!("{loader} is not installed and is left out");
    }
    let mut table = Table::default();
    for backend in args.backends() {
        let host = Host::start(backend)?;
        let server = start(&host, SocketAddr::from(([127, 0, 0, 1], 0)))?;
        for protocol in Protocol::ALL {
            for &client in loaders.iter().filter(|loader| loader.speaks(protocol)) {
                eprintln!("{}: {protocol}, {client}", backend.name);
                let outcome = client.run(&host, server.local_addr(), protocol, args.requests)?;
                table.0.push(Row { backend: backend.name, protocol, client, outcome });
            }
        }
        let report = async_io::block_on(server.shutdown(args.grace));
        if report.aborted + report.panicked > 0 {
            return Err(format!("at the shutdown on {}: {report}", backend.name).into());
        }
    }
    cli::print(format_args!("\n{table}"));
    match table.errors() {
        0 => Ok(()),
        errors => Err(format!("{errors} requests failed").into()),
    }
}
