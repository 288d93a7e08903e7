//! Nested decorators, as one list of layers.
//!
//! A decorator that boxed each future to wrap it would cost every task a box. Instead, the layers return hooks,
//! and the unboxed future goes with them to the spawner underneath. The list is built when the decorators are
//! nested, so that all of them share one wrapper per task.

use std::borrow::Cow;
use std::panic::Location;
use std::sync::Arc;

use super::hooks::{Hooks, Making};
use super::{Counters, EndState, Limit, Members, SpawnHook, Spawning, Ticket};
use crate::cancel::CancelToken;
use crate::ids::{IdSlot, TaskId};
use crate::meta::SpawnMeta;

/// Returns a task's new name, or `None` to keep the old one.
pub(crate) type Naming =
    dyn Fn(Option<&str>, &'static Location<'static>) -> Option<Cow<'static, str>> + Send + Sync;

/// A decorator's effect on a spawn.
///
/// The layers whose cost matters have variants of their own, without dynamic dispatch and allocation.
#[derive(Clone)]
pub(crate) enum Layer {
    /// A user's hook.
    Hook(Arc<dyn SpawnHook>),
    /// Changes the name, for the decorators inside this one, the backend and the handle.
    Name(Arc<Naming>),
    Count(Arc<Counters>),
    /// Keeps a task from being polled until it has a permit.
    Limit(Arc<Limit>),
    /// Adds a task to a group, or refuses it.
    Group(Arc<Members>),
    /// Gives the task an id, made by the function.
    Identify(fn() -> TaskId),
}

/// State of a spawn beside its metadata, which the layers read and leave for the handle.
#[derive(Default)]
pub(crate) struct Terms {
    /// The task's new name, if it has one.
    pub(crate) name: Option<Cow<'static, str>>,
    /// The task's id, if it has one.
    pub(crate) id: IdSlot,
    /// A permit that the task already holds, from one of the limits.
    pub(crate) reserved: Option<Ticket>,
    /// The state that decides the task's end, if a hook observes it.
    pub(crate) end: Option<EndState>,
}

impl Terms {
    /// Applies the terms to a spawn's metadata.
    #[inline]
    pub(crate) fn apply<'a>(&'a self, meta: SpawnMeta<'a>) -> SpawnMeta<'a> {
        meta.renamed(self.name.as_ref()).or_slot(&self.id)
    }

    /// Gives the task an id, unless it has one already.
    fn identify(&self, meta: SpawnMeta<'_>, next: fn() -> TaskId) -> TaskId {
        let id = meta.id().unwrap_or_else(next);
        meta.identify(id);
        self.id.set(id);
        id
    }
}

/// A layer refused the task. Layers around it may have accepted it.
pub(crate) struct Refused(pub(super) Hooks);

impl Refused {
    /// Refused by the outermost layer.
    pub(crate) const NOWHERE: Refused = Refused(Hooks::None);
}

