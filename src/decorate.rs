//! Decorators for spawners: they name tasks, give them ids, count them, and limit how many run
//! at a time.
//!
//! Each wraps a spawner, or a whole [`Runtime`](crate::Runtime), and is one itself: pass it on in its place. It
//! uses the timer and the blocking pool of the decorated spawner, where it has them, so that a decorated
//! `Arc<dyn Runtime>` can be an `Arc<dyn Runtime>` again. Clones are the same decorator. To write your own, see
//! [`hook`](crate::hook).
//!
//! | decorator   | effect on a task                                       | queries                                                |
//! |-------------|--------------------------------------------------------|--------------------------------------------------------|
//! | [`Identified`] | an id, inside the task and in its handle, errors and listings |                                 |
//! | [`Named`]   | a prefix to its name, a default name, or a new name    |                                                        |
//! | [`Counted`] | none                                                   | spawned, live, finished, aborted and panicked tasks, for Prometheus and OpenTelemetry |
//! | [`Limited`] | waits for a permit before its first poll               | `acquire`, `try_acquire`, `ready`, `running`, `waiting` |
//!
//! They nest in any order, with each other, with [`TaskGroup`](crate::TaskGroup), with
//! [`Ambient`](crate::Ambient), and with `Traced` of the feature `tracing`. Handles, names, locations of `spawn`
//! calls and the whole contract stay the same; the conformance suite runs on each decorator, and on all of
//! them combined.
//!
//! # Order
//!
//! A task passes the decorators from the outermost to the innermost, with two exceptions. A task that waits for
//! a permit is still a task: the groups and counters inside a [`Limited`] count it too, so that they can abort
//! it and do not appear empty. And a task that a [closed](crate::TaskGroup::close) group refuses never reaches
//! the decorators inside it.
//!
//! # Cost
//!
//! A task has one wrapper for all its decorators, the built-in backends are called as directly as without them,
//! and nothing is boxed, unless the future is larger than 16 KiB. One decorator allocates nothing per task;
//! several allocate one list per task. A new name allocates if its text is not static, and once more in the
//! handle if the task had no name. A test in the repository counts these allocations.
//!
//! Instructions per task, spawned and joined on tokio's current-thread runtime in an optimised build, and their
//! ratio to a bare task, as counted by `cargo run --release -p async-runtime-compat-bench --bin decorators` in
//! the repository:
//!
//! | decorator                        | completes at once | waits ten times |
//! |----------------------------------|-------------------|-----------------|
//! | bare                             | 1998 (1.00)       | 5825 (1.00)     |
//! | `Counted`                        | 2248 (1.13)       | 6534 (1.12)     |
//! | `Limited`                        | 2361 (1.18)       | 6648 (1.14)     |
//! | `Named`, a default               | 2610 (1.31)       | 6897 (1.18)     |
//! | `TaskGroup`                      | 2445 (1.22)       | 7496 (1.29)     |
//! | `Counted`, `Limited`, `TaskGroup` | 3887 (1.95)      | 11984 (2.06)    |
//!
//! # Examples
//!
//! ```
//! use std::sync::Arc;
//!
//! use async_runtime_compat::TaskGroup;
//! use async_runtime_compat::decorate::{Counted, Limited, Named};
//! use async_runtime_compat::prelude::*;
//!
//! /// The part of a server that fetches, at most 64 at a time.
//! struct Fetchers {
//!     spawner: Limited<Named<Arc<dyn Runtime>>>,
//! }
//!
//! fn serve(runtime: Arc<dyn Runtime>) {
//!     let counted = Counted::new(runtime);
//!     // Everything below is counted. It is still a runtime.
//!     let runtime: Arc<dyn Runtime> = Arc::new(counted.clone());
//!     let fetchers = Named::with_prefix(runtime.clone(), "fetch.");
//!     let fetchers = Fetchers { spawner: Limited::new(fetchers, 64) };
//!     fetchers.spawner.spawn_named("index", async { /* named `fetch.index` */ }).detach();
//!     let group = TaskGroup::new(runtime);
//!     group.spawn_detached(async { /* … */ });
//!     println!("{}", counted.counts());
//! }
//! # #[cfg(feature = "smol")]
//! # serve(Arc::new(async_runtime_compat::smol::SmolSpawner));
//! ```

mod counted;
mod decorated;
mod hooked;
mod identified;
mod limited;
mod named;
mod prometheus;

pub use counted::{Counted, Counts, Metric, MetricKind};
pub(crate) use decorated::{Decorated, decorator};
pub use hooked::Hooked;
pub use identified::Identified;
pub use limited::{Acquire, Limited, Permit};
pub use named::Named;
pub use prometheus::Exposition;
