//! Runs the conformance suite on the adapter for async-global-executor, and prints the outcome of
//! each clause.
//!
//! ```sh
//! cargo run -p async-runtime-compat-outside --example conformance
//! ```

use std::process::ExitCode;

use async_runtime_compat_conformance::{CaseResult, Clause, Report, Subject, Suite};
use async_runtime_compat_outside::global_executor::GlobalSpawner;

fn main() -> ExitCode {
    // The suite panics by the hundred, on purpose. What is wrong stands in the report.
    std::panic::set_hook(Box::new(|_| ()));
    let subject = || Subject::new(GlobalSpawner).timer(GlobalSpawner).blocking(GlobalSpawner);
    let report = Suite::new().run(subject);
    print(&report);
    if report.failed().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A line for each clause, and the cases below it that did not pass.
fn print(report: &Report) {
    println!("{:<48} {:>6} {:>6} {:>7}", "clause", "passed", "failed", "skipped");
    let mut clauses: Vec<Clause> = report.outcomes().map(|(case, _)| case.clause()).collect();
    clauses.dedup();
    for clause in clauses {
        let cases = || report.outcomes().filter(move |(case, _)| case.clause() == clause);
        let count = |which: fn(&CaseResult) -> bool| cases().filter(|(_, it)| which(it)).count();
        let passed = count(|outcome| matches!(outcome, CaseResult::Passed));
        let failed = count(|outcome| matches!(outcome, CaseResult::Failed(_)));
        let skipped = count(|outcome| matches!(outcome, CaseResult::Skipped(_)));
        println!("{clause:<48} {passed:>6} {failed:>6} {skipped:>7}");
        for (case, outcome) in cases() {
            match outcome {
                CaseResult::Failed(why) => println!("    FAILED {}: {why}", case.name()),
                CaseResult::Skipped(why) => println!("    skipped {}: {why}", case.name()),
                _ => {}
            }
        }
    }
    println!("{}", report.to_string().lines().last().unwrap_or_default());
}
