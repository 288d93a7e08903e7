//! The command line.

use crate::backend::{BACKENDS, Backend};
use crate::load::Load;

pub(crate) const USAGE: &str = "\
Runs one and the same server on every backend in turn, drives each with many TLS clients at once,
and prints a table. Exits with 1 if a message or a connection was lost.

Usage: tour [OPTIONS]

Options:
  --backend NAME      visit this backend; may be given several times, and by default it is all
  --connections N     the number of clients; by default 64
  --messages N        the number of requests of each client; by default 1000
  --help              print this

Backends:";

/// What to visit, and how.
pub(crate) struct Args {
    pub(crate) backends: Vec<&'static Backend>,
    pub(crate) load: Load,
    pub(crate) help: bool,
}

impl Args {
    /// Parses the arguments after the program's name.
    ///
    /// # Errors
    ///
    /// A message that names the argument that is wrong.
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Args, String> {
        let load = Load { connections: 64, messages: 1000 };
        let mut parsed = Args { backends: Vec::new(), load, help: false };
        while let Some(option) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("`{option}` needs a value"));
            match option.as_str() {
                "--help" | "-h" => parsed.help = true,
                "--backend" => parsed.backends.push(Backend::find(&value()?)?),
                "--connections" => parsed.load.connections = number(&option, &value()?)?,
                "--messages" => parsed.load.messages = number(&option, &value()?)?,
                _ => return Err(format!("there is no option `{option}`; `--help` lists them")),
            }
        }
        if parsed.backends.is_empty() {
            parsed.backends.extend(BACKENDS);
        }
        Ok(parsed)
    }
}

fn number(option: &str, value: &str) -> Result<usize, String> {
    value.parse().map_err(|error| format!("`{option} {value}`: {error}"))
}
