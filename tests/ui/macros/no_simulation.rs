//! The simulation's crate is not where it should be.

#[async_runtime_compat::test(sim, sim_crate = ::not_a_dependency)]
async fn missing() {}

fn main() {}
