//! Tasks on each backend.

use std::borrow::Cow;
use std::future::Future;
use std::panic::Location;

#[cfg(feature = "async-executor")]
use super::async_executor;
use super::boxed;
use super::join::Join;
use super::large::{Boxing, is_large};
use super::quiet::Quiet;
#[cfg(feature = "tokio")]
use super::tokio;
use crate::contain::Contained;
use crate::ids::IdSlot;
use crate::layer::{Hooks, Layers, Refused, Terms, Ticket};
use crate::meta::SpawnMeta;
use crate::seam::{Kind, Spawner};

/// Spawns on the backend of that kind; the caller adds the hooks.
///
/// A macro, since in an unoptimised build each function call would copy the future.
macro_rules! spawn_on {
    ($spawner:expr, $kind:expr, $name:expr, $location:expr, $id:expr, $future:expr, $contain:expr, $hooked:pat => $with_hooks:expr) => {{
        match $kind {
            Kind::Opaque(_) => boxed::spawn($spawner, $name, $location, $id, $future, $contain),
            #[cfg(feature = "tokio")]
            Kind::Tokio(handle) => tokio::spawn(handle, $future),
            #[cfg(feature = "smol")]
            Kind::Smol => super::smol::spawn($future, $contain).into(),
            #[cfg(feature = "async-std")]
            Kind::AsyncStd => super::async_std::spawn($name, $future, $contain).into(),
            #[cfg(feature = "async-executor")]
            Kind::Executor(executor) => match async_executor::spawn(executor, $future, $contain) {
                Some(task) => task.into(),
                None => Join::refused(),
            },
            $hooked => $with_hooks,
        }
    }};
}

/// The same for a detached task.
macro_rules! spawn_detached_on {
    ($spawner:expr, $kind:expr, $name:expr, $location:expr, $id:expr, $future:expr, $contain:expr, $hooked:pat => $with_hooks:expr) => {{
        match $kind {
            Kind::Opaque(_) => spawn_quiet($spawner, $name, $location, $id, $future),
            #[cfg(feature = "tokio")]
            Kind::Tokio(handle) => tokio::spawn_detached(handle, $future),
            #[cfg(feature = "smol")]
            Kind::Smol => super::smol::spawn_detached($future, $contain),
            #[cfg(feature = "async-std")]
            Kind::AsyncStd => super::async_std::spawn_detached($name, $future, $contain),
            #[cfg(feature = "async-executor")]
            Kind::Executor(executor) => async_executor::spawn_detached(executor, $future, $contain),
            $hooked => $with_hooks,
        }
    }};
}

/// Adds the hooks as well.
macro_rules! spawn_plain {
    ($spawner:expr, $meta:expr, $future:expr) => {{
        // The branches that are not inlined get the metadata in parts, which are passed in registers, so that the
        // others need not store it.
        let SpawnMeta { name, location, id, .. } = $meta;
        spawn_on!($spawner, $spawner.native().0, name, location, id, $future, Contained::new, Kind::Layered(layers) => {
            spawn_on_layers(layers, name, location, id, $future)
        })
    }};
}

/// Spawns the unboxed future on a known backend, and a boxed one on any other spawner.
#[inline]
pub(crate) fn spawn<S, F>(spawner: &S, meta: SpawnMeta<'_>, future: F) -> Join<F::Output>
where
    S: Spawner + ?Sized,
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    if const { is_large::<F::Output>() } {
        return spawn_large(spawner, meta, Boxing::new(future));
    }
    spawn_plain!(spawner, meta, future)
}

/// Spawns a task whose large output has been boxed.
fn spawn_large<T, S, F>(spawner: &S, meta: SpawnMeta<'_>, future: F) -> Join<T>
where
    T: Send + 'static,
    S: Spawner + ?Sized,
    F: Future<Output = Box<T>> + Send + 'static,
{
    let join: Join<Box<T>> = spawn_plain!(spawner, meta, future);
    join.into()
}

#[inline(never)]
fn spawn_on_layers<F>(
    layers: &Layers<dyn Spawner>,
    name: Option<&Cow<'static, str>>,
    location: &'static Location<'static>,
    id: Option<&IdSlot>,
    future: F,
) -> Join<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    spawn_on_terms(layers, SpawnMeta::of(name, location).with_slot(id), Terms::default(), future)
}