/// Calls a hook for a task, or for blocking work.
pub(crate) type Ask = fn(&dyn SpawnHook, &mut Spawning<'_>);

/// A spawner, or a pool for blocking work, under all its decorators.
pub(crate) struct Layers<D: ?Sized> {
    /// The spawner or pool underneath all layers.
    base: Arc<D>,
    /// The innermost decorator's layer is the first.
    list: Vec<Layer>,
    /// Makes an id for each task, if one of the layers identifies tasks.
    identify: Option<fn() -> TaskId>,
    ask: Ask,
    /// The decorated spawner, kept alive because the hooks of an inner decorator may need it.
    _decorated: Arc<D>,
}

impl<D: ?Sized> Layers<D> {
    /// Adds a layer to a spawner or a pool, around its `inner` layers, if it has some.
    pub(crate) fn new(
        decorated: Arc<D>,
        inner: Option<&Layers<D>>,
        layer: Layer,
        ask: Ask,
    ) -> Self {
        let (base, list): (_, Vec<_>) = match inner {
            Some(inner) => {
                let list = inner.list.iter().cloned().chain([layer]);
                (inner.base.clone(), list.collect())
            }
            None => (decorated.clone(), vec![layer]),
        };
        let identify = list.iter().find_map(|layer| match layer {
            Layer::Identify(next) => Some(*next),
            _ => None,
        });
        Layers { base, list, identify, ask, _decorated: decorated }
    }

    /// The spawner or pool underneath the layers.
    #[inline]
    pub(crate) fn base(&self) -> &D {
        &self.base
    }

    #[cfg(all(test, not(model)))]
    pub(crate) fn depth(&self) -> usize {
        self.list.len()
    }

    /// The token of the innermost group.
    pub(crate) fn token(&self) -> Option<&CancelToken> {
        self.list.iter().rev().find_map(|layer| match layer {
            Layer::Group(group) => Some(group.token()),
            _ => None,
        })
    }

    /// The group, if there is no other layer.
    #[inline]
    pub(crate) fn only_group(&self) -> Option<&Members> {
        let [Layer::Group(group)] = &*self.list else { return None };
        Some(group)
    }

    /// Returns the hooks for a future that is polled elsewhere: it belongs to the groups, and the other layers, which
    /// act on spawns, do not see it.
    pub(crate) fn memberships(&self, meta: SpawnMeta<'_>) -> Result<Hooks, Refused> {
        let mut made = Making::new();
        for layer in self.list.iter().rev() {
            let Layer::Group(group) = layer else { continue };
            match group.insert(meta) {
                Some(member) => made.add(Hooks::Member(member)),
                None => return Err(Refused(made.made())),
            }
        }
        Ok(made.made())
    }

    /// Returns the hooks for a task, or for blocking work.
    #[inline]
    pub(crate) fn hooks(&self, meta: SpawnMeta<'_>, terms: &mut Terms) -> Result<Hooks, Refused> {
        // The common case of a single group is worth a fast path.
        match self.only_group() {
            Some(group) => group.insert(meta).map(Hooks::Member).ok_or(Refused::NOWHERE),
            None => self.others(meta, terms),
        }
    }

    #[inline(never)]
    fn others(&self, meta: SpawnMeta<'_>, terms: &mut Terms) -> Result<Hooks, Refused> {
        match &*self.list {
            [Layer::Count(counters)] => Ok(Hooks::count(counters)),
            [Layer::Limit(limit)] => Ok(Hooks::Ticket(limit.ticket(&mut terms.reserved))),
            [Layer::Name(naming)] => {
                terms.name = naming(meta.name(), meta.location());
                Ok(Hooks::None)
            }
            [Layer::Identify(next)] => Ok(Hooks::Id(terms.identify(meta, *next))),
            _ => self.many(meta, terms),
        }
    }

    /// The outermost layer comes first, as if each passed the task on to the next: inner layers see its new
    /// name, and do not count the tasks that it refuses.
    fn many(&self, meta: SpawnMeta<'_>, terms: &mut Terms) -> Result<Hooks, Refused> {
        let mut made = Making::new();
        let (mut refused, mut admitted) = (false, true);
        // First, wherever the decorator stands: all of them see the id.
        let id = self.identify.map(|next| terms.identify(meta, next));
        for layer in self.list.iter().rev() {
            match layer {
                Layer::Name(naming) => {
                    let meta = terms.apply(meta);
                    let name = naming(meta.name(), meta.location());
                    terms.name = name.or(terms.name.take());
                }
                // Also for a refused task, whose future must be dropped in the hook's scope.
                Layer::Hook(hook) => {
                    let mut spawning = Spawning { meta, terms, making: &mut made, refused };
                    (self.ask)(&**hook, &mut spawning);
                    refused = spawning.refused;
                }
                Layer::Identify(_) => {}
                _ if refused => {}
                Layer::Count(counters) => made.add(Hooks::count(counters)),
                Layer::Limit(limit) => {
                    // A task that waits for one permit must not hold a permit of an inner limit.
                    let ticket =
                        if admitted { limit.ticket(&mut terms.reserved) } else { limit.later() };
                    admitted &= ticket.is_held();
                    made.add(Hooks::Ticket(ticket));
                }
                Layer::Group(group) => match group.insert(terms.apply(meta)) {
                    Some(member) => made.add(Hooks::Member(member)),
                    None => refused = true,
                },
            }
        }
        if let Some(id) = id {
            // Last, for its scope to surround those of the others.
            made.add(Hooks::Id(id));
        }
        let hooks = made.made();
        if refused { Err(Refused(hooks)) } else { Ok(hooks) }
    }
}
