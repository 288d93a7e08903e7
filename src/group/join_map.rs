//! Tasks that are found by a key.

mod index;

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::future::{Future, poll_fn};
use std::hash::{BuildHasher, Hash, RandomState};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use self::index::{Index, Keyed};
use super::joins::{Joined, Joins};
use crate::blocking::BlockingExt;
use crate::contain::discard;
use crate::error::JoinError;
use crate::handle::JoinHandle;
use crate::seam::{Blocking, Spawner};
use crate::spawner::SpawnerExt;

/// A set of tasks, each with a key, that yields results in the order in which the tasks end, on any spawner.
///
/// Dropping it aborts its remaining tasks.
///
/// A key belongs to at most one task. Spawning a task with the key of another one replaces that task: it is aborted,
/// and its result is dropped. [`join_next`](JoinMap::join_next) returns `None` only after the futures of the replaced
/// tasks have been dropped, too.
///
/// # Comparison to tokio-util's `JoinMap`
///
/// It is the counterpart of tokio-util's `JoinMap`, and differs from it as a [`JoinGroup`](crate::JoinGroup) differs
/// from tokio's `JoinSet`. [`get`](JoinMap::get) returns a task's handle, and [`detach`](JoinMap::detach) lets a single
/// task run on.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use std::sync::Arc;
///
/// use async_runtime_compat::{JoinMap, smol::SmolSpawner};
///
/// # futures_lite::future::block_on(async {
/// let mut connections = JoinMap::new(Arc::new(SmolSpawner));
/// connections.spawn("alice", async { std::future::pending().await });
/// connections.spawn("bob", async { 7 });
/// assert!(connections.contains_key("alice"));
///
/// let (user, bytes) = connections.join_next().await.unwrap();
/// assert_eq!((user, bytes?), ("bob", 7));
/// connections.abort("alice");
/// let (user, result) = connections.join_next().await.unwrap();
/// assert!(user == "alice" && result.is_err_and(|error| error.is_cancelled()));
/// # Ok::<(), async_runtime_compat::JoinError>(())
/// # }).unwrap();
/// # }
/// ```
#[must_use = "dropping a `JoinMap` aborts its tasks"]
pub struct JoinMap<K, T, S = RandomState> {
    spawner: Arc<dyn Spawner>,
    /// A replaced task has no key, and waits here for its future to be dropped.
    tasks: Joins<Option<Keyed<K>>, T>,
    index: Index,
    hasher: S,
}

impl<K, T> JoinMap<K, T> {
    /// Creates an empty map of tasks on the spawner.
    pub fn new(spawner: Arc<dyn Spawner>) -> JoinMap<K, T> {
        JoinMap::with_hasher(spawner, RandomState::new())
    }
}

impl<K, T, S> JoinMap<K, T, S> {
    /// Creates an empty map of tasks on the spawner, which hashes the keys with `hasher`.
    pub fn with_hasher(spawner: Arc<dyn Spawner>, hasher: S) -> JoinMap<K, T, S> {
        JoinMap { spawner, tasks: Joins::new(), index: Index::default(), hasher }
    }

    /// Returns the number of tasks whose result has not been returned, without those that were replaced.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Returns whether every result has been returned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the keys of the tasks, in no particular order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// Returns the keys of the tasks and their handles, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &JoinHandle<T>)> {
        self.tasks.iter().filter_map(|task| Some((&task.mark.as_ref()?.key, &task.handle)))
    }

    /// Waits for the next task to end, and returns its key and its result, or `None` if there are no tasks.
    ///
    /// # Errors
    ///
    /// The result is the same as that of awaiting the task's [`JoinHandle`].
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a result is removed only in the poll that returns it.
    pub fn join_next(&mut self) -> impl Future<Output = Option<(K, Result<T, JoinError>)>> {
        poll_fn(|cx| self.poll_join_next(cx))
    }

    /// Polls for the next result; see [`join_next`](JoinMap::join_next).
    ///
    /// `Ready(None)` means that there are no tasks now; more may be added. Only the waker of the last call is
    /// woken.
    pub fn poll_join_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<(K, Result<T, JoinError>)>> {
        loop {
            let mut result = None;
            let Some(joined) = ready!(self.tasks.poll_next(cx, &mut result)) else {
                return Poll::Ready(None);
            };
            match self.forget(joined) {
                Some(key) => return Poll::Ready(result.map(|result| (key, result))),
                None => discard(result),
            }
        }
    }

    /// Returns the key and the result of a task that has ended, or `None` if no task has.
    ///
    /// # Errors
    ///
    /// The result is the same as that of awaiting the task's [`JoinHandle`].
    pub fn try_join_next(&mut self) -> Option<(K, Result<T, JoinError>)> {
        loop {
            let mut result = None;
            let joined = self.tasks.try_next(&mut result)?;
            match self.forget(joined) {
                Some(key) => return result.map(|result| (key, result)),
                None => discard(result),
            }
        }
    }

    /// Forgets the key of a task that has ended, and returns it; `None` for a task that was replaced.
    fn forget(&mut self, joined: Joined<Option<Keyed<K>>, ()>) -> Option<K> {
        let Joined { slot, mark, .. } = joined;
        Some(self.index.remove(&mut self.tasks, slot, mark?))
    }

    /// Requests that each task whose key matches stop at its next await, and returns at once.
    ///
    /// The tasks stay in the map: [`join_next`](JoinMap::join_next) returns the result of each.
    ///
    /// # Errors
    ///
    /// Cannot fail.
    pub fn abort_matching(&self, mut predicate: impl FnMut(&K) -> bool) {
        let matching = self.iter().filter(|(key, _)| predicate(key));
        matching.for_each(|(_, task)| task.abort());
    }

    /// Requests that each task stop at its next await, and returns at once.
    ///
    /// The tasks stay in the map: [`join_next`](JoinMap::join_next) returns the result of each. A task that
    /// completed first keeps its output.
    ///
    /// # Errors
    ///
    /// Cannot fail.
    pub fn abort_all(&self) {
        self.tasks.abort_all();
    }

    /// Aborts all tasks, waits until their futures have been dropped, and discards their results.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the tasks stay aborted, and those not yet waited for stay in the map.
    pub async fn shutdown(&mut self) {
        self.abort_all();
        while let Some(joined) = self.join_next().await {
            discard(joined);
        }
    }

    /// Detaches all tasks: they run on, and their results are dropped. Replaced tasks stay aborted.
    pub fn detach_all(&mut self) {
        self.index = Index::default();
        self.tasks.detach_all();
    }
}

