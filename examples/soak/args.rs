//! The command line.

use std::time::Duration;

use async_runtime_compat_examples::backend::{BACKENDS, Backend};
use async_runtime_compat_examples::cli::Options;
use async_runtime_compat_examples::soak::Plan;

pub(crate) const USAGE: &str = "\
Runs the WebSocket server under load while its services are started, stopped, killed and made to
panic at random, and prints a table. Exits with 1 if a task is left, an event was lost or memory
usage grew.

Usage: soak [OPTIONS]

Options:
  --backend NAME      run on this backend [default: tokio]
  --seconds N         the duration of the whole run [default: 120]
  --connections N     the number of clients [default: 200]
  --seed N            the seed of all random choices [default: random]
  --help              print this

Backends:";

pub(crate) struct Args {
    pub(crate) backend: &'static Backend,
    pub(crate) plan: Plan,
}

impl Args {
    pub(crate) fn parse(mut options: Options) -> Result<Args, String> {
        let plan = Plan {
            time: Duration::from_secs(120),
            connections: 200,
            seed: rand::random::<u32>().into(),
        };
        let mut args = Args { backend: &BACKENDS[0], plan };
        while let Some(option) = options.next_option() {
            match option.as_str() {
                "--backend" => args.backend = Backend::find(&options.value()?)?,
                "--seconds" => args.plan.time = Duration::from_secs(options.positive()?),
                "--connections" => args.plan.connections = options.positive()?,
                "--seed" => args.plan.seed = options.parse("a number")?,
                _ => return Err(options.unknown()),
            }
        }
        Ok(args)
    }
}
