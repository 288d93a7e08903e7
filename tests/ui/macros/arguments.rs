//! Arguments of the attribute that make no sense.

#[async_runtime_compat::test(tokyo)]
async fn unknown_backend() {}

#[async_runtime_compat::test(async-std)]
async fn hyphen() {}

#[async_runtime_compat::test("tokio")]
async fn string() {}

#[async_runtime_compat::test(tokio, smol, tokio)]
async fn backend_twice() {}

#[async_runtime_compat::test(threads = 3)]
async fn unknown_option() {}

#[async_runtime_compat::test(tokio(threads = 3))]
async fn unknown_option_of_a_backend() {}

#[async_runtime_compat::test(tokio(crate = a::path))]
async fn path_for_one_backend() {}

#[async_runtime_compat::test(sim(sim_crate = a::path))]
async fn path_of_the_simulation_for_one_backend() {}

#[async_runtime_compat::test(tokio = "multi_thread")]
async fn backend_with_a_value() {}

#[async_runtime_compat::test(tokio())]
async fn empty_list() {}

#[async_runtime_compat::test(tokio smol)]
async fn no_comma() {}

#[async_runtime_compat::test(timeout)]
async fn option_without_a_value() {}

#[async_runtime_compat::test(timeout = )]
async fn option_with_half_a_value() {}

#[async_runtime_compat::test(timeout = "1s", timeout = "2s")]
async fn option_twice() {}

#[async_runtime_compat::test(sim = "random")]
async fn simulation_with_a_value() {}

#[async_runtime_compat::test(sim(depth = 2))]
async fn unknown_option_of_the_simulation() {}

#[async_runtime_compat::test(sim(seed = 1, seed = 2))]
async fn seed_twice() {}

fn main() {}
