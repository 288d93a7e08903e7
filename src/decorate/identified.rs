//! Giving ids to tasks.

use std::fmt;
use std::sync::Arc;

use super::{Decorated, decorator};
use crate::layer::Layer;
use crate::seam::{Spawner, next_id};

/// A spawner that gives each task a [`TaskId`](crate::TaskId).
///
/// The task reads it with [`task::id`](crate::task::id), and it appears in
/// [`JoinHandle::id`](crate::JoinHandle::id), in [`AbortHandle::id`](crate::AbortHandle::id), in the text and the
/// [`id`](crate::JoinError::id) of a [`JoinError`](crate::JoinError), in the listings of groups, and in the
/// [metadata](crate::SpawnMeta::id) that hooks and custom spawners get. It does not matter where among other decorators
/// and groups this one stands: all of them see the id. A task that passes two of them has one id.
///
/// If the decorated spawner is [`Blocking`](crate::Blocking), blocking work gets ids as well.
///
/// Dropping it does not affect the tasks.
///
/// # Cost
///
/// A counter that all threads share at the spawn, two accesses of a thread-local variable at each poll, and one
/// allocation in the task's handle, or none if the task has a name. Tasks of other spawners pay nothing.
///
/// # Comparison to tokio's ids
///
/// `tokio::task::id()` and `JoinHandle::id()` need no decorator, since tokio gives each task a number. smol and
/// async-executor do not, and an id for every task would make each spawn on them dearer, and each handle larger, used or
/// not. So ids are optional here, on all backends: on tokio and async-std, whose own ids work beside this one, the two are
/// different numbers.
///
/// # Examples
///
/// ```
/// # use async_runtime_compat::FnSpawner;
/// use std::collections::HashMap;
///
/// use async_runtime_compat::decorate::Identified;
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::task;
///
/// # let threads = FnSpawner::new(|f| { std::thread::spawn(|| futures_lite::future::block_on(f)); });
/// let spawner = Identified::new(threads);
/// let worker = spawner.spawn_with_handle(async { task::id() });
/// let names = HashMap::from([(worker.id(), "worker")]);
/// # futures_lite::future::block_on(async {
/// let id = worker.await?;
/// assert_eq!(names[&Some(id)], "worker");
/// # Ok::<(), JoinError>(())
/// # }).unwrap();
/// ```
pub struct Identified<S> {
    decorated: Arc<Decorated<S>>,
}

decorator!(Identified);

impl<S: Spawner + 'static> Identified<S> {
    /// Wraps a spawner, and gives an id to each task that is spawned through the wrapper.
    pub fn new(spawner: S) -> Identified<S> {
        let layer = Layer::Identify(next_id);
        Identified { decorated: Decorated::new(spawner, layer.clone(), Some(layer)) }
    }
}

impl<S> Clone for Identified<S> {
    fn clone(&self) -> Identified<S> {
        Identified { decorated: self.decorated.clone() }
    }
}

impl<S> fmt::Debug for Identified<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identified").finish_non_exhaustive()
    }
}
