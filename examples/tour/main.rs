//! A tour of the backends: the same server on each of them in turn, under load from TLS clients.
//!
//! The server takes an `Arc<dyn Spawner>` and names no runtime; see `src/websocket/server.rs`. The
//! clients are the same for all backends and run on the main thread, outside of the backend under
//! test. They check each reply. Meanwhile, hostile clients send garbage, hang, disconnect in the
//! middle of a message, send too much, or make a handler panic.
//!
//! ```sh
//! cargo run -p async-runtime-compat-examples --example tour
//! ```

mod args;
mod hostile;
mod load;
mod progress;
mod table;

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use async_net::TcpStream;
use async_runtime_compat_examples::backend::Backend;
use async_runtime_compat_examples::cli;
use async_runtime_compat_examples::websocket::{
    Client, Config, GOING_AWAY, Report, Server, client,
};
use futures_lite::future;
use futures_util::future::{join, join_all, join3};

use args::Args;
use load::{Conversation, Load};
use progress::Progress;
use table::{Row, Table};

/// The time for the connections to end when a server is stopped.
const GRACE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    cli::main("tour", args::USAGE, Args::parse, run)
}

fn run(args: Args) -> Result<(), String> {
    // Hostile clients make handlers panic.
    cli::silence_panics("a client asked for this panic");
    let Args { backends, load } = args;
    eprintln!(
        "One WebSocket server on each backend, with {} clients of {} requests each, and {} hostile \
         ones",
        load.connections,
        load.messages,
        hostile::CLIENTS
    );
    let mut table = Table::default();
    let mut failed = 0;
    for backend in backends {
        match visit(backend, load) {
            Ok(row) => {
                failed += usize::from(row.lost > 0);
                table.0.push(row);
            }
            Err(error) => {
                eprintln!("{}: {error}", backend.name);
                failed += 1;
            }
        }
    }
    cli::print(format_args!("\n{table}"));
    if cfg!(debug_assertions) {
        eprintln!(
            "\nThis build is not optimized; `--release` makes the server several times faster"
        );
    }
    match failed {
        0 => Ok(()),
        failed => Err(format!("the server lost messages or connections on {failed} backends")),
    }
}

/// Runs the server on a backend, under load, and stops it.
fn visit(backend: &'static Backend, load: Load) -> Result<Row, Box<dyn Error>> {
    let running = backend.start()?;
    let progress = Progress::new(backend.name, load.total());
    let visit = async {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::start(running.spawner(), address, Config::default()).await?;
        let client = Client::new(server.local_addr(), server.authority())?;
        let (mut outcome, hanging) =
            join(load::drive(&client, load, progress.answered()), hostile::run(&client)).await;
        let report = stop(server, &mut outcome.conversations, hanging?).await?;
        Ok::<_, Box<dyn Error>>((outcome, report))
    };
    let shown = async { match progress.show().await {} };
    let visited = async_io::block_on(future::or(visit, shown));
    progress.finish();

    let (outcome, report) = visited?;
    let row = Row::new(backend.name, load, outcome);
    if row.lost == 0 {
        check(&report, load)?;
    }
    Ok(row)
}

/// Stops the server while its clients are connected, and checks that each of them is told.
async fn stop(
    server: Server,
    conversations: &mut [Conversation],
    hanging: TcpStream,
) -> Result<Report, Box<dyn Error>> {
    let sockets = conversations.iter_mut().filter_map(|it| it.socket.as_mut());
    let closing = join_all(sockets.map(client::closed));
    let (report, codes, ()) = join3(server.shutdown(GRACE), closing, hostile::ended(hanging)).await;
    let cut = codes.iter().filter(|code| **code != Some(GOING_AWAY)).count();
    if cut > 0 {
        return Err(format!("{cut} connections were cut off at the shutdown").into());
    }
    Ok(report?)
}

/// Compares the server's report with the connections that the clients opened.
fn check(report: &Report, load: Load) -> Result<(), String> {
    let expected = (load.connections as u64 + hostile::CLIENTS, hostile::PANICS, 0);
    if (report.accepted, report.panicked, report.aborted) == expected {
        Ok(())
    } else {
        let (accepted, panicked, aborted) = expected;
        Err(format!(
            "expected {accepted} connections, {panicked} panicked and {aborted} aborted; \
             the server reports {report}"
        ))
    }
}
