//! A tour of the backends: one server, on each of them in turn, under load from real TLS clients.
//!
//! The server is the one of the example `websocket_server`. The clients run on the main thread,
//! apart from the backend under test, and are the same for all. They check each reply. Some
//! hostile ones, which send garbage, hang, vanish, send too much or make a handler panic, are
//! there at the same time.
//!
//! ```sh
//! cargo run --release --example tour --all-features
//! ```

mod args;
#[path = "../websocket_server/backend.rs"]
mod backend;
mod client;
mod hostile;
mod load;
mod progress;
#[path = "../websocket_server/server.rs"]
mod server;
mod table;

use std::env;
use std::error::Error;
use std::net::SocketAddr;
use std::panic;
use std::process::ExitCode;
use std::time::Duration;

use async_net::TcpStream;
use futures_lite::future;
use futures_util::future::{join, join_all, join3};

use args::Args;
use backend::Backend;
use client::Client;
use load::{Conversation, Load};
use progress::Progress;
use server::{Config, Report, Server};
use table::{Row, Table};

/// The code of a server that is going away.
const GOING_AWAY: u16 = 1001;

/// The time for the connections to end when a server is stopped.
const GRACE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let args = match Args::parse(env::args().skip(1)) {
        Ok(args) => args,
        Err(message) => {
            eprintln!("tour: {message}");
            return ExitCode::from(2);
        }
    };
    if args.help {
        println!("{}{}", args::USAGE, backend::listing());
        return ExitCode::SUCCESS;
    }
    silence_panics_on_request();

    let mut rows = Vec::new();
    let mut failed = false;
    for backend in args.backends {
        match visit(backend, args.load) {
            Ok(row) => {
                failed |= row.lost > 0;
                rows.push(row);
            }
            Err(error) => {
                eprintln!("{}: {error}", backend.name);
                failed = true;
            }
        }
    }
    print!("{}", Table(rows));
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
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

/// Stops the server under its clients, and sees to it that each of them is told.
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

/// Compares the server's account of its connections with what it was sent.
fn check(report: &Report, load: Load) -> Result<(), String> {
    let expected = (load.connections as u64 + hostile::CLIENTS, hostile::PANICS, 0);
    if (report.accepted, report.panicked, report.aborted) == expected {
        Ok(())
    } else {
        Err(format!("the server's account is not what was expected: {report}"))
    }
}

/// Keeps the panics that a hostile client asks for off the screen; any other is printed.
fn silence_panics_on_request() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let message = info.payload().downcast_ref::<&str>();
        if !message.is_some_and(|message| message.starts_with("a client asked for")) {
            print(info);
        }
    }));
}
