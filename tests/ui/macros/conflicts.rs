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

fn main() {}
