//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) const USAGE: &str = "\
A WebSocket server over TLS that answers JSON requests, on the backend of your choice.

Usage: websocket_server [OPTIONS]

Options:
  --backend NAME     what to run on; by default the first one available
  --listen ADDRESS   where to listen; by default 127.0.0.1:8443, and port 0 picks a free one
  --cert-out PATH    write the certificate that clients have to trust, in PEM
  --grace SECONDS    the time for open connections to end after Ctrl-C; by default 10
  --help             print this

Backends:";

/// What to run, and how.
pub(crate) struct Args {
    pub(crate) backend: Option<String>,
    pub(crate) listen: SocketAddr,
    pub(crate) cert_out: Option<PathBuf>,
    pub(crate) grace: Duration,
    pub(crate) help: bool,
}

impl Args {
    /// Parses the arguments after the program's name.
    ///
    /// # Errors
    ///
    /// A message that names the argument that is wrong.
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Args, String> {
        let mut parsed = Args {
            backend: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 8443)),
            cert_out: None,
            grace: Duration::from_secs(10),
            help: false,
        };
        while let Some(option) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("`{option}` needs a value"));
            match option.as_str() {
                "--help" | "-h" => parsed.help = true,
                "--backend" => parsed.backend = Some(value()?),
                "--listen" => {
                    let value = value()?;
                    parsed.listen = value.parse().map_err(|error| {
                        format!("`--listen {value}`: {error}, expected one like 127.0.0.1:8443")
                    })?;
                }
                "--cert-out" => parsed.cert_out = Some(value()?.into()),
                "--grace" => {
                    let value = value()?;
                    let seconds = value.parse().map_err(|error| {
                        format!("`--grace {value}`: {error}, expected a number of seconds")
                    })?;
                    parsed.grace = Duration::from_secs(seconds);
                }
                _ => return Err(format!("there is no option `{option}`; `--help` lists them")),
            }
        }
        Ok(parsed)
    }
}
