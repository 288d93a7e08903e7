//! A million live tasks, a chain of 100,000 spawns, and 64 threads that spawn at once, on each
//! backend, with the time and the peak memory that each took.
//!
//! ```sh
//! cargo run --release -p async-runtime-compat-examples --features conformance --example stress
//! ```
//!
//! Each row is measured in its own process, so that the peaks are independent. The peak is read
//! from Linux's `/proc`, and unknown on other systems.

use std::env;
use std::fs;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use async_runtime_compat_conformance::{
    self as conformance, Case, CaseResult, Clause, Load, Subject,
};
use async_runtime_compat_examples::backend::{BACKENDS, Backend};

/// The time limit of one case.
const LIMIT: Duration = Duration::from_secs(600);

fn cases() -> impl Iterator<Item = &'static Case> {
    conformance::cases().iter().filter(|case| case.clause() == Clause::C13)
}

fn size(case: &Case) -> String {
    let Load { live, chain, threads, each } = Load::FULL;
    match case.name() {
        "c13::live_tasks" => format!("{live} live tasks"),
        "c13::chain" => format!("a chain of {chain} tasks"),
        "c13::storm" => format!("{threads} threads, {each} tasks each"),
        other => other.to_owned(),
    }
}

/// The peak of this process's resident memory, in MiB.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024)
}

/// Runs one case on one backend, in this process.
fn run(backend: &'static Backend, case: &Case) -> Result<(), String> {
    let start = Instant::now();
    let running = backend.start().map_err(|error| format!("the backend did not start: {error}"))?;
    let outcome = case.run(LIMIT, || {
        Subject::new(running.spawner()).on_shutdown(move || drop(running)).load(Load::FULL)
    });
    let took = start.elapsed().as_secs_f64();
    let peak = peak().map_or_else(|| "unknown".to_owned(), |mib| format!("{mib} MiB"));
    match outcome {
        CaseResult::Passed => {
            println!("{:<22}  {:<29}  {took:>6.2} s  {peak:>9}", backend.name, size(case));
            Ok(())
        }
        CaseResult::Skipped(why) | CaseResult::Failed(why) => Err(why),
        _ => Err("unknown outcome".to_owned()),
    }
}

/// Runs all cases on all backends, each in its own process. Returns how many failed.
fn run_all() -> Result<usize, String> {
    let this = env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    println!("{:<22}  {:<29}  {:>8}  {:>9}", "backend", "load", "time", "peak");
    let mut failed = 0;
    for backend in BACKENDS {
        for case in cases() {
            let status = Command::new(&this).args([backend.name, case.name()]).status();
            let status = status.map_err(|error| format!("cannot run this program: {error}"))?;
            failed += usize::from(!status.success());
        }
    }
    Ok(failed)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let result = match arguments.as_slice() {
        [] => run_all().and_then(|failed| match failed {
            0 => Ok(()),
            failed => Err(format!("{failed} runs failed")),
        }),
        [name, case] => Backend::find(name).and_then(|backend| {
            let found = cases().find(|known| known.name() == case);
            let found = found.ok_or_else(|| {
                let names: Vec<_> = cases().map(Case::name).collect();
                format!("unknown case `{case}`; the cases are {}", names.join(", "))
            })?;
            run(backend, found).map_err(|why| format!("{name}, {}: {why}", size(found)))
        }),
        [help] if help == "--help" => {
            println!(
                "usage: stress [BACKEND CASE]\n\nWithout arguments, runs all cases on all backends."
            );
            Ok(())
        }
        _ => Err("usage: stress [BACKEND CASE]".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("stress: {why}");
            ExitCode::FAILURE
        }
    }
}
