//! The trait that is injected, and the typed methods on top of it.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;

use crate::backend::{self, Native};
use crate::handle::JoinHandle;
use crate::meta::SpawnMeta;

/// A future on the heap that may be sent to another thread.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something that runs futures: a runtime, as much of it as code that spawns needs to know.
///
/// Take an `Arc<dyn Spawner>` in a constructor, and call the methods of [`SpawnerExt`] on it.
/// Implement this trait, with its one required method, to put an executor of your own behind the
/// same contract; [`FnSpawner`] does it for a closure.
///
/// # What an implementation promises
///
/// `spawn` returns without running the future and without blocking, from any thread, inside or
/// outside a runtime. The future is then polled until it completes, or dropped when the executor
/// shuts down; in particular it is never leaked. A future that panics takes no other task with
/// it. The suite in the crate `async-runtime-compat-conformance` checks all of this.
///
/// # Examples
///
/// ```
/// use async_runtime_compat::{BoxFuture, Spawner};
///
/// /// A thread for each task.
/// struct Threads;
///
/// impl Spawner for Threads {
///     fn spawn(&self, future: BoxFuture<'static, ()>) {
///         std::thread::spawn(move || futures_lite::future::block_on(future));
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Spawner`",
    label = "cannot spawn tasks",
    note = "the built-in spawners stand behind cargo features of `async-runtime-compat`: `tokio`, `smol`, `async-std`, `async-executor`",
    note = "for an executor of your own, implement `Spawner` or wrap a closure in `FnSpawner`"
)]
pub trait Spawner: Send + Sync {
    /// Starts a task and detaches it.
    ///
    /// This is the object-safe core. Callers mostly want the typed methods of [`SpawnerExt`],
    /// which cost less on the built-in backends and give a handle.
    fn spawn(&self, future: BoxFuture<'static, ()>);

    /// Starts a task and detaches it, with its name and the location of the `spawn` call.
    ///
    /// The typed methods of [`SpawnerExt`] call this on every spawner that this crate does not know.
    /// The default forgets the metadata and calls [`spawn`](Spawner::spawn). Override it to use the
    /// name and the location, or, in a spawner around another one, to pass them on.
    fn spawn_with(&self, meta: SpawnMeta<'_>, future: BoxFuture<'static, ()>) {
        let _ = meta;
        self.spawn(future);
    }

    /// Which built-in backend this is, so that the typed methods can spawn on it without a box.
    ///
    /// Not for implementing: the default is right for every spawner outside of this crate.
    #[doc(hidden)]
    fn native(&self) -> Native<'_> {
        Native::opaque()
    }
}

/// The methods that code which spawns calls, on every [`Spawner`], trait objects included.
///
/// On the built-in backends they reach the backend's own `spawn` with the future as it is: no box
/// and no channel. On any other spawner they cost one box and one shared cell for the result.
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
    /// The name stands in the [`JoinError`](crate::JoinError) of a task that ends without an
    /// output, and is the task's native name on async-std. It costs an allocation or two.
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

    /// Like [`spawn_with_handle`](SpawnerExt::spawn_with_handle), with the metadata given.
    ///
    /// It is for code that spawns on behalf of somebody else: an adapter with typed methods of its own,
    /// or a supervisor that restarts a task, whose location is where the task was set up.
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

    /// Starts a task that nobody waits for.
    ///
    /// A panic in it is caught and harms no other task.
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

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<S: Spawner + ?Sized> Spawner for $pointer {
            #[inline]
            fn spawn(&self, future: BoxFuture<'static, ()>) {
                (**self).spawn(future);
            }

            #[inline]
            fn spawn_with(&self, meta: SpawnMeta<'_>, future: BoxFuture<'static, ()>) {
                (**self).spawn_with(meta, future);
            }

            #[inline]
            fn native(&self) -> Native<'_> {
                (**self).native()
            }
        }
    )*};
}

forward!(&S, &mut S, Box<S>, Arc<S>);

/// A closure as a [`Spawner`].
///
/// The closure gets each task as a boxed future and must see to it that it is polled to its end:
/// without running it inline and without blocking. Everything else of the contract (handles,
/// abort, panics) comes from this crate.
///
/// # Examples
///
/// A thread for each task:
///
/// ```
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::FnSpawner;
///
/// let spawner = FnSpawner::new(|task| {
///     std::thread::spawn(|| futures_lite::future::block_on(task));
/// });
///
/// let sum = spawner.spawn_with_handle(async { 1 + 2 });
/// assert_eq!(futures_lite::future::block_on(sum).unwrap(), 3);
/// ```
#[derive(Clone)]
pub struct FnSpawner<F>(F);

impl<F> FnSpawner<F>
where
    F: Fn(BoxFuture<'static, ()>) + Send + Sync,
{
    /// Makes a spawner of a closure.
    pub fn new(spawn: F) -> FnSpawner<F> {
        FnSpawner(spawn)
    }
}

impl<F> Spawner for FnSpawner<F>
where
    F: Fn(BoxFuture<'static, ()>) + Send + Sync,
{
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        (self.0)(future);
    }
}

impl<F> fmt::Debug for FnSpawner<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FnSpawner").finish_non_exhaustive()
    }
}
