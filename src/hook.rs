//! Hooks: decorators of a spawner, by anybody, that keep the typed path.
//!
//! A decorator that implements [`Spawner`](crate::Spawner) itself gets each task in a box, and the
//! task pays for that box and for a second result cell. A [`SpawnHook`] in a [`Hooked`] is asked
//! about each task instead: it sees the task's [name and location](SpawnMeta), may rename or refuse
//! it, and may add a [`TaskHook`], which surrounds each poll and is told how the task ended. The
//! future itself goes to the backend unboxed, inside one wrapper for all decorators.
//!
//! This crate's own decorators ([`Ambient`](crate::Ambient), `Traced`, and those in
//! [`decorate`](crate::decorate)) and [`TaskGroup`](crate::TaskGroup) are made of the same parts, and
//! nest with a [`Hooked`] in any order.
//!
//! # Order
//!
//! Of decorators around each other the outermost is asked first, and its [`TaskHook::scope`] is the
//! innermost: each behaves as if it wrapped the future and passed it on. [`TaskHook::end`] is called
//! from the outermost decorator to the innermost, after the future was dropped and before a join
//! resolves.
//!
//! # What it costs
//!
//! [`Spawning::add`] costs two allocations per task beside the hook's own `Arc`, and one for the
//! handle: the hook and the handle share a state that decides between an abort and the task's own
//! end. [`Spawning::add_scope`] allocates nothing. A task to which nothing is added costs the call
//! of [`SpawnHook::spawn`].
//!
//! # Examples
//!
//! A decorator that measures how long the polls of each task take:
//!
//! ```
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicU64, Ordering};
//! use std::time::Instant;
//!
//! use async_runtime_compat::hook::{Hooked, SpawnHook, Spawning, TaskEnd, TaskHook};
//! use async_runtime_compat::prelude::*;
//!
//! struct PollTimes;
//!
//! struct Polls {
//!     task: String,
//!     busy: AtomicU64,
//! }
//!
//! impl SpawnHook for PollTimes {
//!     fn spawn(&self, spawning: &mut Spawning<'_>) {
//!         let task = spawning.meta().to_string();
//!         spawning.add(Arc::new(Polls { task, busy: AtomicU64::new(0) }));
//!     }
//! }
//!
//! impl TaskHook for Polls {
//!     fn scope(&self, f: &mut dyn FnMut()) {
//!         let start = Instant::now();
//!         f();
//!         let nanos = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
//!         self.busy.fetch_add(nanos, Ordering::Relaxed);
//!     }
//!
//!     fn end(&self, end: TaskEnd) {
//!         println!("{}: {end:?} after {} ns", self.task, self.busy.load(Ordering::Relaxed));
//!     }
//! }
//!
//! # let threads = async_runtime_compat::FnSpawner::new(|task| {
//! #     std::thread::spawn(|| futures_lite::future::block_on(task));
//! # });
//! let spawner = Hooked::new(threads, PollTimes);
//! let sum = spawner.spawn_named("sum", async { 1 + 2 });
//! # assert_eq!(futures_lite::future::block_on(sum).unwrap(), 3);
//! ```

pub use crate::decorate::Hooked;
pub use crate::layer::{SpawnHook, Spawning, TaskEnd, TaskHook};