impl<K: Hash + Eq, T, S: BuildHasher> JoinMap<K, T, S> {
    /// Spawns a task with a key. It replaces the task that had this key, if there is one.
    ///
    /// The returned reference gives access to the task's name and location, and to an
    /// [abort handle](JoinHandle::abort_handle); it can be ignored.
    #[track_caller]
    pub fn spawn<F>(&mut self, key: K, future: F) -> &JoinHandle<T>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let handle = self.spawner.spawn_with_handle(future);
        self.insert(key, handle)
    }

    /// Like [`spawn`](JoinMap::spawn), for a task with a name, which identifies it in an error.
    #[track_caller]
    pub fn spawn_named<F>(
        &mut self,
        key: K,
        name: impl Into<Cow<'static, str>>,
        future: F,
    ) -> &JoinHandle<T>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let handle = self.spawner.spawn_named(name, future);
        self.insert(key, handle)
    }

    /// Runs a function in the pool, and adds it with a key. It replaces the task that had this key, if there is one.
    ///
    /// Aborting it has an effect only before it starts; see [`BlockingExt::spawn_blocking`].
    ///
    /// # Panics
    ///
    /// The same as [`BlockingExt::spawn_blocking`].
    #[track_caller]
    pub fn spawn_blocking<B, F>(&mut self, key: K, pool: &B, f: F) -> &JoinHandle<T>
    where
        B: Blocking + ?Sized,
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.insert(key, pool.spawn_blocking(f))
    }

    /// Adds a task that has already been spawned, or blocking work. It replaces the task that had this key, if there
    /// is one.
    ///
    /// The task may have ended, but must not have been joined.
    ///
    /// # Panics
    ///
    /// Panics if the handle has already resolved.
    pub fn insert(&mut self, key: K, handle: JoinHandle<T>) -> &JoinHandle<T> {
        // Bound until it is in the map: the key's methods may panic.
        let bound = handle.abort_on_drop();
        let hash = self.hasher.hash_one(&key);
        let replaced = self.index.find(&self.tasks, hash, &key);
        let slot = self.tasks.insert(bound.into_handle(), None);
        if let Some(replaced) = replaced {
            if let Some(keyed) = self.tasks.get_mut(replaced).and_then(|task| task.mark.take()) {
                discard(self.index.remove(&mut self.tasks, replaced, keyed));
            }
            self.tasks.get(replaced).inspect(|task| task.handle.abort());
        }
        let keyed = self.index.insert(slot, hash, key);
        let task = self.tasks.get_mut(slot).expect("it was inserted above");
        task.mark = Some(keyed);
        &task.handle
    }

    /// Returns whether there is a task with this key whose result has not been returned.
    #[must_use]
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.get(key).is_some()
    }

    /// Returns the handle of the task with this key.
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Option<&JoinHandle<T>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let slot = self.index.find(&self.tasks, self.hasher.hash_one(key), key)?;
        Some(&self.tasks.get(slot)?.handle)
    }

    /// Requests that the task with this key stop at its next await, and returns at once. Returns false if there is
    /// no such task.
    ///
    /// The task stays in the map: [`join_next`](JoinMap::join_next) returns its result.
    ///
    /// # Errors
    ///
    /// Cannot fail.
    pub fn abort<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.get(key).inspect(|task| task.abort()).is_some()
    }

    /// Detaches the task with this key: it runs on, and its result is dropped. Returns false if there is no such
    /// task.
    pub fn detach<Q>(&mut self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let found = self.index.find(&self.tasks, self.hasher.hash_one(key), key);
        let Some((slot, removed)) = found.and_then(|slot| Some((slot, self.tasks.remove(slot)?)))
        else {
            return false;
        };
        let (mark, handle) = removed;
        if let Some(keyed) = mark {
            discard(self.index.remove(&mut self.tasks, slot, keyed));
        }
        handle.detach();
        true
    }
}

/// Spawns the futures with their keys.
///
/// To add tasks that have been spawned already, [`insert`](JoinMap::insert) their handles.
impl<K, T, S, F> Extend<(K, F)> for JoinMap<K, T, S>
where
    K: Hash + Eq,
    S: BuildHasher,
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    #[track_caller]
    fn extend<I: IntoIterator<Item = (K, F)>>(&mut self, futures: I) {
        for (key, future) in futures {
            self.spawn(key, future);
        }
    }
}

// The spawner may not be unwind safe. A panic in one of its methods, or in one of a key, does not leave the map in a
// broken state.
impl<K: UnwindSafe, T, S: UnwindSafe> UnwindSafe for JoinMap<K, T, S> {}
impl<K: RefUnwindSafe, T, S: RefUnwindSafe> RefUnwindSafe for JoinMap<K, T, S> {}

impl<K: fmt::Debug, T, S> fmt::Debug for JoinMap<K, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
