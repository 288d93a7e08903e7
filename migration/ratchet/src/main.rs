//! Counts what the rules in `migration/rules` find, and lets the count only fall.
//!
//! `ratchet --help` says how it is used.

mod args;
mod baseline;
mod report;
mod rewrite;
mod scan;
mod site;

use std::process::ExitCode;

use args::{Args, Command, Parsed};
use baseline::{Baseline, Comparison};
use site::Site;

/// New sites.
const NEW: u8 = 1;
/// A wrong call, or a tool that does not work.
const TROUBLE: u8 = 2;
/// A baseline that allows more than there is.
const STALE: u8 = 3;

fn main() -> ExitCode {
    let args = match args::parse(std::env::args().skip(1)) {
        Ok(Parsed::Run(args)) => args,
        Ok(Parsed::Help) => {
            print!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => return trouble(&error),
    };
    match run(&args) {
        Ok(code) => ExitCode::from(code),
        Err(error) => trouble(&error),
    }
}

fn trouble(error: &str) -> ExitCode {
    eprintln!("ratchet: {error}");
    ExitCode::from(TROUBLE)
}

fn run(args: &Args) -> Result<u8, String> {
    match args.command {
        Command::Summary => {
            let sites = scan::sites(args)?;
            print!("{}", report::summary(&sites, args.format));
            Ok(0)
        }
        Command::Check => check(args),
        Command::Rewrite => {
            let rewritten = rewrite::run(args)?;
            println!("{rewritten} sites rewritten");
            if rewritten > 0 {
                println!("run `cargo fmt`, and `cargo fix` for the imports that nothing uses now");
            }
            Ok(0)
        }
    }
}

fn check(args: &Args) -> Result<u8, String> {
    let sites = scan::sites(args)?;
    let counted: Vec<&Site> =
        sites.iter().filter(|site| args.all || site.is_production()).collect();
    let Some(baseline) = Baseline::read(&args.baseline)? else {
        if !args.write {
            return Err(format!(
                "there is no baseline at {}; `ratchet check --write` makes it from the {} sites of today",
                args.baseline.display(),
                counted.len()
            ));
        }
        Baseline::of(&counted).write(&args.baseline)?;
        println!("{} sites, in a new baseline at {}", counted.len(), args.baseline.display());
        return Ok(0);
    };
    let comparison = Comparison::new(&baseline, &counted);
    let code = if !comparison.new.is_empty() {
        NEW
    } else if comparison.is_stale() && !args.write {
        STALE
    } else {
        0
    };
    // Never with new sites: a baseline is raised by nobody but its author, by hand.
    if code == 0 && args.write {
        Baseline::of(&counted).write(&args.baseline)?;
    }
    print!("{}", report::check(&comparison, args));
    Ok(code)
}
