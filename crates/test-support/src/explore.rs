//! Running a test on many schedules.

use async_runtime_compat_sim::{Sim, SimRuntime, Strategy};

/// Runs it on many schedules, of three kinds. Each is deterministic, leaks nothing and stalls
/// nowhere.
#[track_caller]
pub fn explore<F: Future<Output = ()>>(runs: u64, f: impl Fn(SimRuntime) -> F + Sync) {
    for strategy in
        [Strategy::Random, Strategy::Pct { depth: 3 }, Strategy::Dfs { max_preemptions: 2 }]
    {
        let found = Sim::new(1).strategy(strategy.clone()).explore(runs, &f);
        if let Some(failure) = found.first {
            panic!("{} of {} runs by {strategy:?}: {failure}", found.failures, found.runs);
        }
    }
}
