//! Decorators of a spawner that keep the typed path.
//!
//! A decorator that boxed each future to wrap it would cost every task a box. One that is made of a
//! [`Hooked`] is asked for its hooks instead, and the future goes with them, as it is, to what is
//! decorated. Decorators of decorators are one list of hooks, made when they are put together: so
//! the wrapper is the same for all, and none contains another.

mod hooks;
mod task;

use std::borrow::Cow;
use std::panic::Location;
use std::sync::Arc;

use self::hooks::{Hooks, Making};
use super::{BlockingKind, Kind, Native, NativeBlocking, Origin};
use crate::blocking::{Blocking, BoxJob};
use crate::cancel::CancelToken;
use crate::decorate::{Counters, Limit, Ticket};
use crate::group::Core;
use crate::origin::Place;
use crate::spawner::{BoxFuture, Spawner};

/// What a decorator adds to a task.
///
/// Hooks run on the task's thread and must neither block nor panic.
pub(crate) trait TaskHook: Send + Sync {
    /// Calls the function, once, in the surroundings that the decorator gives to the task: the
    /// function polls the task or drops its future, or runs work that blocks. It does not unwind.
    fn scope(&self, f: &mut dyn FnMut());

    /// The task has ended, and its future has been dropped. Nobody has been told yet. This is
    /// called once.
    fn end(&self, _how: TaskEnd) {}
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskEnd {
    Completed,
    Panicked,
    /// Aborted or refused, or the runtime was shut down.
    Dropped,
}

/// Gives a name to a task, in place of the one that it has; `None` leaves that.
pub(crate) type Naming = dyn Fn(Option<&str>, Place) -> Option<Cow<'static, str>> + Send + Sync;

/// Adds something to a task; `None` adds nothing.
pub(crate) type Adding = dyn Fn(Origin<'_>) -> Option<Arc<dyn TaskHook>> + Send + Sync;

/// A decorator's part in spawning.
///
/// Those that are felt have an arm of their own: there is no call through a table, and nothing to
/// allocate.
#[derive(Clone)]
pub(crate) enum SpawnHook {
    Add(Arc<Adding>),
    /// Changes the name, for the decorators inside of this one, the backend and the handle.
    Name(Arc<Naming>),
    Count(Arc<Counters>),
    /// Keeps a task from being polled until there is a place for it.
    Limit(Arc<Limit>),
    /// Takes a task into a group, or refuses it.
    Group(Arc<Core>),
}

/// What comes of the hooks besides themselves, or goes into them.
#[derive(Default)]
pub(super) struct Terms {
    /// The task's new name, if it has one.
    pub(super) name: Option<Cow<'static, str>>,
    /// A place that the task has already, with one of the limits.
    pub(super) reserved: Option<Ticket>,
}

/// A decorator takes no more tasks. Others may have taken it.
pub(super) struct Refused(Hooks);

/// A spawner, or a pool for work that blocks, with hooks.
pub(crate) struct Hooked<D: ?Sized> {
    /// What is underneath of all the decorators.
    base: Arc<D>,
    /// The innermost decorator's first.
    hooks: Vec<SpawnHook>,
    /// What was decorated, perhaps a decorator itself: its hooks may need it.
    _decorated: Arc<D>,
}

impl Hooked<dyn Spawner> {
    pub(crate) fn spawner(decorated: Arc<dyn Spawner>, hook: SpawnHook) -> Self {
        let (base, hooks) = if let Kind::Hooked(inner) = decorated.native().0 {
            inner.and(hook)
        } else {
            (decorated.clone(), vec![hook])
        };
        Hooked { base, hooks, _decorated: decorated }
    }

    /// What to spawn on.
    #[inline]
    pub(super) fn base(&self) -> &dyn Spawner {
        &*self.base
    }
}

impl Spawner for Hooked<dyn Spawner> {
    #[track_caller]
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        super::spawn_hooked(self, Location::caller(), future);
    }

    #[inline]
    fn native(&self) -> Native<'_> {
        Native::hooked(self)
    }
}

/// The token of the innermost of the groups that a task belongs to which is spawned here.
pub(crate) fn token_of(spawner: &dyn Spawner) -> Option<&CancelToken> {
    let Kind::Hooked(hooked) = spawner.native().0 else { return None };
    hooked.hooks.iter().rev().find_map(|hook| match hook {
        SpawnHook::Group(group) => Some(group.token()),
        _ => None,
    })
}

