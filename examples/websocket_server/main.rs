//! A WebSocket server over TLS, on a backend of your choice, as a service among others.
//!
//! The server takes an `Arc<dyn Spawner>` and names no runtime; see `src/websocket/server.rs`.
//! `service.rs` beside it makes a [service](async_runtime_compat::services::Service) of the server. It is
//! started and stopped together with the services and tasks that its clients can call: `app.rs`
//! holds them by name, and `parts.rs` defines them.
//!
//! On Ctrl-C the server accepts no more connections, answers the requests it has read, and aborts
//! the connections that are still open after a grace period. Then the services stop that the
//! server depends on, and finally the tasks.
//!
//! ```sh
//! cargo run -p async-runtime-compat-examples --features services --example websocket_server -- \
//!     --backend smol --cert-out cert.pem
//! ```

mod args;

use std::error::Error;
use std::fs;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::services::ServiceWrapper;
use async_runtime_compat_examples::cli;
use async_runtime_compat_examples::websocket::parts::{Chat, Primes, Ticker};
use async_runtime_compat_examples::websocket::{App, Config, Event, WebSocket};
use futures_lite::{FutureExt as _, StreamExt as _};

use args::Args;

/// The time beyond the grace period that the server has for aborting connections.
const ABORTING: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    cli::main("websocket_server", args::USAGE, Args::parse, |args| run(&args))
}

fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let running = args.backend.start()?;
    async_io::block_on(async {
        // Before the server, so that a Ctrl-C right after the greeting is not missed.
        let mut signals = cli::stop_signals()?;
        let app = App::new(running.runtime());
        let server = assemble(&app, args)?;
        app.services.start_all().await?;
        greet(&server, args)?;

        signals.next().await;
        eprintln!("stopping: open connections have {:?}, Ctrl-C again aborts them", args.grace);
        let shutdown = async {
            let stopped = app.shutdown(args.grace.saturating_add(ABORTING)).await;
            stopped.map(Some).map_err(Box::from)
        };
        let impatient = async {
            signals.next().await;
            Ok::<_, Box<dyn Error>>(None)
        };
        let Some(tasks) = shutdown.or(impatient).await? else {
            for task in app.group().tasks() {
                eprintln!("aborted: {task}");
            }
            return Err("aborted by a second signal".into());
        };
        let report = server.service().report().unwrap_or_default();
        cli::say(format_args!("stopped: {report}; tasks: {tasks}"));
        Ok(())
    })
}

/// Registers the services and tasks. The server is one of the services, and can be called, too.
fn assemble(app: &Arc<App>, args: &Args) -> Result<ServiceWrapper<WebSocket>, Box<dyn Error>> {
    app.services.register("ticker", Ticker, &[])?;
    app.services.register("chat", Chat::default(), &[])?;
    app.tasks.register("primes", Primes)?;
    let log = Arc::new(|event: &Event<'_>| {
        // Not `eprintln!`, which panics if stderr is closed.
        let _ = writeln!(io::stderr(), "{event}");
    });
    let config = Config { registry: Arc::new(Arc::downgrade(app)), log, ..Config::default() };
    let server = WebSocket::new(args.listen, args.grace, config);
    // The server depends on the services that its clients call, and so stops before them.
    Ok(app.services.register("websocket", server, &["chat", "ticker"])?)
}

/// Prints the server's address, and writes its certificate if requested.
fn greet(server: &ServiceWrapper<WebSocket>, args: &Args) -> Result<(), Box<dyn Error>> {
    let endpoint = server.service().endpoint().ok_or("the server has stopped")?;
    if let Some(path) = &args.cert_out {
        fs::write(path, endpoint.authority)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    let (address, backend) = (endpoint.address, args.backend.name);
    cli::say(format_args!("listening on wss://{address} (backend {backend})"));
    Ok(())
}
