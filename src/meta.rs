//! The metadata of a spawn: name, id and location.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;

use crate::ids::{IdSlot, TaskId};

/// The name of a task, its id, and the location of its `spawn` call.
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
    /// The slot for the task's id, which its handle reads. `None` in metadata that was not made for a spawn.
    pub(crate) id: Option<&'a IdSlot>,
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
        SpawnMeta { name, location, id: None, contained: 0 }
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

    /// Returns the task's id, if it has one.
    ///
    /// It has if a decorator around this spawner is [`Identified`](crate::decorate::Identified), or has called
    /// [`identify`](SpawnMeta::identify).
    #[must_use]
    pub fn id(&self) -> Option<TaskId> {
        self.id.and_then(IdSlot::get)
    }

    /// Gives the task an id, unless it has one.
    ///
    /// A spawner that identifies its tasks calls this in [`spawn_with`](crate::Spawner::spawn_with), and the handle
    /// and the spawners inside it learn the id. It also polls and drops the future in the id's
    /// [`scope`](TaskId::scope), so that [`task::id`](crate::task::id) returns it. There is no effect on metadata
    /// that comes from [`new`](SpawnMeta::new) and not from a typed method.
    ///
    /// # Examples
    ///
    /// A spawner that identifies its tasks:
    ///
    /// ```
    /// # use async_runtime_compat::FnSpawner;
    /// use std::future::poll_fn;
    ///
    /// use async_runtime_compat::prelude::*;
    /// use async_runtime_compat::{BoxFuture, SpawnMeta, TaskId, task};
    ///
    /// struct Numbered<S>(S);
    ///
    /// impl<S: Spawner> Spawner for Numbered<S> {
    ///     #[track_caller]
    ///     fn spawn(&self, future: BoxFuture<'static, ()>) {
    ///         self.spawn_with(SpawnMeta::new(), future);
    ///     }
    ///
    ///     fn spawn_with(&self, meta: SpawnMeta<'_>, future: BoxFuture<'static, ()>) {
    ///         // It may have an id from a decorator around this one.
    ///         let id = meta.id().unwrap_or_else(TaskId::next);
    ///         meta.identify(id);
    ///         let mut future = Some(future);
    ///         let task = poll_fn(move |cx| {
    ///             id.scope(|| {
    ///                 let Some(running) = &mut future else { return std::task::Poll::Ready(()) };
    ///                 let poll = running.as_mut().poll(cx);
    ///                 if poll.is_ready() {
    ///                     future = None;
    ///                 }
    ///                 poll
    ///             })
    ///         });
    ///         self.0.spawn_with(meta, Box::pin(task));
    ///     }
    /// }
    ///
    /// # let threads = FnSpawner::new(|f| { std::thread::spawn(|| futures_lite::future::block_on(f)); });
    /// let task = Numbered(threads).spawn_with_handle(async { task::id() });
    /// let id = task.id();
    /// assert_eq!(futures_lite::future::block_on(task).ok(), id);
    /// ```
    pub fn identify(&self, id: TaskId) {
        if let Some(slot) = self.id {
            slot.set(id);
        }
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

    /// Sets the slot for the id.
    #[inline]
    pub(crate) fn with_slot<'b>(self, slot: Option<&'b IdSlot>) -> SpawnMeta<'b>
    where
        'a: 'b,
    {
        SpawnMeta { id: slot, ..self }
    }

    /// Sets the slot for the id, unless there is one.
    #[inline]
    pub(crate) fn or_slot<'b>(self, slot: &'b IdSlot) -> SpawnMeta<'b>
    where
        'a: 'b,
    {
        SpawnMeta { id: self.id.or(Some(slot)), ..self }
    }
}

fn address<F: ?Sized>(future: &F) -> usize {
    std::ptr::from_ref(future).addr()
}

/// `task 'conn-7' spawned at src/server.rs:12:9`, or, with an id, `task 12 'conn-7' spawned at …`
impl fmt::Display for SpawnMeta<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_task(f, self.id(), self.name(), self.location)
    }
}

/// The name and the id of a task, if it has either, for listings, handles and errors.
///
/// Boxed, so that it takes one word in tasks without.
#[derive(Clone, Default)]
pub(crate) struct Label(Option<Box<Parts>>);

/// The same where it need not be small.
#[derive(Clone)]
pub(crate) struct Parts {
    name: Option<Cow<'static, str>>,
    id: Option<TaskId>,
}

impl Parts {
    /// `None` if there is neither.
    pub(crate) fn new(name: Option<Cow<'static, str>>, id: Option<TaskId>) -> Option<Parts> {
        (name.is_some() || id.is_some()).then_some(Parts { name, id })
    }

    /// Sets the name, unless there is one.
    pub(crate) fn or_name(&mut self, name: Cow<'static, str>) {
        self.name.get_or_insert(name);
    }
}

impl Label {
    pub(crate) fn new(name: Option<Cow<'static, str>>, id: Option<TaskId>) -> Label {
        Label(Parts::new(name, id).map(Box::new))
    }

    pub(crate) fn of(parts: &Parts) -> Label {
        Label(Some(Box::new(parts.clone())))
    }

    pub(crate) fn into_parts(self) -> Option<Parts> {
        self.0.map(|parts| *parts)
    }

    /// Sets the id, unless there is one.
    pub(crate) fn or_id(mut self, id: Option<TaskId>) -> Label {
        match &mut self.0 {
            Some(parts) => parts.id = parts.id.or(id),
            None => self = Label::new(None, id),
        }
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.0.as_ref()?.name.as_deref()
    }

    pub(crate) fn into_name(self) -> Option<Cow<'static, str>> {
        self.0?.name
    }

    pub(crate) fn id(&self) -> Option<TaskId> {
        self.0.as_ref()?.id
    }
}

/// `task 12 'conn-7' spawned at src/server.rs:12:9`, with the parts that there are.
pub(crate) fn write_task(
    f: &mut fmt::Formatter<'_>,
    id: Option<TaskId>,
    name: Option<&str>,
    location: &Location<'_>,
) -> fmt::Result {
    f.write_str("task ")?;
    if let Some(id) = id {
        write!(f, "{id} ")?;
    }
    if let Some(name) = name {
        write!(f, "'{name}' ")?;
    }
    write!(f, "spawned at {location}")
}
