//! The parts of a command line that the examples have in common.

use std::env;
use std::fmt;
use std::io::{self, Write as _};
use std::panic;
use std::process::ExitCode;
use std::str::FromStr;

use async_signal::{Signal, Signals};

use crate::backend;

/// Runs a program: parses its arguments, prints its usage if they ask for it, and reports errors
/// on stderr.
///
/// The exit code is 2 if the arguments are wrong and 1 if the program fails.
pub fn main<A, E: fmt::Display>(
    program: &str,
    usage: &str,
    parse: impl FnOnce(Options) -> Result<A, String>,
    run: impl FnOnce(A) -> Result<(), E>,
) -> ExitCode {
    let options: Vec<String> = env::args().skip(1).collect();
    if options.iter().any(|option| option == "--help" || option == "-h") {
        print(format_args!("{usage}{}\n", backend::listing()));
        return ExitCode::SUCCESS;
    }
    let args = match parse(Options { options: options.into_iter(), last: String::new() }) {
        Ok(args) => args,
        Err(message) => {
            eprintln!("{program}: {message}");
            return ExitCode::from(2);
        }
    };
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{program}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The arguments of a program: options, each of which may have a value.
pub struct Options {
    options: std::vec::IntoIter<String>,
    last: String,
}

impl Options {
    /// The next option.
    pub fn next_option(&mut self) -> Option<String> {
        self.last = self.options.next()?;
        Some(self.last.clone())
    }

    /// The error for an option that the program does not have.
    pub fn unknown(&self) -> String {
        format!("unknown option `{}`; `--help` lists the options", self.last)
    }

    /// The value of the last option.
    pub fn value(&mut self) -> Result<String, String> {
        self.options.next().ok_or_else(|| format!("`{}` needs a value", self.last))
    }

    /// The value of the last option, parsed; `expected` describes it in the error message.
    pub fn parse<T: FromStr<Err: fmt::Display>>(&mut self, expected: &str) -> Result<T, String> {
        let value = self.value()?;
        value
            .parse()
            .map_err(|error| format!("`{} {value}`: {error}; expected {expected}", self.last))
    }

    /// The value of the last option, a number of at least 1.
    pub fn positive<T: FromStr<Err: fmt::Display> + From<u8> + PartialOrd>(
        &mut self,
    ) -> Result<T, String> {
        let number: T = self.parse("a number")?;
        if number < T::from(1) {
            return Err(format!("`{}` must be at least 1", self.last));
        }
        Ok(number)
    }
}

/// Ctrl-C, and the request of a service manager to stop where that is a signal of its own.
pub fn stop_signals() -> io::Result<Signals> {
    Signals::new(if cfg!(unix) { &[Signal::Int, Signal::Term][..] } else { &[Signal::Int] })
}

/// Keeps panics whose message starts with `prefix` off stderr. Others are printed as usual.
pub fn silence_panics(prefix: &'static str) {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let payload = info.payload();
        let message = payload
            .downcast_ref::<&str>()
            .copied()
            .or(payload.downcast_ref::<String>().map(String::as_str));
        if !message.is_some_and(|message| message.starts_with(prefix)) {
            print(info);
        }
    }));
}

/// Prints to stdout.
///
/// Unlike `println!`, it does not panic if stdout is closed, as in `… | head`.
pub fn print(text: impl fmt::Display) {
    let _ = write!(io::stdout(), "{text}");
}

/// Prints a line to stdout, as [`print`] does.
pub fn say(line: impl fmt::Display) {
    print(format_args!("{line}\n"));
}
