//! Options that do not go together, or not with the backend.

#[async_runtime_compat::test(tokio, flavor = "current_thread", worker_threads = 2)]
async fn threads_of_one_thread() {}

#[async_runtime_compat::test(tokio(flavor = "current_thread", worker_threads = 2))]
async fn threads_of_one_thread_of_a_backend() {}

#[async_runtime_compat::test(tokio, flavor = "multi_thread", start_paused = true)]
async fn several_threads_paused() {}

#[async_runtime_compat::test(tokio(start_paused = true), worker_threads = 2)]
async fn several_threads_of_all_paused() {}

#[async_runtime_compat::test(start_paused = true)]
async fn all_paused() {}

#[async_runtime_compat::test(tokio, smol, start_paused = true)]
async fn listed_paused() {}

#[async_runtime_compat::test(tokio, async_executor(start_paused = true))]
async fn executor_paused() {}

#[async_runtime_compat::test(smol(worker_threads = 2))]
async fn threads_of_smol() {}

#[async_runtime_compat::test(async_std(flavor = "multi_thread"))]
async fn flavor_of_async_std() {}

#[async_runtime_compat::test(smol, async_std, worker_threads = 2)]
async fn threads_of_nobody() {}

#[async_runtime_compat::test(tokio, sim(worker_threads = 2))]
async fn threads_of_a_simulation() {}

#[async_runtime_compat::test(sim, flavor = "multi_thread")]
async fn flavor_of_nobody() {}

#[async_runtime_compat::test(tokio, sim(start_paused = true))]
async fn simulation_paused() {}

#[async_runtime_compat::test(sim, start_paused = false)]
async fn simulation_not_paused() {}

#[async_runtime_compat::test(tokio(runs = 500), sim)]
async fn runs_of_tokio() {}

#[async_runtime_compat::test(smol(strategy = "random"))]
async fn strategy_of_smol() {}

#[async_runtime_compat::test(tokio, smol, seed = 7)]
async fn seed_of_nobody() {}

#[async_runtime_compat::test(tokio, sim_crate = ::async_runtime_compat_sim)]
async fn simulation_of_nobody() {}

#[async_runtime_compat::test(runs = 500)]
async fn runs_where_nothing_is_listed() {}

fn main() {}