/// Spawns a detached task.
#[inline(always)]
pub(crate) fn spawn_detached<S, F>(spawner: &S, meta: SpawnMeta<'_>, future: F)
where
    S: Spawner + ?Sized,
    F: Future<Output = ()> + Send + 'static,
{
    let SpawnMeta { name, location, id, .. } = meta;
    spawn_detached_on!(spawner, spawner.native().0, name, location, id, future, Contained::new, Kind::Layered(layers) => {
        spawn_detached_on_layers(layers, name, location, id, future);
    });
}

/// Spawns a task for each of the futures.
pub(crate) fn spawn_many<S, F>(
    spawner: &S,
    location: &'static Location<'static>,
    futures: Vec<F>,
) -> Vec<Join<F::Output>>
where
    S: Spawner + ?Sized,
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    // A large output is boxed, which is not worth a second way.
    #[cfg(feature = "async-executor")]
    if !is_large::<F::Output>() {
        if let Kind::Executor(executor) = spawner.native().0 {
            return async_executor::spawn_many(executor, futures);
        }
    }
    let meta = SpawnMeta::of(None, location);
    futures.into_iter().map(|future| spawn(spawner, meta, future)).collect()
}

#[inline(never)]
fn spawn_detached_on_layers<F>(
    layers: &Layers<dyn Spawner>,
    name: Option<&Cow<'static, str>>,
    location: &'static Location<'static>,
    id: Option<&IdSlot>,
    future: F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    spawn_layered(layers, SpawnMeta::of(name, location).with_slot(id), future);
}

/// The size above which a future is boxed before it gets its hooks. Otherwise it would be copied from one wrapper to
/// the next, and in an unoptimised build each copy is on the stack. tokio boxes futures of this size as well.
const LARGE: usize = 16 * 1024;

/// Spawns a task that already has a permit from one of the decorators.
pub(crate) fn spawn_reserved<F>(
    layers: &Layers<dyn Spawner>,
    meta: SpawnMeta<'_>,
    reserved: Ticket,
    future: F,
) -> Join<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let terms = Terms { reserved: Some(reserved), ..Terms::default() };
    if const { is_large::<F::Output>() } {
        return spawn_on_terms(layers, meta, terms, Boxing::new(future)).into();
    }
    spawn_on_terms(layers, meta, terms, future)
}

#[inline]
fn spawn_on_terms<F>(
    layers: &Layers<dyn Spawner>,
    meta: SpawnMeta<'_>,
    terms: Terms,
    future: F,
) -> Join<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    if size_of::<F>() > LARGE {
        return add_hooks_and_spawn(layers, meta, terms, Box::pin(future));
    }
    add_hooks_and_spawn(layers, meta, terms, future)
}

/// Adds the hooks to a future and spawns it on the spawner underneath.
#[inline]
fn add_hooks_and_spawn<F>(
    layers: &Layers<dyn Spawner>,
    meta: SpawnMeta<'_>,
    mut terms: Terms,
    future: F,
) -> Join<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let join = match layers.hooks(meta, &mut terms) {
        Ok(hooks) => {
            let task = hooks.task(future);
            let base = layers.base();
            let meta = terms.apply(meta);
            // The spawner underneath has no layers. If it had, its own `spawn` would add them.
            spawn_on!(base, base.native().0, meta.name, meta.location, meta.id, task, std::convert::identity, Kind::Layered(_) => {
                boxed::spawn(base, meta.name, meta.location, meta.id, task, std::convert::identity)
            })
        }
        Err(refused) => {
            refused.discard(future);
            Join::refused()
        }
    };
    join.on_terms(terms)
}

/// The same for a detached task.
pub(crate) fn spawn_layered<F>(layers: &Layers<dyn Spawner>, meta: SpawnMeta<'_>, future: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut terms = None;
    // A single group is common, and has no terms: passing them through memory would take as long as the rest of it.
    let hooks = if let Some(group) = layers.only_group() {
        match group.insert(meta) {
            Some(member) => Hooks::Member(member),
            None => return Refused::NOWHERE.discard(future),
        }
    } else {
        match layers.hooks(meta, terms.insert(Terms::default())) {
            Ok(hooks) => hooks,
            Err(refused) => return refused.discard(future),
        }
    };
    let task = hooks.task(future);
    let base = layers.base();
    let meta = match &terms {
        Some(terms) => terms.apply(meta),
        None => meta,
    };
    spawn_detached_on!(base, base.native().0, meta.name, meta.location, meta.id, task, std::convert::identity, Kind::Layered(_) => {
        spawn_quiet(base, meta.name, meta.location, meta.id, task);
    });
}

/// Boxes the future of a detached task, so that it never unwinds.
#[inline(never)]
fn spawn_quiet<S, F>(
    spawner: &S,
    name: Option<&Cow<'static, str>>,
    location: &'static Location<'static>,
    id: Option<&IdSlot>,
    future: F,
) where
    S: Spawner + ?Sized,
    F: Future + Send + 'static,
{
    let task = Box::pin(Quiet::new(future));
    // Without one from outside, for the spawners inside this one: there is no handle to tell.
    let own = IdSlot::default();
    let meta = SpawnMeta::of(name, location).with_slot(id.or(Some(&own)));
    spawner.spawn_with(meta.containing(&*task), task);
}
