//! Spawners around a spawner: they name what is spawned, count it, and limit how much there is.
//!
//! Each takes a spawner, or a whole [`Runtime`](crate::Runtime), and is one: pass it on instead. It
//! has the timer of what it decorates and its threads for work that blocks, if there are any, so that
//! a decorated `Arc<dyn Runtime>` can be an `Arc<dyn Runtime>` again. Clones are the same decorator.
//!
//! | decorator   | what it does                                                                    |
//! |-------------|---------------------------------------------------------------------------------|
//! | [`Named`]   | puts a prefix in front of names, gives a name to what has none, or both         |
//! | [`Counted`] | counts what was spawned, what lives, and how the rest ended, for any monitoring |
//! | [`Limited`] | lets at most so many tasks live, keeps the others waiting, and slows producers  |
//!
//! They nest in any order, with each other, with [`TaskGroup`](crate::TaskGroup), with
//! [`Ambient`](crate::Ambient), and with `Traced` of the feature `tracing`. Handles, names, places of
//! the `spawn` call and the whole contract stay as they are; the conformance suite is run on each of
//! them, and on all of them around each other.
//!
//! # Order
//!
//! It is as if each decorator passed the task on to the one inside of it, with two exceptions. A task
//! that waits for a place is a task all the same: the groups and counters inside of a [`Limited`]
//! know it, too, so that they can abort it, and do not take themselves to be empty. And what a
//! [closed](crate::TaskGroup::close) group refuses is unknown to the decorators inside of it.
//!
//! # What they cost
//!
//! However many there are, the task has one wrapper, the built-in backends are reached as directly as
//! without, and nothing is boxed, unless the future has more than 16 KiB. One decorator allocates
//! nothing per task; several have a list for each task, of one allocation. A new name is an
//! allocation if its text is made up, and one for the handle of a task that had none. A test of the
//! repository counts these.
//!
//! Instructions per task, spawned and joined on tokio's current-thread runtime in an optimised build,
//! and their ratio to a bare one; as `cargo run --release -p async-runtime-compat-bench --bin
//! decorators` of the repository counts them:
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
//! /// The part of a server that fetches: not more than 64 at a time.
//! struct Fetchers {
//!     spawner: Limited<Named<Arc<dyn Runtime>>>,
//! }
//!
//! fn serve(runtime: Arc<dyn Runtime>) {
//!     let counted = Counted::new(runtime);
//!     // All that follows is counted, and still a runtime.
//!     let runtime: Arc<dyn Runtime> = Arc::new(counted.clone());
//!     let fetchers = Named::with_prefix(runtime.clone(), "fetch.");
//!     let fetchers = Fetchers { spawner: Limited::new(fetchers, 64) };
//!     fetchers.spawner.spawn_named("index", async { /* is `fetch.index` */ }).detach();
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
mod limited;
mod named;
mod prometheus;

pub use counted::{Counted, Counts, Metric, MetricKind};
pub(crate) use decorated::{Decorated, decorator};
pub use hooked::Hooked;
pub use limited::{Acquire, Limited, Permit};
pub use named::Named;
pub use prometheus::Exposition;
