//! Names for what is spawned.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::{Decorated, decorator};
use crate::layer::{Layer, Naming};
use crate::seam::Spawner;

/// A spawner that gives names to its tasks: a prefix, a name for those without one, or any other.
///
/// Give one to each part of a program, and reports tell whose task it was: errors, the listing of a
/// group, the timeline of a simulation. The new name is the task's name: handles and
/// [`JoinError`](crate::JoinError)s have it, the backend, and the decorators that are inside of this
/// one. Those around it, which the task passes first, see the name as it was. So prefixes are in the
/// order in which the parts contain each other.
///
/// Work that blocks is named in the same way, if what is decorated is
/// [`Blocking`](crate::Blocking).
///
/// # What it costs
///
/// A name that is made up is an allocation for its text; a name that is there is not copied. The
/// handle of a task with a name takes one more, and so does its place in a group.
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
    /// Puts a prefix in front of each name. What has no name gets none.
    ///
    /// The prefix is taken as it is: a separator is part of it.
    pub fn with_prefix(spawner: S, prefix: impl Into<Cow<'static, str>>) -> Named<S> {
        let prefix = prefix.into();
        Named::by(spawner, move |name, _| Some(format!("{prefix}{}", name?).into()))
    }

    /// Gives a name to what has none.
    pub fn with_default(spawner: S, default: impl Into<Cow<'static, str>>) -> Named<S> {
        let default = default.into();
        Named::by(spawner, move |name, _| match name {
            Some(_) => None,
            None => Some(default.clone()),
        })
    }

    /// Asks a function for each name.
    ///
    /// It is given the name, if there is one, and the place of the `spawn` call, and gives the new
    /// name, or `None` to leave everything as it is. It is called in the call that spawns, and must
    /// not block.
    ///
    /// # Panics
    ///
    /// If the function panics, so does the call that spawns, and nothing is spawned.
    ///
    /// # Examples
    ///
    /// Numbers, by which tasks of the same place can be told apart:
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
