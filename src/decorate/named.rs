//! Naming tasks.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::{Decorated, decorator};
use crate::layer::{Layer, Naming};
use crate::seam::Spawner;

/// A spawner that names its tasks: with a prefix, with a default name, or with a function.
///
/// Give one to each part of a program, and errors, group listings and the timelines of simulations tell which
/// part a task belongs to. The new name replaces the old one: handles, [`JoinError`](crate::JoinError)s, the
/// backend and the decorators inside this one see it. Decorators around this one, which the task passes first,
/// see the old name. Prefixes are therefore in the order in which the parts are nested.
///
/// If the decorated spawner is [`Blocking`](crate::Blocking), blocking work is named in the same way.
///
/// # Cost
///
/// A name that is not static allocates its text; a static one is not copied. A name also takes one allocation in
/// the task's handle, and one in a group.
///
/// # Examples
///
/// ```
/// # use async_runtime_compat::FnSpawner;
/// use async_runtime_compat::decorate::Named;
/// use async_runtime_compat::prelude::*;
///
/// # let spawner = FnSpawner::new(|f| { std::thread::spawn(|| futures_lite::future::block_on(f)); });
/// let server = Named::with_prefix(spawner, "server.");
/// let ingest = Named::with_prefix(server, "ingest.");
/// let task = ingest.spawn_named("parse", async {});
/// assert_eq!(task.task_name().as_deref(), Some("server.ingest.parse"));
///
/// let workers = Named::with_default(ingest, "worker");
/// let task = workers.spawn_with_handle(async {});
/// assert_eq!(task.task_name().as_deref(), Some("server.ingest.worker"));
/// ```
pub struct Named<S> {
    decorated: Arc<Decorated<S>>,
}

decorator!(Named);

impl<S: Spawner + 'static> Named<S> {
    /// Prefixes each name. Tasks without a name stay without one.
    ///
    /// No separator is added: include it in the prefix.
    pub fn with_prefix(spawner: S, prefix: impl Into<Cow<'static, str>>) -> Named<S> {
        let prefix = prefix.into();
        Named::by(spawner, move |name, _| Some(format!("{prefix}{}", name?).into()))
    }

    /// Names the tasks that have no name.
    pub fn with_default(spawner: S, default: impl Into<Cow<'static, str>>) -> Named<S> {
        let default = default.into();
        Named::by(spawner, move |name, _| match name {
            Some(_) => None,
            None => Some(default.clone()),
        })
    }

    /// Names tasks with a function.
    ///
    /// The function gets the task's name, if it has one, and the location of the `spawn` call, and returns the
    /// new name, or `None` to keep the old one. It is called during the `spawn` call, and must not block.
    ///
    /// # Panics
    ///
    /// If the function panics, the `spawn` call panics, and nothing is spawned.
    ///
    /// # Examples
    ///
    /// Numbers tell apart tasks spawned at the same location:
    ///
    /// ```
    /// # use async_runtime_compat::FnSpawner;
    /// use std::sync::atomic::{AtomicU64, Ordering};
    ///
    /// use async_runtime_compat::decorate::Named;
    /// use async_runtime_compat::prelude::*;
    ///
    /// # let spawner = FnSpawner::new(|f| { std::thread::spawn(|| futures_lite::future::block_on(f)); });
    /// let next = AtomicU64::new(1);
    /// let numbered = Named::by(spawner, move |name, _location| {
    ///     Some(format!("{}-{}", name.unwrap_or("task"), next.fetch_add(1, Ordering::Relaxed)).into())
    /// });
    /// let tasks = [(); 2].map(|()| numbered.spawn_named("conn", async {}));
    /// assert_eq!(tasks[1].task_name().as_deref(), Some("conn-2"));
    /// ```
    pub fn by<F>(spawner: S, name: F) -> Named<S>
    where
        F: Fn(Option<&str>, &'static Location<'static>) -> Option<Cow<'static, str>>,
        F: Send + Sync + 'static,
    {
        let naming: Arc<Naming> = Arc::new(name);
        let layer = Layer::Name(naming);
        Named { decorated: Decorated::new(spawner, layer.clone(), Some(layer)) }
    }
}

impl<S> Clone for Named<S> {
    fn clone(&self) -> Named<S> {
        Named { decorated: self.decorated.clone() }
    }
}

impl<S> fmt::Debug for Named<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Named").finish_non_exhaustive()
    }
}
