//! The command line.

use std::time::Duration;

use crate::backend::{BACKENDS, Backend};
use crate::run::Plan;

pub(crate) const USAGE: &str = "\
Runs the WebSocket server under many connections, while its services are started, stopped, killed and
made to panic at random, and prints a table. Exits with 1 if a task is left, an event was lost or
memory grew.

Usage: soak [OPTIONS]

Options:
  --backend NAME      what to run on; by default the first one available
  --seconds N         how long, in all; by default 120
  --connections N     the number of clients; by default 200
  --seed N            what the random choices are made from; by default one is chosen
  --help              print this

Backends:";

/// What to run, and how.
pub(crate) struct Args {
    pub(crate) backend: Option<&'static Backend>,
    pub(crate) plan: Plan,
    pub(crate) help: bool,
}

impl Args {
    /// Parses the arguments after the program's name.
    ///
    /// # Errors
    ///
    /// A message that names the argument that is wrong.
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Args, String> {
        let plan = Plan {
            time: Duration::from_secs(120),
            connections: 200,
            seed: rand::random::<u32>().into(),
        };
        let mut parsed = Args { backend: BACKENDS.first(), plan, help: false };
        while let Some(option) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("`{option}` needs a value"));
            match option.as_str() {
                "--help" | "-h" => parsed.help = true,
                "--backend" => parsed.backend = Some(Backend::find(&value()?)?),
                "--seconds" => {
                    parsed.plan.time = Duration::from_secs(positive(&option, &value()?)?);
                }
                "--connections" => {
                    let connections = positive(&option, &value()?)?;
                    parsed.plan.connections = usize::try_from(connections)
                        .map_err(|error| format!("`{option} {connections}`: {error}"))?;
                }
                "--seed" => parsed.plan.seed = number(&option, &value()?)?,
                _ => return Err(format!("there is no option `{option}`; `--help` lists them")),
            }
        }
        Ok(parsed)
    }
}

fn positive(option: &str, value: &str) -> Result<u64, String> {
    match number(option, value)? {
        0 => Err(format!("`{option} 0`: expected a positive number")),
        number => Ok(number),
    }
}

fn number(option: &str, value: &str) -> Result<u64, String> {
    value.parse().map_err(|error| format!("`{option} {value}`: {error}"))
}
