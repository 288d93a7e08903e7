//! The simulation: determinism, strategies against what can be computed, what it catches, and `check`.

#![expect(clippy::cast_precision_loss, reason = "what is counted here is far below 2^52")]

use async_runtime_compat_sim::{Sim, SimRuntime, Strategy};

mod catches;
mod check;
mod clocks;
mod conformance;
mod determinism;
mod environment;
mod exact;
mod faults;
mod ids;
mod interplay;
mod invariants;
mod literature;
mod liveness;
mod nodes;
#[cfg(feature = "preempt")]
mod preempt;
mod programs;
mod rates;
mod report;
mod same;
mod shrinks;
mod steps;
mod storm;

/// The words of a command that builds this test, with its features.
const SELECTED: &str = if cfg!(feature = "preempt") {
    "-p async-runtime-compat-sim --test it --features preempt"
} else {
    "-p async-runtime-compat-sim --test it"
};

/// Runs a program that must not fail on every strategy, with so many seeds each.
#[track_caller]
fn everywhere<F: Future<Output = ()>>(runs: u64, program: impl Fn(SimRuntime) -> F + Sync) {
    let strategies = [
        Strategy::Random,
        Strategy::Pct { depth: 3 },
        Strategy::Urw,
        Strategy::RoundRobin,
        Strategy::Dfs { max_preemptions: 2 },
    ];
    for strategy in strategies {
        let found = Sim::new(1).strategy(strategy).explore(runs, &program);
        if let Some(failure) = found.first {
            panic!("{} of {} runs failed, the first with {failure}", found.failures, found.runs);
        }
    }
}
