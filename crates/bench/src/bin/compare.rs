//! Measures what spawning through `async-runtime-compat` costs, and prints it as Markdown.
//!
//! ```text
//! cargo run --release -p async-runtime-compat-bench --bin compare -- [options]
//!
//! --rounds <n>    pairs of rounds for each figure, 30 if not said otherwise
//! --only <text>   only the figures whose backend, work, way, build or peer has the text in its name;
//!                 when given more than once, all texts must be found; `--only 'WebSocket server'`
//!                 is that section alone, and so are `instructions`, `tracking`, `simulation`, `peers`
//!                 and 'peak memory'; `--only 'one backend'` is a build
//! --write         keep the result in BENCHMARKS.md, and draw the chart
//! ```

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs, io};

use async_runtime_compat_bench::case::NATIVE;
use async_runtime_compat_bench::instructions::Counted;
use async_runtime_compat_bench::measure::Effort;
use async_runtime_compat_bench::memory::{self, Pending};
use async_runtime_compat_bench::report::{Counts, Instructions, Memory, Peer, Report};
use async_runtime_compat_bench::{
    build, chart, costs, instructions, peers, settle, simulation, tracking, websocket,
};

const USAGE: &str = "usage: compare [--rounds <n>] [--only <text>]… [--write]";

fn main() -> ExitCode {
    let args: Vec<_> = env::args().skip(1).collect();
    let Some(options) = Options::parse(&args) else {
        eprintln!("{USAGE}");
        return ExitCode::FAILURE;
    };
    if let Some(code) = settle::restart() {
        return code;
    }
    if let Err(error) = compare(&options) {
        eprintln!("compare: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

struct Options {
    effort: Effort,
    only: Vec<String>,
    write: bool,
    command: String,
}

impl Options {
    fn parse(args: &[String]) -> Option<Options> {
        let mut options = Options {
            effort: Effort { pairs: 30, round: Duration::from_millis(3) },
            only: Vec::new(),
            write: false,
            command: format!("cargo run --release -p {} --bin compare", env!("CARGO_PKG_NAME")),
        };
        for (index, arg) in args.iter().enumerate() {
            let quote = if arg.contains(' ') { "'" } else { "" };
            options.command.push_str(if index == 0 { " -- " } else { " " });
            options.command.extend([quote, arg, quote]);
        }
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--rounds" => {
                    options.effort.pairs =
                        args.next()?.parse().ok().filter(|rounds| *rounds > 0)?;
                }
                "--only" => options.only.push(args.next()?.clone()),
                "--write" => options.write = true,
                _ => return None,
            }
        }
        Some(options)
    }

    /// Whether the names together contain all that the caller asked for.
    fn wants(&self, names: &[&str]) -> bool {
        self.only.iter().all(|text| names.iter().any(|name| name.contains(text.as_str())))
    }
}

fn compare(options: &Options) -> io::Result<()> {
    let report = Report {
        command: options.command.clone(),
        effort: options.effort,
        costs: costs::compare(options.effort, &|names| options.wants(names))?,
        instructions: instructions(options)?,
        memory: memory(options)?,
        websocket: websocket::compare(options.effort, &|names| options.wants(names)),
        simulation: simulation(options),
        tracking: tracking::compare(options.effort, &|names| options.wants(names)),
        peers: peers(options),
    };
    print!("{report}");
    if options.write {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        fs::write(root.join("BENCHMARKS.md"), report.to_string())?;
        fs::write(root.join(chart::PATH), chart::draw(&report))?;
    }
    Ok(())
}

/// All that is counted, with one backend and with every one.
fn instructions(options: &Options) -> io::Result<Option<Vec<Instructions>>> {
    if !instructions::available() {
        return Ok(None);
    }
    let cases = instructions::all().into_iter();
    let wanted = |case: &Counted| options.wants(&[case.backend, case.work, instructions::NAME]);
    let cases: Vec<_> = cases.filter(wanted).collect();
    let mut programs = HashMap::new();
    for case in &cases {
        for features in [build::feature(case.backend), &build::all()] {
            if !programs.contains_key(features) {
                programs.insert(features.to_owned(), build::build(build::COSTS, features)?);
            }
        }
    }
    let counts = instructions::for_each(cases, |case| {
        eprintln!("{}: {}, {}", case.backend, case.work, instructions::NAME);
        let one = count(&programs[build::feature(case.backend)], &case)?;
        let every = count(&programs[&build::all()], &case)?;
        let both = case.ways.iter().zip(one.into_iter().zip(every));
        let counts = both.map(|(&way, (one, every))| {
            let Counted { backend, work, .. } = case;
            Instructions { backend, work, way, one, every }
        });
        Ok(counts.collect::<Vec<_>>())
    });
    let counts = counts.into_iter().collect::<io::Result<Vec<_>>>()?;
    Ok(Some(counts.into_iter().flatten().collect()))
}

/// The counts of each way.
fn count(program: &Path, case: &Counted) -> io::Result<Vec<Counts>> {
    let native = instructions::per_task(program, case, NATIVE)?;
    let ways = case.ways.iter().map(|way| {
        let ours = instructions::per_task(program, case, way)?;
        Ok(Counts { native: native.clone(), ours })
    });
    ways.collect()
}

fn memory(options: &Options) -> io::Result<Vec<Memory>> {
    let wanted =
        |backend: &str, what: Pending| options.wants(&[backend, what.name(), memory::NAME]);
    let mut figures = Vec::new();
    let mut all = None;
    for backend in build::BACKENDS {
        if !memory::ALL.into_iter().any(|what| wanted(backend, what)) {
            continue;
        }
        let all = match &all {
            Some(all) => all,
            None => all.insert(build::build(memory::PACKAGE, &build::all())?),
        };
        let alone = build::build(memory::PACKAGE, backend)?;
        for what in memory::ALL.into_iter().filter(|what| wanted(backend, *what)) {
            eprintln!("{backend}: {}, {}", memory::NAME, what.name());
            let peaks = memory::peaks(backend, what, &alone, all)?;
            figures.push(Memory { backend, what, peaks });
        }
    }
    Ok(figures)
}

fn simulation(options: &Options) -> (Vec<simulation::Peer>, Vec<simulation::Scale>) {
    let peers = simulation::peers(options.effort, &|names| options.wants(names));
    let scales = if options.wants(&["simulation"]) { simulation::scales() } else { Vec::new() };
    (peers, scales)
}

fn peers(options: &Options) -> Vec<Peer> {
    let mut figures = Vec::new();
    for peer in peers::all().into_iter().filter(|peer| options.wants(&[peer.name, "peers"])) {
        eprintln!("peers: {}", peer.name);
        let join = peer.join.as_ref();
        figures.push(Peer {
            name: peer.name,
            package: peer.package,
            runtime: peer.native.runtime,
            join: join.map(|join| options.effort.compare(&peer.native.join, join)),
            detach: options.effort.compare(&peer.native.detach, &peer.detach),
            on_drop: peer.on_drop,
            on_panic: peer.on_panic,
            note: peer.note,
        });
    }
    figures
}
