//! The public traits of hooks.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::hooks::{Hooks, Making};
use super::stack::Terms;
use crate::meta::SpawnMeta;

/// A decorator's hook into spawning, called for each task.
///
/// Implement it, and add it to a spawner or to a whole runtime with [`Hooked::new`](crate::hook::Hooked::new).
///
/// # Panics
///
/// If a method panics, the `spawn` call panics, and nothing is spawned.
pub trait SpawnHook: Send + Sync + 'static {
    /// Called for each task, on the thread that spawns it, which it must not block.
    ///
    /// It is also called for a task that a decorator around this one has
    /// [refused](Spawning::is_refused), so that its future is dropped in this decorator's scope.
    fn spawn(&self, spawning: &mut Spawning<'_>);

    /// Called for blocking work. The default calls [`spawn`](SpawnHook::spawn).
    ///
    /// [`TaskHook::scope`] then surrounds the call of the function.
    fn spawn_blocking(&self, spawning: &mut Spawning<'_>) {
        self.spawn(spawning);
    }
}

/// A hook into a single task, added by a [`SpawnHook`].
///
/// The methods run on the task's threads and must not block. A panic in one is caught and dropped, after the
/// panic hook has reported it; the task goes on.
pub trait TaskHook: Send + Sync + 'static {
    /// Calls the function once, surrounded by the decorator's own code.
    ///
    /// The function polls the task, drops its future, or runs the blocking work. It does not unwind. If this
    /// method does not call it, it is called afterwards; calling it a second time does nothing.
    fn scope(&self, f: &mut dyn FnMut()) {
        f();
    }

    /// Called once, after the task has ended and its future was dropped, and before its join resolves.
    fn end(&self, end: TaskEnd) {
        let _ = end;
    }
}

/// How a task ended.
///
/// It agrees with the task's join: for [`Aborted`](TaskEnd::Aborted) the join says
/// [`is_cancelled`](crate::JoinError::is_cancelled), and for [`Shutdown`](TaskEnd::Shutdown)
/// [`is_shutdown`](crate::JoinError::is_shutdown). The exception is a hook
/// [inside a decorator that boxes the task](crate::hook#order).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TaskEnd {
    /// The task completed with its output.
    Completed,
    /// The task, or the destructor of its future, panicked.
    Panicked,
    /// The task was aborted before it completed, by a handle or by a group.
    Aborted,
    /// The runtime or a decorator dropped or refused the task.
    Shutdown,
}

/// A task that is being spawned; passed to a [`SpawnHook`].
pub struct Spawning<'a> {
    pub(super) meta: SpawnMeta<'a>,
    pub(super) terms: &'a mut Terms,
    pub(super) making: &'a mut Making,
    pub(super) refused: bool,
}

impl Spawning<'_> {
    /// Returns the task's name, including changes by decorators around this one, its id, and the location of the
    /// `spawn` call.
    #[must_use]
    pub fn meta(&self) -> SpawnMeta<'_> {
        self.terms.apply(self.meta)
    }

    /// Renames the task, for the decorators inside this one, the backend and the handle.
    pub fn rename(&mut self, name: impl Into<Cow<'static, str>>) {
        self.terms.name = Some(name.into());
    }

    /// Adds a hook to the task. The scope of a later hook surrounds those of earlier ones.
    pub fn add(&mut self, hook: Arc<dyn TaskHook>) {
        let state = self.terms.end.get_or_insert_default();
        self.making.add(Hooks::observed(hook, state));
    }

    /// Adds a hook whose [`scope`](TaskHook::scope) is called, but not its [`end`](TaskHook::end). It costs
    /// less than [`add`](Spawning::add).
    pub fn add_scope(&mut self, hook: Arc<dyn TaskHook>) {
        self.making.add(Hooks::Scope(hook));
    }

    /// Refuses the task: its future is dropped in the call that spawns, and its join says
    /// [`is_shutdown`](crate::JoinError::is_shutdown).
    pub fn refuse(&mut self) {
        self.refused = true;
    }

    /// Returns whether this decorator, or one around it, has refused the task.
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
