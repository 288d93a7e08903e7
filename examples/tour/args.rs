//! The command line.

use async_runtime_compat_examples::backend::{BACKENDS, Backend};
use async_runtime_compat_examples::cli::Options;

use crate::load::Load;

pub(crate) const USAGE: &str = "\
Runs the same WebSocket server on every backend in turn, puts load on it from many TLS clients, and
prints a table. Exits with 1 if a message or a connection was lost.

Usage: tour [OPTIONS]

Options:
  --backend NAME      run on this backend only; may be given several times
  --connections N     the number of clients [default: 64]
  --messages N        the number of requests per client [default: 200]
  --help              print this

Backends:";

pub(crate) struct Args {
    pub(crate) backends: Vec<&'static Backend>,
    pub(crate) load: Load,
}

impl Args {
    pub(crate) fn parse(mut options: Options) -> Result<Args, String> {
        let load = Load { connections: 64, messages: 200 };
        let mut args = Args { backends: Vec::new(), load };
        while let Some(option) = options.next_option() {
            match option.as_str() {
                "--backend" => args.backends.push(Backend::find(&options.value()?)?),
                "--connections" => args.load.connections = options.positive()?,
                "--messages" => args.load.messages = options.positive()?,
                _ => return Err(options.unknown()),
            }
        }
        if args.backends.is_empty() {
            args.backends.extend(BACKENDS);
        }
        Ok(args)
    }
}
