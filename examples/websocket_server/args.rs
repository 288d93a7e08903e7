//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use async_runtime_compat_examples::backend::{BACKENDS, Backend};
use async_runtime_compat_examples::cli::Options;

pub(crate) const USAGE: &str = "\
A WebSocket server over TLS that answers JSON requests, on a backend of your choice.

Usage: websocket_server [OPTIONS]

Options:
  --backend NAME     run on this backend [default: tokio]
  --listen ADDRESS   listen here; port 0 picks a free port [default: 127.0.0.1:8443]
  --cert-out PATH    write the certificate that clients have to trust, in PEM
  --grace SECONDS    the time for open connections to end after Ctrl-C [default: 10]
  --help             print this

Backends:";

pub(crate) struct Args {
    pub(crate) backend: &'static Backend,
    pub(crate) listen: SocketAddr,
    pub(crate) cert_out: Option<PathBuf>,
    pub(crate) grace: Duration,
}

impl Args {
    pub(crate) fn parse(mut options: Options) -> Result<Args, String> {
        let mut args = Args {
            backend: &BACKENDS[0],
            listen: SocketAddr::from(([127, 0, 0, 1], 8443)),
            cert_out: None,
            grace: Duration::from_secs(10),
        };
        while let Some(option) = options.next_option() {
            match option.as_str() {
                "--backend" => args.backend = Backend::find(&options.value()?)?,
                "--listen" => args.listen = options.parse("an address like 127.0.0.1:8443")?,
                "--cert-out" => args.cert_out = Some(options.value()?.into()),
                "--grace" => args.grace = Duration::from_secs(options.parse("seconds")?),
                _ => return Err(options.unknown()),
            }
        }
        Ok(args)
    }
}
