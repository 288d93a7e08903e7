//! The metadata of a spawn: name and location.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;

/// The name of a task and the location of its `spawn` call.
///
/// The typed methods of [`SpawnerExt`](crate::SpawnerExt) and [`BlockingExt`](crate::BlockingExt) create it for
/// each call, and pass it to [`Spawner::spawn_with`](crate::Spawner::spawn_with) and
/// [`Blocking::execute_with`](crate::Blocking::execute_with). A spawner that wraps another one should pass it
/// on, so that names and locations reach the runtime underneath.
///
/// # Examples
///
/// A spawner that logs each task:
///
/// ```
/// use async_runtime_compat::prelude::*;
/// use async_runtime_compat::{BoxFuture, SpawnMeta};
///
/// struct Logged<S>(S);
///
/// impl<S: Spawner> Spawner for Logged<S> {
///     #[track_caller]
///     fn spawn(&self, future: BoxFuture<'static, ()>) {
///         self.spawn_with(SpawnMeta::new(), future);
///     }
///
///     fn spawn_with(&self, meta: SpawnMeta<'_>, future: BoxFuture<'static, ()>) {
///         println!("{meta}");
///         self.0.spawn_with(meta, future);
///     }
/// }
/// # let threads = async_runtime_compat::FnSpawner::new(|task| {
/// #     std::thread::spawn(|| futures_lite::future::block_on(task));
/// # });
/// # let task = Logged(threads).spawn_named("conn-7", async { 1 + 2 });
/// # assert_eq!(futures_lite::future::block_on(task).unwrap(), 3);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SpawnMeta<'a> {
    pub(crate) name: Option<&'a Cow<'static, str>>,
    pub(crate) location: &'static Location<'static>,
    /// The address of the contained future, or 0 if there is none.
    contained: usize,
}

impl<'a> SpawnMeta<'a> {
    /// Creates metadata without a name, at the caller's location.
    #[must_use]
    #[track_caller]
    #[expect(clippy::new_without_default, reason = "a default would lose the caller's location")]
    pub fn new() -> SpawnMeta<'a> {
        SpawnMeta::of(None, Location::caller())
    }

    #[inline]
    pub(crate) fn of(
        name: Option<&'a Cow<'static, str>>,
        location: &'static Location<'static>,
    ) -> SpawnMeta<'a> {
        SpawnMeta { name, location, contained: 0 }
    }

    /// Sets the name.
    #[must_use]
    #[expect(clippy::ptr_arg, reason = "a static name is kept as it is")]
    pub fn with_name<'b>(self, name: &'b Cow<'static, str>) -> SpawnMeta<'b>
    where
        'a: 'b,
    {
        SpawnMeta { name: Some(name), ..self }
    }

    /// Sets the location.
    #[must_use]
    pub fn at(self, location: &'static Location<'static>) -> SpawnMeta<'a> {
        SpawnMeta { location, ..self }
    }

    /// Returns the task's name, if it has one.
    #[must_use]
    pub fn name(&self) -> Option<&'a str> {
        self.name.map(|name| &**name)
    }

    /// Returns the task's name as an owned value. A `&'static str` is not copied.
    #[must_use]
    pub fn to_name(&self) -> Option<Cow<'static, str>> {
        self.name.cloned()
    }

    /// Returns the location of the `spawn` call.
    ///
    /// For a future that was spawned in a box, with [`Spawner::spawn`](crate::Spawner::spawn) on a trait
    /// object, this is a location in this crate, since the caller's location is not passed through a vtable.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }

    /// Returns whether the future or job is contained: this crate has wrapped it, so that it does not unwind
    /// when it is polled, called or dropped.
    ///
    /// An executor does not have to catch panics of such a future. All futures and jobs of the typed methods are
    /// contained; code outside this crate cannot claim it. Pass the future that came with the metadata, as
    /// `meta.is_contained(&*future)`. It is recognised by its address, so that a decorator which wraps it in
    /// another future does not pass the claim on by mistake. Metadata belongs to the future that it came with: a
    /// decorator that drops that future and spawns another one makes new metadata, since the other one may get
    /// the same address.
    #[must_use]
    #[inline]
    pub fn is_contained<F: ?Sized>(&self, future: &F) -> bool {
        self.contained != 0 && self.contained == address(future)
    }

    #[inline]
    pub(crate) fn containing<F: ?Sized>(self, future: &F) -> SpawnMeta<'a> {
        SpawnMeta { contained: address(future), ..self }
    }

    /// Sets the name, if there is a new one.
    #[inline]
    pub(crate) fn renamed<'b>(self, name: Option<&'b Cow<'static, str>>) -> SpawnMeta<'b>
    where
        'a: 'b,
    {
        SpawnMeta { name: name.or(self.name), ..self }
    }
}

fn address<F: ?Sized>(future: &F) -> usize {
    std::ptr::from_ref(future).addr()
}

/// `task 'conn-7' spawned at src/server.rs:12:9`
impl fmt::Display for SpawnMeta<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_task(f, self.name(), self.location)
    }
}

/// The name of a task, if it has one.
///
/// Boxed, so that it takes one word in tasks without a name.
pub(crate) type Name = Option<Box<Cow<'static, str>>>;

/// `task 'conn-7' spawned at src/server.rs:12:9`
pub(crate) fn write_task(
    f: &mut fmt::Formatter<'_>,
    name: Option<&str>,
    location: &Location<'_>,
) -> fmt::Result {
    match name {
        Some(name) => write!(f, "task '{name}' spawned at {location}"),
        None => write!(f, "task spawned at {location}"),
    }
}
