//! What anybody can add to a task.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::hooks::{Hooks, Making};
use super::stack::Terms;
use crate::meta::SpawnMeta;

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
    pub(super) meta: SpawnMeta<'a>,
    pub(super) terms: &'a mut Terms,
    pub(super) making: &'a mut Making,
    pub(super) refused: bool,
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
        self.making.add(Hooks::observed(hook, state));
    }

    /// Adds a hook to the task for its [`scope`](TaskHook::scope) alone: its
    /// [`end`](TaskHook::end) is not called. It costs less than [`add`](Spawning::add).
    pub fn add_scope(&mut self, hook: Arc<dyn TaskHook>) {
        self.making.add(Hooks::Scope(hook));
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
