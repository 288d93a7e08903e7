//! The options, as they are written at one level: for the whole test, or for one backend.

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Result};
use syn::{Error, LitBool, LitInt, LitStr, Token};

use crate::limit::{self, Limit};
use crate::simulation::Simulation;

/// How many threads run the tasks of a test.
#[derive(Clone, Copy)]
pub(crate) enum Threads {
    /// The one that runs the test.
    Current,
    /// Others; as many as there are cores, if there is no number.
    Multi(Option<usize>),
}

/// What is set, and where.
#[derive(Clone, Copy)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

/// Those options that a backend can have of its own.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    flavor: Option<At<Threads>>,
    worker_threads: Option<At<usize>>,
    pub(crate) start_paused: Option<At<bool>>,
    pub(crate) timeout: Option<At<Limit>>,
    pub(crate) simulation: Simulation,
}

pub(crate) const NAMES: &str =
    "`flavor`, `worker_threads`, `start_paused`, `timeout`, `runs`, `strategy`, `seed`";

impl Settings {
    /// Reads the rest of an option whose name is known; `false` if there is none of this name.
    pub(crate) fn parse_option(&mut self, name: &Ident, input: ParseStream<'_>) -> Result<bool> {
        match &*name.to_string() {
            "flavor" => {
                let value = value::<LitStr>(name, input, "\"multi_thread\"")?;
                let threads = match &*value.value() {
                    "current_thread" => Threads::Current,
                    "multi_thread" => Threads::Multi(None),
                    other => {
                        let why = format!(
                            "unknown flavor `{other}`; it is \"current_thread\" or \"multi_thread\""
                        );
                        return Err(Error::new(value.span(), why));
                    }
                };
                set(&mut self.flavor, name, threads, value.span())?;
            }
            "worker_threads" => {
                let value = value::<LitInt>(name, input, "2")?;
                let number = value.base10_parse::<usize>()?;
                if number == 0 {
                    let why = "without worker threads no task runs; for none but the test's own \
                               thread write `flavor = \"current_thread\"`";
                    return Err(Error::new(value.span(), why));
                }
                set(&mut self.worker_threads, name, number, value.span())?;
            }
            "start_paused" => {
                let value = value::<LitBool>(name, input, "true")?;
                set(&mut self.start_paused, name, value.value, name.span())?;
            }
            "timeout" => {
                let value = value::<LitStr>(name, input, "\"30s\"")?;
                let limit =
                    limit::parse(&value.value()).map_err(|why| Error::new(value.span(), why))?;
                set(&mut self.timeout, name, limit, value.span())?;
            }
            _ => return self.simulation.parse_option(name, input),
        }
        Ok(true)
    }

    /// The threads that these options come to.
    pub(crate) fn threads(&self) -> Result<Option<At<Threads>>> {
        match (self.flavor, self.worker_threads) {
            (Some(At { value: Threads::Current, .. }), Some(At { span, .. })) => {
                let why = "the flavor \"current_thread\" has no worker threads: leave one of the \
                           two out";
                Err(Error::new(span, why))
            }
            (_, Some(At { value, span })) => {
                Ok(Some(At { value: Threads::Multi(Some(value)), span }))
            }
            (flavor, None) => Ok(flavor),
        }
    }

    /// Fills in what is set for the whole test only.
    pub(crate) fn or(self, outer: &Settings) -> Settings {
        // The two are one choice: a flavor that is given to a backend takes away a number of
        // threads that goes with another one.
        let (flavor, worker_threads) = match (self.flavor, self.worker_threads) {
            (None, None) => (outer.flavor, outer.worker_threads),
            (flavor @ Some(At { value: Threads::Multi(_), .. }), None) => {
                (flavor, outer.worker_threads)
            }
            own => own,
        };
        Settings {
            flavor,
            worker_threads,
            start_paused: self.start_paused.or(outer.start_paused),
            timeout: self.timeout.or(outer.timeout),
            simulation: self.simulation.or(&outer.simulation),
        }
    }

    /// Where the threads are chosen, if they are.
    pub(crate) fn threads_span(&self) -> Option<Span> {
        let flavor = self.flavor.map(|flavor| flavor.span);
        self.worker_threads.map(|number| number.span).or(flavor)
    }
}

/// Reads what follows the name of an option.
pub(crate) fn value<T: syn::parse::Parse>(
    name: &Ident,
    input: ParseStream<'_>,
    example: &str,
) -> Result<T> {
    let why = format!("the option `{name}` is written `{name} = {example}`");
    if !input.peek(Token![=]) {
        return Err(Error::new(name.span(), why));
    }
    input.parse::<Token![=]>()?;
    let span = if input.is_empty() { name.span() } else { input.span() };
    let value = input.parse::<T>().map_err(|_| Error::new(span, &why))?;
    // `2 + 2`, and the like.
    if input.is_empty() || input.peek(Token![,]) { Ok(value) } else { Err(input.error(why)) }
}

/// Sets an option that must not have been set before.
pub(crate) fn set<T>(slot: &mut Option<At<T>>, name: &Ident, value: T, span: Span) -> Result<()> {
    if slot.is_some() {
        return Err(Error::new(name.span(), format!("the option `{name}` is given twice")));
    }
    *slot = Some(At { value, span });
    Ok(())
}

/// Reads a name, which may be a keyword.
pub(crate) fn name(input: ParseStream<'_>, expected: &str) -> Result<Ident> {
    input.call(Ident::parse_any).map_err(|error| Error::new(error.span(), expected))
}
