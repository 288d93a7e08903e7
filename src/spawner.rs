//! The typed methods of spawners.

use std::borrow::Cow;
use std::future::Future;
use std::panic::Location;

use crate::backend;
use crate::handle::JoinHandle;
use crate::meta::SpawnMeta;
use crate::seam::Spawner;

/// Extension methods that spawn tasks, for every [`Spawner`], including trait objects.
///
/// On the built-in backends they call the backend's own `spawn` with the unboxed future, and need no
/// channel. On any other spawner they cost one box and one shared cell for the result.
pub trait SpawnerExt: Spawner {
    /// Starts a task and returns a handle to await, abort or detach it.
    ///
    /// Dropping the handle detaches the task. Spawning on a runtime that was shut down does not
    /// panic: the future is dropped and the join says
    /// [`is_shutdown`](crate::JoinError::is_shutdown).
    ///
    /// # Examples
    ///
    /// ```
    /// # use async_runtime_compat::FnSpawner;
    /// use async_runtime_compat::prelude::*;
    ///
    /// async fn sum(spawner: &dyn Spawner) -> Result<u32, JoinError> {
    ///     spawner.spawn_with_handle(async { 1 + 2 }).await
    /// }
    /// # let threads = FnSpawner::new(|f| { std::thread::spawn(|| futures_lite::future::block_on(f)); });
    /// # assert_eq!(futures_lite::future::block_on(sum(&threads)).unwrap(), 3);
    /// ```
    #[inline]
    #[track_caller]
    fn spawn_with_handle<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let location = Location::caller();
        JoinHandle::new(backend::spawn(self, SpawnMeta::of(None, location), future), location)
    }

    /// Like [`spawn_with_handle`](SpawnerExt::spawn_with_handle), for a task with a name.
    ///
    /// The name appears in the [`JoinError`](crate::JoinError) of a task that ends without an output, and is
    /// the task's native name on async-std. It costs one or two allocations.
    ///
    /// # Examples
    ///
    /// ```
    /// # use async_runtime_compat::FnSpawner;
    /// use async_runtime_compat::prelude::*;
    ///
    /// # let spawner = FnSpawner::new(|f| { std::thread::spawn(|| futures_lite::future::block_on(f)); });
    /// let task = spawner.spawn_named(format!("conn-{}", 7), async { panic!("bad frame") });
    /// # futures_lite::future::block_on(async {
    /// let error = task.await.map(|()| ()).unwrap_err();
    /// assert_eq!(error.task_name(), Some("conn-7"));
    /// assert!(error.to_string().ends_with("panicked: bad frame"));
    /// # });
    /// ```
    #[track_caller]
    fn spawn_named<F>(&self, name: impl Into<Cow<'static, str>>, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let location = Location::caller();
        let name = name.into();
        let join = backend::spawn(self, SpawnMeta::of(Some(&name), location), future);
        JoinHandle::new(join.or_named(name), location)
    }

    /// Like [`spawn_with_handle`](SpawnerExt::spawn_with_handle), with the given metadata.
    ///
    /// This is for code that spawns on behalf of other code: an adapter with typed methods of its own, or a
    /// supervisor that restarts a task and reports the location where the task was set up.
    ///
    /// # Examples
    ///
    /// ```
    /// # use async_runtime_compat::FnSpawner;
    /// use std::borrow::Cow;
    ///
    /// use async_runtime_compat::SpawnMeta;
    /// use async_runtime_compat::prelude::*;
    ///
    /// struct Worker<'a> {
    ///     spawner: &'a dyn Spawner,
    ///     name: Cow<'static, str>,
    ///     set_up: SpawnMeta<'static>,
    /// }
    ///
    /// impl Worker<'_> {
    ///     fn restart(&self) -> JoinHandle<()> {
    ///         self.spawner.spawn_meta(self.set_up.with_name(&self.name), async { /* work */ })
    ///     }
    /// }
    ///
    /// # let spawner = FnSpawner::new(|f| { std::thread::spawn(|| futures_lite::future::block_on(f)); });
    /// let worker = Worker { spawner: &spawner, name: "worker".into(), set_up: SpawnMeta::new() };
    /// assert_eq!(worker.restart().spawned_at(), worker.set_up.location());
    /// ```
    fn spawn_meta<F>(&self, meta: SpawnMeta<'_>, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let join = backend::spawn(self, meta, future);
        JoinHandle::new(join.or_meta(meta), meta.location())
    }

    /// Starts a task for each of the futures, and returns their handles in the same order.
    ///
    /// On an async-executor all tasks are spawned under one lock, as by `Executor::spawn_many`; on other spawners this
    /// is a loop over [`spawn_with_handle`](SpawnerExt::spawn_with_handle). In any case the iterator is exhausted before
    /// the first task is spawned, so it may itself spawn.
    ///
    /// # Examples
    ///
    /// ```
    /// # use async_runtime_compat::FnSpawner;
    /// use async_runtime_compat::prelude::*;
    ///
    /// # let spawner = FnSpawner::new(|f| { std::thread::spawn(|| futures_lite::future::block_on(f)); });
    /// # futures_lite::future::block_on(async {
    /// let squares = spawner.spawn_many((1..=3).map(|number| async move { number * number }));
    /// let mut sum = 0;
    /// for square in squares {
    ///     sum += square.await?;
    /// }
    /// assert_eq!(sum, 14);
    /// # Ok::<(), JoinError>(())
    /// # }).unwrap();
    /// ```
    #[track_caller]
    fn spawn_many<I>(&self, futures: I) -> Vec<JoinHandle<<I::Item as Future>::Output>>
    where
        I: IntoIterator,
        I::Item: Future + Send + 'static,
        <I::Item as Future>::Output: Send + 'static,
    {
        let location = Location::caller();
        let joins = backend::spawn_many(self, location, futures.into_iter().collect());
        joins.into_iter().map(|join| JoinHandle::new(join, location)).collect()
    }

    /// Starts a task without a handle.
    ///
    /// A panic in it is caught and does not affect other tasks.
    ///
    /// # Examples
    ///
    /// ```
    /// use async_runtime_compat::prelude::*;
    ///
    /// fn log_later(spawner: &dyn Spawner, line: String) {
    ///     spawner.spawn_detached(async move { println!("{line}") });
    /// }
    /// ```
    #[inline]
    #[track_caller]
    fn spawn_detached<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        backend::spawn_detached(self, SpawnMeta::new(), future);
    }
}

impl<S: Spawner + ?Sized> SpawnerExt for S {}
