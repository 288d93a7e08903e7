// These come before the README's own definitions of the same labels, and so win: on a code host the
// links lead to files, here to the pages made of them.
//! [The contract]: docs::contract
//! [limits]: docs::contract#limits
//! [the design questions]: docs::design
//! [the porting guide]: docs::migration
//! [ARCHITECTURE.md]: docs::architecture
//! [BENCHMARKS.md]: docs::design#what-does-it-cost
//!
#![cfg_attr(not(doctest), doc = include_str!("../README.md"))]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod backend;
mod blocking;
mod bridge;
mod cancel;
mod contain;
pub mod decorate;
#[cfg(any(doc, doctest))]
pub mod docs;
mod error;
mod group;
mod handle;
pub mod hook;
mod ids;
mod layer;
mod meta;
#[cfg(doctest)]
mod migration;
#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../README.md")]
mod readme {}
pub mod prelude;
pub mod runtime;
mod seam;
#[cfg(feature = "services")]
pub mod services;
mod shards;
mod spawner;
mod sync;
pub mod task;
#[cfg(feature = "macros")]
mod testing;
mod time;
mod waiters;
mod watch;
mod yield_now;

#[cfg(feature = "async-executor")]
pub use backend::async_executor;
#[cfg(feature = "async-std")]
pub use backend::async_std;
#[cfg(feature = "smol")]
pub use backend::smol;
#[cfg(feature = "tokio")]
pub use backend::tokio;

#[cfg(feature = "backon")]
pub use bridge::backon;
#[cfg(doc)]
pub use bridge::consumers;
#[cfg(feature = "futures")]
pub use bridge::futures;
#[cfg(feature = "hyper")]
pub use bridge::hyper;
#[cfg(feature = "tracing")]
pub use bridge::tracing;

pub use blocking::{BlockingExt, BlockingPool, BlockingPoolBuilder};
pub use cancel::{CancelOnDrop, CancelToken, Cancelled, RunUntilCancelled};
pub use error::{Elapsed, JoinError, NoRuntime, NoTimer};
pub use group::{GroupSpawner, ShutdownReport, TaskGroup, TaskGroupBuilder, TaskInfo, Tracked};
pub use group::{JoinGroup, JoinMap, JoinQueue};
pub use handle::{AbortGuard, AbortHandle, AbortOnDrop, JoinHandle};
pub use ids::TaskId;
pub use meta::SpawnMeta;
pub use runtime::{Ambient, WithBlocking, WithTimer, current, from_env, with_blocking, with_timer};
pub use seam::{Blocking, BoxFuture, BoxJob, FnSpawner, RawSleep, Runtime, Sleep, Spawner, Timer};
pub use spawner::SpawnerExt;
#[cfg(feature = "macros")]
#[doc(inline)]
pub use testing::test;
pub use time::{Interval, MissedTickBehavior, Timeout, TimerExt};
pub use watch::{Watch, WatchChange, WatchSender};
pub use yield_now::{YieldNow, yield_now};

#[doc(hidden)]
pub use seam::{Native, NativeBlocking};
#[cfg(feature = "macros")]
#[doc(hidden)]
pub use testing::support as __testing;
