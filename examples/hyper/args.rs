//! The command line.

use std::net::SocketAddr;
use std::time::Duration;

pub(crate) const USAGE: &str = "\
A server for HTTP/1 and HTTP/2 on one port, on the backend of your choice.

Usage: hyper [OPTIONS]

Options:
  --backend NAME     what to run on; by default the first one available
  --listen ADDRESS   where to listen; by default 127.0.0.1:8080, and port 0 picks a free one
  --grace SECONDS    the time for open requests to end after Ctrl-C; by default 10
  --table            load each backend with each client that is installed, and print a table
  --requests NUMBER  how many requests each client sends for the table; by default 1000
  --help             print this

Backends:";

/// What to run, and how.
pub(crate) struct Args {
    pub(crate) backend: Option<String>,
    pub(crate) listen: SocketAddr,
    pub(crate) grace: Duration,
    pub(crate) table: bool,
    pub(crate) requests: usize,
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
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            grace: Duration::from_secs(10),
            table: false,
            requests: 1000,
            help: false,
        };
        while let Some(option) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("`{option}` needs a value"));
            match option.as_str() {
                "--help" | "-h" => parsed.help = true,
                "--table" => parsed.table = true,
                "--backend" => parsed.backend = Some(value()?),
                "--listen" => {
                    let value = value()?;
                    parsed.listen = value.parse().map_err(|error| {
                        format!("`--listen {value}`: {error}, expected one like 127.0.0.1:8080")
                    })?;
                }
                "--grace" => parsed.grace = Duration::from_secs(number(&option, &value()?)?),
                "--requests" => {
                    parsed.requests = number(&option, &value()?)?;
                    if parsed.requests == 0 {
                        return Err("`--requests 0`: at least one is needed".to_owned());
                    }
                }
                _ => return Err(format!("there is no option `{option}`; `--help` lists them")),
            }
        }
        Ok(parsed)
    }
}

fn number<T: std::str::FromStr<Err: std::fmt::Display>>(
    option: &str,
    value: &str,
) -> Result<T, String> {
    value.parse().map_err(|error| format!("`{option} {value}`: {error}, expected a number"))
}
