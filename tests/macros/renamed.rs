//! The crate under other names.

use std::sync::Arc;

use async_runtime_compat as compat;
use async_runtime_compat::Runtime;
use async_runtime_compat_sim as simulation;

pub(crate) mod reexported {
    pub(crate) use ::async_runtime_compat as within;
    pub(crate) use ::async_runtime_compat_sim as simulation;
}

#[compat::test(crate = compat)]
async fn imported(rt: Arc<dyn Runtime>) {
    drop(rt);
}

#[compat::test(crate = self::reexported::within)]
async fn from_self() {}

#[compat::test(crate = super::renamed::compat)]
async fn from_super() {}

#[compat::test(crate = crate::renamed::reexported::within)]
async fn from_crate() {}

#[compat::test(crate = "::async_runtime_compat")]
async fn string() {}

#[compat::test(tokio, sim(runs = 2), crate = compat, sim_crate = simulation)]
async fn simulation_imported(rt: Arc<dyn Runtime>) {
    drop(rt);
}

#[compat::test(sim(runs = 2), sim_crate = self::reexported::simulation)]
async fn simulation_from_self() {}

#[compat::test(sim(runs = 2), sim_crate = "crate::renamed::reexported::simulation")]
async fn simulation_from_crate() {}
