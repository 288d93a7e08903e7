//! Services, on every backend that is compiled in and in the simulation.
//!
//! A test that is listed in `everywhere!` is one body for all of them.

mod actions;
mod actions_only;
#[cfg(feature = "json")]
mod descriptors;
mod errors;
mod everywhere;
mod health;
#[cfg(feature = "json")]
mod json;
mod lifecycle;
#[cfg(any(feature = "tokio", feature = "async-executor"))]
mod lost;
mod probe;
#[cfg(feature = "json")]
mod program;
mod races;
mod set_up;
#[cfg(feature = "json")]
mod stack;
mod stopping;
mod streams;

use async_runtime_compat::services::{
    ActionContext, ServiceContext, ServiceWrapper, ServiceWrapperBuilder,
};
use test_support::{explore, runtimes};

use static_assertions::assert_impl_all;

assert_impl_all!(ServiceWrapper<probe::Probe>: Clone, Send, Sync, Unpin);
assert_impl_all!(ServiceWrapperBuilder<probe::Probe>: Send, Sync);
assert_impl_all!(ServiceContext: Clone, Send, Sync);
assert_impl_all!(ActionContext<u32>: Clone, Send, Sync);
#[cfg(feature = "json")]
static_assertions::assert_obj_safe!(async_runtime_compat::services::JsonService);
