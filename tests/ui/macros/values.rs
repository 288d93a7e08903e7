//! Options with values that they cannot have.

#[async_runtime_compat::test(worker_threads = 0)]
async fn no_threads() {}

#[async_runtime_compat::test(worker_threads = "2")]
async fn number_in_a_string() {}

#[async_runtime_compat::test(worker_threads = 1 + 1)]
async fn computed() {}

#[async_runtime_compat::test(worker_threads = 99999999999999999999)]
async fn too_many_threads() {}

#[async_runtime_compat::test(flavor = "local")]
async fn unknown_flavor() {}

#[async_runtime_compat::test(start_paused = "yes")]
async fn not_a_boolean() {}

#[async_runtime_compat::test(timeout = 30)]
async fn without_a_unit() {}

#[async_runtime_compat::test(timeout = "soon")]
async fn no_time() {}

#[async_runtime_compat::test(timeout = "0s")]
async fn no_time_at_all() {}

#[async_runtime_compat::test(timeout = "9999999999999999999h")]
async fn too_much_time() {}

#[async_runtime_compat::test(crate = 3)]
async fn not_a_path() {}

#[async_runtime_compat::test(sim(runs = 0))]
async fn no_runs() {}

#[async_runtime_compat::test(sim, runs = "500")]
async fn runs_in_a_string() {}

#[async_runtime_compat::test(sim(runs = -1))]
async fn runs_below_zero() {}

#[async_runtime_compat::test(sim(seed = "0xff"))]
async fn seed_in_a_string() {}

#[async_runtime_compat::test(sim(seed = 18446744073709551616))]
async fn seed_too_large() {}

#[async_runtime_compat::test(sim(strategy = random))]
async fn strategy_without_quotes() {}

#[async_runtime_compat::test(tokio, sim(strategy = "rnadom"))]
async fn unknown_strategy() {}

#[async_runtime_compat::test(sim(strategy = "pct(depth=0)"))]
async fn strategy_without_depth() {}

#[async_runtime_compat::test(sim(strategy = "replay(t1:0.1)"))]
async fn strategy_of_a_replay() {}

fn main() {}
