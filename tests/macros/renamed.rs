//! The crate under other names.

use std::sync::Arc;

use async_runtime_compat as compat;
use async_runtime_compat::Runtime;

pub(crate) mod reexported {
    pub(crate) use ::async_runtime_compat as within;
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
