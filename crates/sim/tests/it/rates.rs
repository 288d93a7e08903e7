//! How often a strategy finds a bug, against how often it must.

use async_runtime_compat_sim::{Exploration, Sim, SimRuntime, Strategy};

use super::programs::{long_before_short, lost_update, reorder, twostage};

/// In which part of the runs the bug was found.
fn rate(found: &Exploration) -> f64 {
    let [failures, runs] = [found.failures, found.runs].map(|it| u32::try_from(it).unwrap());
    f64::from(failures) / f64::from(runs)
}

/// Fails unless the rate is within four standard deviations of what was computed.
#[track_caller]
pub(crate) fn assert_rate(found: &Exploration, hits: f64, of: f64) {
    let (rate, expected) = (rate(found), hits / of);
    let runs = f64::from(u32::try_from(found.runs).unwrap());
    let deviation = (expected * (1.0 - expected) / runs).sqrt();
    assert!(
        (rate - expected).abs() <= 4.0 * deviation,
        "found in {rate:.4} of {runs} runs, expected {expected:.4} ± {:.4}",
        4.0 * deviation
    );
}

fn explore<F: Future<Output = ()>>(
    strategy: Strategy,
    runs: u64,
    program: impl Fn(SimRuntime) -> F + Sync,
) -> Exploration {
    Sim::new(1).strategy(strategy).explore(runs, program)
}

#[test]
fn random_finds_reorder_3_in_20_of_81() {
    assert_rate(&explore(Strategy::Random, 20_000, |rt| reorder(rt, 2)), 20.0, 81.0);
}

#[test]
fn random_finds_reorder_5_in_3112_of_15625() {
    assert_rate(&explore(Strategy::Random, 20_000, |rt| reorder(rt, 4)), 3112.0, 15625.0);
}

#[test]
fn random_finds_twostage_in_1_of_8() {
    assert_rate(&explore(Strategy::Random, 20_000, twostage), 1.0, 8.0);
}

#[test]
fn random_hardly_ever_lets_a_long_task_go_first() {
    let found = explore(Strategy::Random, 20_000, |rt| long_before_short(rt, 20));
    // The chance is 2^-20 in each run.
    assert!(found.failures <= 2, "{} times in {} runs", found.failures, found.runs);
}

#[test]
fn pct_lets_a_long_task_go_first_in_half_of_the_runs() {
    let found = explore(Strategy::Pct { depth: 1 }, 20_000, |rt| long_before_short(rt, 20));
    assert_rate(&found, 1.0, 2.0);
}

#[test]
fn pct_keeps_its_bound() {
    // Two tasks, at most four steps in a row of which one must be preempted: depth 2.
    let found = explore(Strategy::Pct { depth: 2 }, 20_000, |rt| lost_update(rt, 2));
    let steps = Sim::new(1).run(|rt| async move { reorder(rt, 0).await }).map_or(0, |it| it.steps);
    assert!(steps > 0);
    // n = 3 tasks with the root, k = 6 steps: 1 / (n k).
    let bound = 1.0 / (3.0 * 6.0);
    let rate = rate(&found);
    assert!(rate >= bound, "found in {rate:.4} of the runs, and the bound is {bound:.4}");
}

#[test]
fn urw_gives_each_interleaving_the_same_chance() {
    // Of the 2^-20 that `Random` gives it, this makes 1 / 21: one of the places for the short step.
    let found = explore(Strategy::Urw, 20_000, |rt| long_before_short(rt, 20));
    assert_rate(&found, 1.0, 21.0);
}

#[test]
fn round_robin_has_one_schedule() {
    let found = explore(Strategy::RoundRobin, 50, |rt| lost_update(rt, 2));
    assert_eq!((found.runs, found.failures), (50, 50));
}

#[test]
fn dfs_runs_every_interleaving_once() {
    // Two tasks of two steps: the interleavings of AABB, of which 4 lose an update.
    let found =
        explore(Strategy::Dfs { max_preemptions: u32::MAX }, 1_000, |rt| lost_update(rt, 2));
    assert!(found.exhausted);
    assert_eq!((found.runs, found.failures), (6, 4));
}

#[test]
fn dfs_without_preemptions_lets_each_task_run_through() {
    let found = explore(Strategy::Dfs { max_preemptions: 0 }, 1_000, |rt| lost_update(rt, 3));
    assert!(found.exhausted);
    assert_eq!((found.runs, found.failures), (6, 0));
}

#[test]
fn dfs_with_one_preemption_finds_the_lost_update() {
    let found = explore(Strategy::Dfs { max_preemptions: 1 }, 1_000, |rt| lost_update(rt, 2));
    assert!(found.exhausted);
    assert!(found.failures > 0);
}

#[test]
fn dfs_stops_at_the_number_of_runs() {
    let found = explore(Strategy::Dfs { max_preemptions: 9 }, 5, |rt| lost_update(rt, 4));
    assert!(!found.exhausted);
    assert_eq!(found.runs, 5);
}
