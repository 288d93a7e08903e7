//! The command line.

use std::net::SocketAddr;
use std::time::Duration;

use async_runtime_compat_examples::backend::{BACKENDS, Backend};
use async_runtime_compat_examples::cli::Options;

pub(crate) const USAGE: &str = "\
Serves HTTP/1 and HTTP/2 on one port, on a backend of your choice.

Usage: hyper [OPTIONS]

Options:
  --backend NAME     run on this backend [default: tokio; with --table, all of them]
  --listen ADDRESS   listen here; port 0 picks a free port [default: 127.0.0.1:8080]
  --grace SECONDS    the time for open requests to end after Ctrl-C [default: 10]
  --table            put load on each backend from each installed client, and print a table
  --requests N       the number of requests per client for the table [default: 1000]
  --help             print this

Backends:";

pub(crate) struct Args {
    backend: Option<&'static Backend>,
    pub(crate) listen: SocketAddr,
    pub(crate) grace: Duration,
    pub(crate) table: bool,
    pub(crate) requests: usize,
}

impl Args {
    pub(crate) fn parse(mut options: Options) -> Result<Args, String> {
        let mut args = Args {
            backend: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            grace: Duration::from_secs(10),
            table: false,
            requests: 1000,
        };
        while let Some(option) = options.next_option() {
            match option.as_str() {
                "--backend" => args.backend = Some(Backend::find(&options.value()?)?),
                "--listen" => args.listen = options.parse("an address like 127.0.0.1:8080")?,
                "--grace" => args.grace = Duration::from_secs(options.parse("seconds")?),
                "--table" => args.table = true,
                "--requests" => args.requests = options.positive()?,
                _ => return Err(options.unknown()),
            }
        }
        Ok(args)
    }

    /// The backend to serve on.
    pub(crate) fn backend(&self) -> &'static Backend {
        self.backend.unwrap_or(&BACKENDS[0])
    }

    /// The backends for the table.
    pub(crate) fn backends(&self) -> impl Iterator<Item = &'static Backend> {
        BACKENDS.iter().filter(|backend| self.backend.is_none_or(|it| it.name == backend.name))
    }
}
