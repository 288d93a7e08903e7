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

mod counters;
mod decorated;
mod end;
mod hooked;
mod hooks;
mod layers;
mod limit;
pub(crate) mod members;
mod task;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use self::hooks::Making;
use crate::meta::SpawnMeta;

pub(crate) use self::counters::{Counters, Sums};
pub(crate) use self::decorated::{Decorated, decorator};
pub(crate) use self::end::EndState;
pub use self::hooked::Hooked;
pub(crate) use self::layers::{Layer, Layers, Naming, Terms, aborts_of, token_of};
pub(crate) use self::limit::{Limit, Ticket};
pub(crate) use self::members::{Member, Members};

/// A decorator's part in spawning: it is asked about each task.
///
/// Implement it and put it around a spawner, or around a whole runtime, with [`Hooked::new`].
///
/// # Panics
///
/// If a method panics, so does the call that spawns, and nothing is spawned.
pub trait SpawnHook: Send + Sync + 'static {
    /// A task is being spawned. Called on the thread that spawns, which it must not block.
    ///
    /// It is also called for a task that a decorator around this one has
    /// [refused](Spawning::is_refused), so that its future is dropped in this decorator's scope.
    fn spawn(&self, spawning: &mut Spawning<'_>);

    /// Blocking work is being started. The default does as with a task.
    ///
    /// [`TaskHook::scope`] surrounds the call of the function then.
    fn spawn_blocking(&self, spawning: &mut Spawning<'_>) {
        self.spawn(spawning);
    }
}

/// What a decorator adds to a task.
///
/// The methods run on the task's threads and must not block. A panic in one is caught and dropped,
/// after the panic hook has reported it; the task goes on.
pub trait TaskHook: Send + Sync + 'static {
    /// Calls the function, once, in the surroundings that the decorator gives to the task.
    ///
    /// The function polls the task, drops its future, or runs the blocking work. It does not unwind.
    /// Whatever this method does not call is called without the surroundings, and a second call does
    /// nothing.
    fn scope(&self, f: &mut dyn FnMut()) {
        f();
    }

    /// The task has ended, and its future has been dropped. Its join has not resolved yet.
    ///
    /// Called once for each task.
    fn end(&self, end: TaskEnd) {
        let _ = end;
    }
}

/// How a task ended.
///
/// It agrees with the task's join: a task that was [`Aborted`](TaskEnd::Aborted) is one whose join
/// says [`is_cancelled`](crate::JoinError::is_cancelled), and one that ended by
/// [`Shutdown`](TaskEnd::Shutdown) one whose join says
/// [`is_shutdown`](crate::JoinError::is_shutdown).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TaskEnd {
    /// The task gave its output.
    Completed,
    /// The task, or the destructor of its future, panicked.
    Panicked,
    /// The task was aborted before it completed, by a handle or by a group.
    Aborted,
    /// The runtime dropped the task or refused it, or a decorator did.
    Shutdown,
}

/// A task that is being spawned, as a [`SpawnHook`] sees it.
pub struct Spawning<'a> {
    meta: SpawnMeta<'a>,
    terms: &'a mut Terms,
    making: &'a mut Making,
    refused: bool,
}

impl Spawning<'_> {
    /// The task's name, as far as the decorators around this one have changed it, and the location
    /// of the `spawn` call.
    #[must_use]
    pub fn meta(&self) -> SpawnMeta<'_> {
        self.meta.renamed(self.terms.name.as_ref())
    }

    /// Gives the task another name: for the decorators inside of this one, the backend and the
    /// handle.
    pub fn rename(&mut self, name: impl Into<Cow<'static, str>>) {
        self.terms.name = Some(name.into());
    }

    /// Adds a hook to the task. The scope of a hook that is added later surrounds the earlier ones.
    pub fn add(&mut self, hook: Arc<dyn TaskHook>) {
        let state = self.terms.end.get_or_insert_default();
        self.making.add(hooks::Hooks::observed(hook, state));
    }

    /// Adds a hook to the task for its [`scope`](TaskHook::scope) alone: its
    /// [`end`](TaskHook::end) is not called. It costs less than [`add`](Spawning::add).
    pub fn add_scope(&mut self, hook: Arc<dyn TaskHook>) {
        self.making.add(hooks::Hooks::Scope(hook));
    }

    /// Refuses the task: its future is dropped in the call that spawns, and its join says
    /// [`is_shutdown`](crate::JoinError::is_shutdown).
    pub fn refuse(&mut self) {
        self.refused = true;
    }

    /// Whether this decorator, or one around it, has refused the task.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.refused
    }
}

impl fmt::Debug for Spawning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawning")
            .field("meta", &self.meta())
            .field("refused", &self.refused)
            .finish_non_exhaustive()
    }
}
