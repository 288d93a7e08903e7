//! The backends, and the one place that knows which of them are compiled in.
//!
//! Each operation has a file of its own: handles are in `join`, tasks in `spawn`, blocking work in
//! `block`, sleeps and time limits in `time`, decorators in `layered`, the search for a runtime in
//! `known`.

mod block;
mod boxed;
mod boxed_job;
mod ending;
mod join;
mod known;
mod large;
mod layered;
mod quiet;
mod shared;
mod spawn;
mod time;

#[cfg(feature = "_async-task")]
mod abortable;
#[cfg(feature = "async-executor")]
pub mod async_executor;
#[cfg(feature = "_async-task")]
mod async_io;
#[cfg(feature = "async-std")]
pub mod async_std;
#[cfg(feature = "_async-task")]
mod async_task;
#[cfg(feature = "_async-task")]
mod cancelling;
#[cfg(feature = "_async-task")]
mod contained_task;
#[cfg(feature = "_async-task")]
mod shared_join;
#[cfg(feature = "smol")]
pub mod smol;
#[cfg(feature = "tokio")]
pub mod tokio;
#[cfg(feature = "_async-task")]
mod unblock;

pub(crate) use block::spawn_blocking;
pub(crate) use join::{Finished, Join, Sharing};
pub(crate) use known::{FEATURES, KNOWN, Known};
pub(crate) use layered::{
    around_blocking, around_spawner, execute_layered, spawn_layered, token_of,
};
#[cfg(feature = "futures")]
pub(crate) use quiet::Quiet;
pub(crate) use shared::Abort;
pub(crate) use spawn::{spawn, spawn_detached, spawn_many, spawn_reserved};
pub(crate) use time::{clock, limit, limit_at, sleep_until};
#[cfg(feature = "tokio")]
pub(crate) use tokio::time::Limit;

#[cfg(not(feature = "tokio"))]
pub(crate) use crate::seam::Sleep as Limit;

/// Whether the running task may do more in this poll. On tokio each poll has a budget, and tokio's
/// own resources are not ready once it is used up.
pub(crate) fn has_budget() -> bool {
    #[cfg(feature = "tokio")]
    return tokio::has_budget();
    #[cfg(not(feature = "tokio"))]
    true
}

/// Calls the function without such a budget.
pub(crate) fn unconstrained<T>(f: impl FnOnce() -> T) -> T {
    #[cfg(feature = "tokio")]
    return tokio::unconstrained(f);
    #[cfg(not(feature = "tokio"))]
    f()
}
