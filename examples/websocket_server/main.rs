//! A WebSocket server over TLS, on the backend of your choice.
//!
//! The server, in `server.rs`, takes an `Arc<dyn Spawner>` in its constructor and names no runtime.
//! `service.rs` makes a [service](async_runtime_compat::Service) of it, which is started and stopped
//! with the others that clients can call: `app.rs` holds them by name, and `parts.rs` has them. This
//! file picks a backend by `--backend`, and stops all of it on Ctrl-C: no new connections, the open
//! ones finish their requests, what is left after the grace period is aborted; then the services
//! stop that the server needed, and at last the tasks.
//!
//! ```sh
//! cargo run --example websocket_server --features json,smol -- --backend smol --cert-out cert.pem
//! ```

mod app;
mod args;
mod backend;
mod parts;
mod server;
mod service;

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::ServiceWrapper;
use async_signal::{Signal, Signals};
use futures_lite::{FutureExt as _, StreamExt as _};

use app::App;
use args::Args;
use backend::{BACKENDS, Backend};
use parts::{Chat, Primes, Ticker};
use server::{Config, Event};
use service::WebSocket;

/// What the server has beyond the grace period of its connections, to abort those that are left.
const ABORTING: Duration = Duration::from_secs(5);

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
        let app = App::new(running.runtime());
        let server = assemble(&app, args)?;
        app.services.start_all().await?;
        greet(&server, backend, args)?;

        signals.next().await;
        eprintln!(
            "stopping; open connections have {} s, Ctrl-C again aborts",
            args.grace.as_secs()
        );
        let shutdown = async {
            let stopped = app.shutdown(args.grace.saturating_add(ABORTING)).await;
            stopped.map(Some).map_err(Box::from)
        };
        let impatient = async {
            signals.next().await;
            Ok::<_, Box<dyn Error>>(None)
        };
        let Some(left) = shutdown.or(impatient).await? else {
            for task in app.group().tasks() {
                eprintln!("aborted: {task}");
            }
            return Err("aborted by a second signal".into());
        };
        let report = server.service().report().unwrap_or_default();
        say(&format!("stopped: {report}; tasks: {left}"));
        Ok(())
    })
}

/// Registers what there is. The server is a service among the others, and can be called, too.
fn assemble(app: &Arc<App>, args: &Args) -> Result<ServiceWrapper<WebSocket>, Box<dyn Error>> {
    app.services.register("ticker", Ticker, &[])?;
    app.services.register("chat", Chat::default(), &[])?;
    app.tasks.register("primes", Primes)?;
    let log = Arc::new(|event: &Event<'_>| {
        // Not `eprintln`, which panics when nobody reads it any more.
        let _ = writeln!(io::stderr(), "{event}");
    });
    let config = Config { registry: Arc::new(Arc::downgrade(app)), log, ..Config::default() };
    let server = WebSocket::new(args.listen, args.grace, config);
    // It stops before those that its clients call.
    Ok(app.services.register("websocket", server, &["chat", "ticker"])?)
}

/// Says where the server is, and what to trust.
fn greet(
    server: &ServiceWrapper<WebSocket>,
    backend: &Backend,
    args: &Args,
) -> Result<(), Box<dyn Error>> {
    let endpoint = server.service().endpoint().ok_or("the server has stopped")?;
    if let Some(path) = &args.cert_out {
        fs::write(path, endpoint.authority)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    say(&format!("listening on wss://{} (backend {})", endpoint.address, backend.name));
    Ok(())
}

/// Ctrl-C, and what a service manager sends where there are such signals.
fn stop_signals() -> &'static [Signal] {
    if cfg!(unix) { &[Signal::Int, Signal::Term] } else { &[Signal::Int] }
}

/// Prints a line. A closed stdout is no reason to stop serving.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
