//! What stands in the parentheses of the attribute: backends, each with options of its own if
//! need be, and options for all of them.
//!
//! ```text
//! arguments = [argument {"," argument} [","]]
//! argument  = backend ["(" option {"," option} [","] ")"] | option
//! option    = name "=" value
//! ```
//!
//! What has a `=` is an option, and what has none is a backend, so that neither list gets in the
//! way of the other as they grow.

use proc_macro2::{Ident, Span, TokenStream};
use syn::parse::{Parse, ParseStream, Parser, Result};
use syn::{Error, LitStr, Path, Token, parenthesized, token};

use crate::backend::{self, Backend};
use crate::limit::Limit;
use crate::settings::{self, At, Settings, Threads};
use crate::simulation::Simulation;

/// The arguments, checked.
pub(crate) struct Args {
    pub(crate) runs: Vec<Run>,
    /// Whether the backends were named. If not, they are those that are enabled.
    pub(crate) listed: bool,
    /// The path of the crate, if it is not where it should be.
    pub(crate) krate: Option<Path>,
    /// The same of the simulation's crate.
    pub(crate) sim_crate: Option<Path>,
}

/// A test to make.
pub(crate) struct Run {
    pub(crate) backend: Backend,
    /// The name, where it was written.
    pub(crate) span: Span,
    pub(crate) threads: At<Threads>,
    pub(crate) start_paused: Option<Span>,
    pub(crate) timeout: Option<Limit>,
    pub(crate) simulation: Simulation,
}

struct Listed {
    backend: Backend,
    name: Ident,
    settings: Settings,
}

#[derive(Default)]
struct Written {
    backends: Vec<Listed>,
    settings: Settings,
    krate: Option<At<Path>>,
    sim_crate: Option<At<Path>>,
}

impl Args {
    pub(crate) fn parse(args: TokenStream) -> Result<Args> {
        let written = Written::parse.parse2(args)?;
        let outer = &written.settings;
        outer.threads()?;
        let listed = !written.backends.is_empty();
        let runs: Vec<_> = if listed {
            let runs = written.backends.iter();
            runs.map(|it| Run::new(it.backend, it.name.span(), &it.settings, outer)).collect()
        } else {
            let runs = backend::ALL.iter().copied().filter(|backend| backend.is_usual());
            let span = Span::call_site();
            runs.map(|backend| Run::new(backend, span, &Settings::default(), outer)).collect()
        };
        let runs: Vec<Run> = runs.into_iter().collect::<Result<_>>()?;
        check_outer(outer, &runs)?;
        let simulated = runs.iter().any(|run| run.backend == Backend::Sim);
        if let Some(At { span, .. }) = written.sim_crate.as_ref().filter(|_| !simulated) {
            return Err(Error::new(*span, of_simulation("sim_crate")));
        }
        let [krate, sim_crate] =
            [written.krate, written.sim_crate].map(|krate| krate.map(|krate| krate.value));
        Ok(Args { runs, listed, krate, sim_crate })
    }
}

/// Whether each option that is given for all goes for one at least.
fn check_outer(outer: &Settings, runs: &[Run]) -> Result<()> {
    match outer.threads_span() {
        Some(span) if !runs.iter().any(|run| run.backend.has_threads()) => {
            let why = format!(
                "this applies to none of the listed backends, only to {}: the executors of the \
                 others are global, and a simulation has one thread",
                backend::names(Backend::has_threads),
            );
            return Err(Error::new(span, why));
        }
        _ => {}
    }
    match outer.start_paused {
        Some(paused) if runs.iter().all(|run| run.backend == Backend::Sim) => {
            return Err(Error::new(paused.span, VIRTUAL));
        }
        _ => {}
    }
    match outer.simulation.first() {
        Some((name, span)) if !runs.iter().any(|run| run.backend == Backend::Sim) => {
            Err(Error::new(span, of_simulation(name)))
        }
        _ => Ok(()),
    }
}

fn of_simulation(option: &str) -> String {
    format!(
        "`{option}` is an option of `sim`, which runs only where it is listed: add `sim` to the \
         list, or leave the option out"
    )
}

const VIRTUAL: &str = "simulated time is always virtual: leave the option out";

