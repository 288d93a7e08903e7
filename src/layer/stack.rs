//! Decorators around each other, as one list.
//!
//! A decorator that boxed each future to wrap it would cost every task a box. These are asked for
//! their hooks instead, and the future goes with them, as it is, to the spawner underneath. The list
//! is made when the decorators are put together: so all share one wrapper, and none contains another.

use std::borrow::Cow;
use std::panic::Location;
use std::sync::Arc;

use super::hooks::{Hooks, Making};
use super::{Counters, EndState, Limit, Members, SpawnHook, Spawning, Ticket};
use crate::cancel::CancelToken;
use crate::meta::SpawnMeta;

/// Gives a name to a task, in place of the one that it has; `None` leaves that.
pub(crate) type Naming =
    dyn Fn(Option<&str>, &'static Location<'static>) -> Option<Cow<'static, str>> + Send + Sync;

/// A decorator's part in spawning.
///
/// Those that are felt have an arm of their own: there is no call through a table, and nothing to
/// allocate.
#[derive(Clone)]
pub(crate) enum Layer {
    /// Anybody's.
    Hook(Arc<dyn SpawnHook>),
    /// Changes the name, for the decorators inside of this one, the backend and the handle.
    Name(Arc<Naming>),
    Count(Arc<Counters>),
    /// Keeps a task from being polled until there is a place for it.
    Limit(Arc<Limit>),
    /// Takes a task into a group, or refuses it.
    Group(Arc<Members>),
}

/// What a spawn is given to besides the hooks, and what they leave for its handle.
#[derive(Default)]
pub(crate) struct Terms {
    /// The task's new name, if it has one.
    pub(crate) name: Option<Cow<'static, str>>,
    /// A permit that the task already has, from one of the limits.
    pub(crate) reserved: Option<Ticket>,
    /// If a hook observes the end of the task: who decides it.
    pub(crate) end: Option<EndState>,
}

/// A decorator takes no more tasks. Others may have taken it.
pub(crate) struct Refused(pub(super) Hooks);

/// Asks a decorator about a task, or about blocking work.
pub(crate) type Ask = fn(&dyn SpawnHook, &mut Spawning<'_>);

/// A spawner, or a pool for blocking work, under all its decorators.
pub(crate) struct Layers<D: ?Sized> {
    /// What is underneath all the decorators.
    base: Arc<D>,
    /// The innermost decorator's first.
    layers: Vec<Layer>,
    ask: Ask,
    /// What was decorated, perhaps a decorator itself: its hooks may need it.
    _decorated: Arc<D>,
}

impl<D: ?Sized> Layers<D> {
    /// Puts a layer around a spawner or a pool; around the `inner` layers, if it has some.
    pub(crate) fn new(
        decorated: Arc<D>,
        inner: Option<&Layers<D>>,
        layer: Layer,
        ask: Ask,
    ) -> Self {
        let (base, layers) = match inner {
            Some(inner) => {
                let layers = inner.layers.iter().cloned().chain([layer]);
                (inner.base.clone(), layers.collect())
            }
            None => (decorated.clone(), vec![layer]),
        };
        Layers { base, layers, ask, _decorated: decorated }
    }

    /// What to spawn, or to run, on.
    #[inline]
    pub(crate) fn base(&self) -> &D {
        &self.base
    }

    #[cfg(test)]
    pub(crate) fn depth(&self) -> usize {
        self.layers.len()
    }

    /// The token of the innermost group.
    pub(crate) fn token(&self) -> Option<&CancelToken> {
        self.layers.iter().rev().find_map(|layer| match layer {
            Layer::Group(group) => Some(group.token()),
            _ => None,
        })
    }

    /// What to add to a task, or to blocking work.
    #[inline]
    pub(crate) fn hooks(&self, meta: SpawnMeta<'_>, terms: &mut Terms) -> Result<Hooks, Refused> {
        // Nearly all are in a group and have nothing else, and that is felt.
        let [Layer::Group(group)] = &*self.layers else { return self.others(meta, terms) };
        match group.insert(meta) {
            Some(member) => Ok(Hooks::Member(member)),
            None => Err(Refused(Hooks::None)),
        }
    }

    #[inline(never)]
    fn others(&self, meta: SpawnMeta<'_>, terms: &mut Terms) -> Result<Hooks, Refused> {
        match &*self.layers {
            [Layer::Count(counters)] => Ok(Hooks::count(counters)),
            [Layer::Limit(limit)] => Ok(Hooks::Ticket(limit.ticket(&mut terms.reserved))),
            [Layer::Name(naming)] => {
                terms.name = naming(meta.name(), meta.location());
                Ok(Hooks::None)
            }
            _ => self.many(meta, terms),
        }
    }

    /// The outermost decorator comes first, as it would if each passed the task on to the next: the
    /// others see the name that it gives, and do not count what it refuses.
    fn many(&self, meta: SpawnMeta<'_>, terms: &mut Terms) -> Result<Hooks, Refused> {
        let mut made = Making::new();
        let (mut refused, mut admitted) = (false, true);
        for layer in self.layers.iter().rev() {
            match layer {
                Layer::Name(naming) => {
                    let meta = meta.renamed(terms.name.as_ref());
                    let name = naming(meta.name(), meta.location());
                    terms.name = name.or(terms.name.take());
                }
                // Also if the task is refused: its future is to be dropped in their scope.
                Layer::Hook(hook) => {
                    let mut spawning = Spawning { meta, terms, making: &mut made, refused };
                    (self.ask)(&**hook, &mut spawning);
                    refused = spawning.refused;
                }
                _ if refused => {}
                Layer::Count(counters) => made.add(Hooks::count(counters)),
                Layer::Limit(limit) => {
                    // A task that waits for one permit holds none further in that others could have.
                    let ticket =
                        if admitted { limit.ticket(&mut terms.reserved) } else { limit.later() };
                    admitted &= ticket.is_held();
                    made.add(Hooks::Ticket(ticket));
                }
                Layer::Group(group) => match group.insert(meta.renamed(terms.name.as_ref())) {
                    Some(member) => made.add(Hooks::Member(member)),
                    None => refused = true,
                },
            }
        }
        let hooks = made.made();
        if refused { Err(Refused(hooks)) } else { Ok(hooks) }
    }
}