/// How often the groups were aborted that a task belongs to which is spawned here.
pub(crate) fn aborts_of(spawner: &dyn Spawner) -> u64 {
    let Kind::Hooked(hooked) = spawner.native().0 else { return 0 };
    let aborts = hooked.hooks.iter().map(|hook| match hook {
        SpawnHook::Group(group) => group.aborts(),
        _ => 0,
    });
    aborts.sum()
}

impl Hooked<dyn Blocking> {
    pub(crate) fn blocking(decorated: Arc<dyn Blocking>, hook: SpawnHook) -> Self {
        let (base, hooks) = if let BlockingKind::Hooked(inner) = decorated.native_blocking().0 {
            inner.and(hook)
        } else {
            (decorated.clone(), vec![hook])
        };
        Hooked { base, hooks, _decorated: decorated }
    }

    /// What to run on.
    pub(super) fn base(&self) -> &dyn Blocking {
        &*self.base
    }
}

impl Blocking for Hooked<dyn Blocking> {
    #[track_caller]
    fn execute(&self, job: BoxJob) {
        super::execute_hooked(self, Location::caller(), job);
    }

    #[inline]
    fn native_blocking(&self) -> NativeBlocking<'_> {
        NativeBlocking::hooked(self)
    }
}

impl<D: ?Sized> Hooked<D> {
    fn and(&self, hook: SpawnHook) -> (Arc<D>, Vec<SpawnHook>) {
        let hooks = self.hooks.iter().cloned().chain([hook]);
        (self.base.clone(), hooks.collect())
    }

    /// What to add to a task, or to work that blocks.
    #[inline]
    pub(super) fn hooks(&self, origin: Origin<'_>, terms: &mut Terms) -> Result<Hooks, Refused> {
        // Nearly all are in a group and have nothing else, and that is felt.
        let [SpawnHook::Group(group)] = &*self.hooks else { return self.others(origin, terms) };
        match group.insert(origin) {
            Some(member) => Ok(Hooks::Member(member)),
            None => Err(Refused(Hooks::None)),
        }
    }

    #[inline(never)]
    fn others(&self, origin: Origin<'_>, terms: &mut Terms) -> Result<Hooks, Refused> {
        match &*self.hooks {
            [SpawnHook::Add(hook)] => Ok(hook(origin).map_or(Hooks::None, Hooks::Other)),
            [SpawnHook::Count(counters)] => Ok(Hooks::count(counters)),
            [SpawnHook::Limit(limit)] => Ok(Hooks::Ticket(limit.ticket(&mut terms.reserved))),
            [SpawnHook::Name(naming)] => {
                terms.name = naming(origin.name.map(|name| &**name), origin.place);
                Ok(Hooks::None)
            }
            _ => self.many(origin, terms),
        }
    }

    /// The outermost decorator comes first, as it would if each passed the task on to the next: the
    /// others see the name that it gives, and not at all what it refuses.
    #[cold]
    fn many(&self, origin: Origin<'_>, terms: &mut Terms) -> Result<Hooks, Refused> {
        let mut made = Making::new(self.hooks.len());
        let (mut refused, mut admitted) = (false, true);
        for hook in self.hooks.iter().rev() {
            let name = terms.name.as_ref().or(origin.name);
            let origin = Origin { name, ..origin };
            match hook {
                SpawnHook::Name(naming) => {
                    let name = naming(name.map(|name| &**name), origin.place);
                    terms.name = name.or(terms.name.take());
                }
                // Also if the task is refused: its future is to be dropped in their surroundings.
                SpawnHook::Add(hook) => made.add(hook(origin).map(Hooks::Other)),
                _ if refused => {}
                SpawnHook::Count(counters) => made.add(Some(Hooks::count(counters))),
                SpawnHook::Limit(limit) => {
                    // A task that waits for one place holds none further in that others could have.
                    let ticket =
                        if admitted { limit.ticket(&mut terms.reserved) } else { limit.later() };
                    admitted &= ticket.is_held();
                    made.add(Some(Hooks::Ticket(ticket)));
                }
                SpawnHook::Group(group) => match group.insert(origin) {
                    Some(member) => made.add(Some(Hooks::Member(member))),
                    None => refused = true,
                },
            }
        }
        let hooks = made.made();
        if refused { Err(Refused(hooks)) } else { Ok(hooks) }
    }
}

#[cfg(test)]
mod tests;
