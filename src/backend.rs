//! The backends, and the one place that knows which of them are compiled in.
//!
//! What each operation does on each backend stands in a file of its own: handles in `join`, tasks in
//! `spawn`, blocking work in `block`, sleeps and time limits in `time`, finding a runtime in `known`.

#[cfg(not(all(
    feature = "tokio",
    any(feature = "smol", feature = "async-std", feature = "async-executor")
)))]
mod absent;
mod block;
mod boxed;
mod boxed_job;
mod ending;
mod join;
mod known;
mod native;
mod quiet;
mod shared;
mod spawn;
mod time;

#[cfg(any(feature = "smol", feature = "async-std", feature = "async-executor"))]
mod abortable;
#[cfg(feature = "async-executor")]
pub mod async_executor;
#[cfg(any(feature = "smol", feature = "async-std", feature = "async-executor"))]
mod async_io;
#[cfg(feature = "async-std")]
pub mod async_std;
#[cfg(any(feature = "smol", feature = "async-std", feature = "async-executor"))]
mod async_task;
#[cfg(any(feature = "smol", feature = "async-std", feature = "async-executor"))]
mod contained_task;
#[cfg(feature = "smol")]
pub mod smol;
#[cfg(feature = "tokio")]
pub mod tokio;
#[cfg(any(feature = "smol", feature = "async-std", feature = "async-executor"))]
mod unblock;

pub(crate) use block::{execute_hooked, spawn_blocking};
pub(crate) use join::{Finished, Join};
pub(crate) use known::{FEATURES, KNOWN, Known};
pub use native::{Native, NativeBlocking};
#[cfg(feature = "futures")]
pub(crate) use quiet::Quiet;
pub(crate) use shared::{Abort, SharedJoin};
pub(crate) use spawn::{spawn, spawn_detached, spawn_hooked, spawn_reserved};
pub(crate) use time::{clock, limit, limit_at, sleep_until};

use join::{NativeJoin, Rare, polled_again};
use native::{BlockingKind, Kind};

#[cfg(not(feature = "tokio"))]
pub(crate) use crate::time::Sleep as Limit;
#[cfg(any(feature = "smol", feature = "async-std", feature = "async-executor"))]
pub(crate) use async_io::Sleep as IoSleep;
#[cfg(feature = "tokio")]
pub(crate) use tokio::time::{Clock as TokioClock, Limit, Sleep as TokioSleep};

#[cfg(not(any(feature = "smol", feature = "async-std", feature = "async-executor")))]
pub(crate) type IoSleep = absent::Absent<'i'>;
#[cfg(not(feature = "tokio"))]
pub(crate) type TokioSleep = absent::Absent<'t'>;
#[cfg(not(feature = "tokio"))]
pub(crate) type TokioClock = absent::Absent<'t'>;

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