impl Run {
    fn new(backend: Backend, span: Span, own: &Settings, outer: &Settings) -> Result<Run> {
        own.threads()?;
        match own.threads_span() {
            Some(span) if !backend.has_threads() => {
                let because = if backend == Backend::Sim {
                    "a simulation has one thread"
                } else {
                    "its executor is global"
                };
                let why = format!(
                    "`{}` does not take this option, because {because}; {} do",
                    backend.name(),
                    backend::names(Backend::has_threads),
                );
                return Err(Error::new(span, why));
            }
            _ => {}
        }
        if backend == Backend::Sim {
            if let Some(paused) = own.start_paused {
                return Err(Error::new(paused.span, VIRTUAL));
            }
        } else if let Some((name, span)) = own.simulation.first() {
            let why = format!(
                "`{}` runs one schedule, its own; only `sim` has the option `{name}`: give it to \
                 that alone, as in `sim(runs = 500)`",
                backend.name(),
            );
            return Err(Error::new(span, why));
        }
        let settings = own.clone().or(outer);
        let threads =
            settings.threads()?.unwrap_or(At { value: Threads::Current, span: Span::call_site() });
        // What stands still on tokio's clock does so in a simulation anyway.
        let is_virtual = backend == Backend::Sim;
        let paused = settings.start_paused.filter(|paused| paused.value && !is_virtual);
        let paused = paused.map(|paused| paused.span);
        if let Some(paused) = paused {
            if !backend.can_pause() {
                let why = format!(
                    "`{}` cannot pause its clock, only {} can: give the option to it alone, as in \
                     `tokio(start_paused = true)`",
                    backend.name(),
                    backend::names(Backend::can_pause),
                );
                return Err(Error::new(paused, why));
            }
            if matches!(threads.value, Threads::Multi(_)) {
                let why = "tokio pauses the clock of the flavor \"current_thread\" only";
                return Err(Error::new(paused, why));
            }
        }
        let timeout = settings.timeout.map(|timeout| timeout.value);
        let simulation = settings.simulation;
        Ok(Run { backend, span, threads, start_paused: paused, timeout, simulation })
    }
}

impl Written {
    fn parse(input: ParseStream<'_>) -> Result<Written> {
        let mut written = Written::default();
        while !input.is_empty() {
            written.argument(input)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(written)
    }

    fn argument(&mut self, input: ParseStream<'_>) -> Result<()> {
        let name = settings::name(input, &expected())?;
        let path = match &*name.to_string() {
            "crate" => Some(&mut self.krate),
            "sim_crate" => Some(&mut self.sim_crate),
            _ => None,
        };
        if let Some(path) = path {
            let value = settings::value::<CratePath>(&name, input, "a::path")?;
            return settings::set(path, &name, value.0, name.span());
        }
        if self.settings.parse_option(&name, input)? {
            return Ok(());
        }
        if input.peek(Token![=]) {
            let why = match Backend::find(&name) {
                Some(_) => format!(
                    "`{name}` is a backend: its options go in parentheses, as in \
                     `{name}(timeout = \"30s\")`"
                ),
                None => {
                    format!("unknown option `{name}`; the options are {}, {PATHS}", settings::NAMES)
                }
            };
            return Err(Error::new(name.span(), why));
        }
        let Some(backend) = Backend::find(&name) else {
            return Err(unknown_backend(&name, input));
        };
        if self.backends.iter().any(|listed| listed.backend == backend) {
            let why = format!("the backend `{name}` is listed twice");
            return Err(Error::new(name.span(), why));
        }
        let settings = if input.peek(token::Paren) {
            let options;
            let parentheses = parenthesized!(options in input);
            if options.is_empty() {
                let why = format!("the list of options is empty: write `{name}` alone");
                return Err(Error::new(parentheses.span.join(), why));
            }
            backend_options(&options)?
        } else {
            Settings::default()
        };
        self.backends.push(Listed { backend, name, settings });
        Ok(())
    }
}

fn backend_options(input: ParseStream<'_>) -> Result<Settings> {
    let mut settings = Settings::default();
    while !input.is_empty() {
        let expected = format!("expected an option: {}", settings::NAMES);
        let name = settings::name(input, &expected)?;
        if !settings.parse_option(&name, input)? {
            let why = if name == "crate" || name == "sim_crate" {
                "the path of the crate is given once, outside of the parentheses".to_owned()
            } else {
                format!("unknown option `{name}`; a backend's options are {}", settings::NAMES)
            };
            return Err(Error::new(name.span(), why));
        }
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(settings)
}

/// The options that are given once, for all backends.
const PATHS: &str = "`crate`, `sim_crate`";

fn expected() -> String {
    format!(
        "expected a backend ({}) or an option ({}, {PATHS})",
        backend::names(|_| true),
        settings::NAMES
    )
}

fn unknown_backend(name: &Ident, input: ParseStream<'_>) -> Error {
    // The names of crates and features have hyphens.
    if name == "async" && input.peek(Token![-]) {
        let why = "the backends are written with an underscore: `async_std`, `async_executor`";
        return Error::new(name.span(), why);
    }
    let why = format!("unknown backend `{name}`; the backends are {}", backend::names(|_| true));
    Error::new(name.span(), why)
}

/// A path, or a string with one.
struct CratePath(Path);

impl Parse for CratePath {
    fn parse(input: ParseStream<'_>) -> Result<CratePath> {
        if input.peek(LitStr) {
            return Ok(CratePath(input.parse::<LitStr>()?.parse_with(Path::parse_mod_style)?));
        }
        Ok(CratePath(input.call(Path::parse_mod_style)?))
    }
}
