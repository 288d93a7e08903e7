//! Hooks: decorators of your own for spawners, on the typed path.
//!
//! A decorator that implements [`Spawner`](crate::Spawner) itself gets each task in a box, and the task pays for
//! that box and for a second result cell. A [`SpawnHook`] in a [`Hooked`] is called for each task instead: it
//! sees the task's [name and location](crate::SpawnMeta), can rename or refuse it, and can add a [`TaskHook`],
//! which surrounds each poll and is told how the task ended. The future goes to the backend unboxed, in one
//! wrapper for all decorators.
//!
//! This crate's own decorators ([`Ambient`](crate::Ambient), `Traced`, and those in
//! [`decorate`](crate::decorate)) and [`TaskGroup`](crate::TaskGroup) are built from the same parts, and nest
//! with a [`Hooked`] in any order.
//!
//! # Order
//!
//! Of nested decorators the outermost is called first, and its [`TaskHook::scope`] is the innermost: each
//! behaves as if it wrapped the future and passed it on. [`TaskHook::end`] is called from the outermost decorator
//! to the innermost, after the future was dropped and before a join resolves.
//!
//! A decorator that implements [`Spawner`](crate::Spawner) hides the end of a task from the hooks and groups
//! inside it: the panic, or the abort by the handle, ends in the box, and they see a task that has
//! [`Completed`](TaskEnd::Completed). In turn, the join of a task that a group inside it aborts says
//! [`is_shutdown`](crate::JoinError::is_shutdown). Put such a decorator under the others, or write it as a hook.
//!
//! # Cost
//!
//! [`Spawning::add`] takes two allocations per task beside the hook's own `Arc`, and one for the handle: the hook
//! and the handle share a state that decides between an abort and the task's own end. [`Spawning::add_scope`]
//! allocates nothing. A task to which nothing is added costs the call of [`SpawnHook::spawn`].
//!
//! # Examples
//!
//! A decorator that measures the time that each task spends in its polls:
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
