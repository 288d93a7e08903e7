//! The backends, and the one place that knows which of them are compiled in.

#[cfg(not(all(
    feature = "tokio",
    feature = "sim",
    any(feature = "smol", feature = "async-std", feature = "async-executor")
)))]
mod absent;
mod boxed;
mod boxed_job;
mod contain;
mod ending;
mod hooked;
mod shared;

#[cfg(any(feature = "smol", feature = "async-std", feature = "async-executor", feature = "sim"))]
mod abortable;
#[cfg(feature = "async-executor")]
pub mod async_executor;
#[cfg(any(feature = "smol", feature = "async-std", feature = "async-executor"))]
mod async_io;
#[cfg(feature = "async-std")]
pub mod async_std;
#[cfg(any(feature = "smol", feature = "async-std", feature = "async-executor", feature = "sim"))]
mod async_task;
#[cfg(any(feature = "smol", feature = "async-std", feature = "async-executor", feature = "sim"))]
mod contained_task;
#[cfg(feature = "smol")]
pub mod smol;
#[cfg(feature = "tokio")]
pub mod tokio;
#[cfg(any(feature = "smol", feature = "async-std", feature = "async-executor"))]
mod unblock;

use std::borrow::Cow;
use std::fmt;
use std::future::{Future, Ready, poll_fn};
use std::marker::PhantomData;
use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use crate::blocking::{Blocking, BoxJob};
use crate::decorate::Ticket;
use crate::error::End;
use crate::origin::{Name, Place};
use crate::runtime::Runtime;
#[cfg(feature = "sim")]
use crate::sim::SimRuntime;
use crate::spawner::Spawner;
use crate::time::{Sleep, Timer};

#[cfg(feature = "futures")]
pub(crate) use contain::Quiet;
pub(crate) use contain::{Contained, PollCaught, discard, wake};
#[cfg(feature = "sim")]
pub(crate) use contained_task::{Output, Unseen};
#[cfg(feature = "sim")]
pub(crate) use ending::{Ending, end_of};
use hooked::Terms;
pub(crate) use hooked::{Hooked, Naming, SpawnHook, TaskEnd, TaskHook, aborts_of, token_of};
pub(crate) use shared::{Abort, SharedJoin};

#[cfg(not(feature = "tokio"))]
pub(crate) use crate::time::Sleep as Limit;
#[cfg(any(feature = "smol", feature = "async-std", feature = "async-executor"))]
pub(crate) use async_io::Sleep as IoSleep;
#[cfg(feature = "tokio")]
pub(crate) use tokio::time::{Clock as TokioClock, Limit, Sleep as TokioSleep};

#[cfg(not(any(feature = "smol", feature = "async-std", feature = "async-executor")))]
pub(crate) type IoSleep = absent::Absent<'i'>;
#[cfg(feature = "sim")]
pub(crate) use crate::sim::SimSleep;
#[cfg(not(feature = "sim"))]
pub(crate) type SimSleep = absent::Absent<'s'>;
#[cfg(not(feature = "tokio"))]
pub(crate) type TokioSleep = absent::Absent<'t'>;
#[cfg(not(feature = "tokio"))]
pub(crate) type TokioClock = absent::Absent<'t'>;

/// A backend, as those see it who look for a runtime.
pub(crate) struct Known {
    /// Its cargo feature, which is what the environment calls it, too.
    pub(crate) name: &'static str,
    /// The runtime that this thread is in, if the backend can tell.
    pub(crate) entered: fn() -> Option<Arc<dyn Runtime>>,
    /// What to say if there is none; `None` if it cannot tell.
    pub(crate) missing: Option<&'static str>,
    /// The runtime that is always there.
    pub(crate) global: Option<fn() -> Arc<dyn Runtime>>,
}

impl Known {
    /// Whether the name is enough to find a runtime by.
    pub(crate) fn can_be_named(&self) -> bool {
        self.global.is_some() || self.missing.is_some()
    }
}

/// Those that are compiled in.
pub(crate) const KNOWN: &[Known] = &[
    #[cfg(feature = "tokio")]
    tokio::KNOWN,
    #[cfg(feature = "smol")]
    smol::KNOWN,
    #[cfg(feature = "async-std")]
    async_std::KNOWN,
    #[cfg(feature = "async-executor")]
    async_executor::KNOWN,
];

/// The features of all backends.
pub(crate) const FEATURES: [&str; 4] = ["tokio", "smol", "async-std", "async-executor"];

/// The simulated runtime of the code that runs now, if it is simulated.
pub(crate) fn simulated() -> Option<Arc<dyn Runtime>> {
    #[cfg(feature = "sim")]
    if let Some(runtime) = crate::sim::current() {
        return Some(Arc::new(runtime));
    }
    None
}

/// Says that something is used which takes real time. In a simulation that is a failure.
#[inline]
#[cfg_attr(not(feature = "sim"), expect(unused_variables, reason = "only simulations look"))]
pub(crate) fn takes_real_time(what: &str) {
    #[cfg(feature = "sim")]
    crate::sim::takes_real_time(what);
}

/// Whether the task that runs here may do more in this poll. On tokio each poll has a budget, and
/// what is asked when that is used up is not ready.
pub(crate) fn has_budget() -> bool {
    #[cfg(feature = "tokio")]
    return tokio::has_budget();
    #[cfg(not(feature = "tokio"))]
    true
}

/// Calls the function without such a budget.
pub(crate) fn unconstrained<T>(f: impl FnOnce() -> T) -> T {
    #[cfg(feature = "tokio")]
    return tokio::unconstrained(f);
    #[cfg(not(feature = "tokio"))]
    f()
}

/// Whether a task has ended.
pub(crate) enum Finished {
    Known(bool),
    /// Whom to ask, once the handle's lock is released.
    Ask(Arc<dyn Abort>),
}

/// A handle to a task: a backend's own, before anybody asked for more than it can do through
/// `&mut`, or a share in one on the heap.
///
/// Dropping it detaches the task.
trait NativeJoin<T>: Sized {
    /// Waits for the end of the task, as [`Future::poll`] does.
    ///
    /// # Panics
    ///
    /// If it resolved before: with "polled after" in the message.
    fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>>;

    /// Whether the task has ended, so that its join resolves without waiting.
    fn check_finished(self) -> (Join<T>, Finished);

    /// Requests that the task stop, in whatever form the handle must take for that. What it gives
    /// is to be aborted, once the handle's lock is released.
    fn abort(self) -> (Join<T>, Option<Arc<dyn Abort>>);

    /// Requests that the task stop, and detaches it.
    fn abort_detached(self);

    /// Makes it possible to abort the task from elsewhere.
    fn abort_handle(self) -> (Join<T>, Arc<dyn Abort>);

    /// Where the native handle is consumed by its cancellation: that, of a task that may not have
    /// ended. It requests that the task stop when it is first polled, or when it is dropped, and ends once
    /// the task's future is dropped.
    fn cancel(&mut self) -> Option<impl Future<Output = Result<T, End>> + use<Self, T>> {
        None::<Ready<_>>
    }
}

/// Stamps what has one arm for each backend.
macro_rules! backends {
    ($($(#[$gate:meta])* $variant:ident($join:ty),)*) => {
        /// A handle to a task on any backend.
        ///
        /// Dropping it detaches the task. Handles are kept by the thousand and their size is
        /// felt, so what few of them need is in a box.
        pub(crate) enum Join<T> {
            $($(#[$gate])* $variant($join),)*
            /// `None` once the end of the task has been handed out.
            Rare(Option<Box<Rare<T>>>),
        }

        impl<T> Join<T> {
            /// # Panics
            ///
            /// If the end of the task has been handed out.
            #[inline]
            pub(crate) fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
                match self {
                    $($(#[$gate])* Join::$variant(join) => join.poll_join(cx),)*
                    Join::Rare(rare) => Rare::poll_join(rare, cx),
                }
            }

            pub(crate) fn is_finished(&mut self) -> Finished {
                let (join, finished) = match self.take() {
                    $($(#[$gate])* Join::$variant(join) => join.check_finished(),)*
                    Join::Rare(mut rare) => {
                        let finished = rare.as_mut().map_or(Finished::Known(true), |rare| rare.is_finished());
                        (Join::Rare(rare), finished)
                    }
                };
                *self = join;
                finished
            }

            /// What it gives is to be aborted, once the handle's lock is released.
            #[must_use]
            pub(crate) fn abort(&mut self) -> Option<Arc<dyn Abort>> {
                let (join, abort) = match self.take() {
                    $($(#[$gate])* Join::$variant(join) => join.abort(),)*
                    Join::Rare(mut rare) => {
                        let abort = rare.as_mut().and_then(|rare| rare.abort());
                        (Join::Rare(rare), abort)
                    }
                };
                *self = join;
                abort
            }

            pub(crate) fn abort_detached(self) {
                match self {
                    $($(#[$gate])* Join::$variant(join) => NativeJoin::<T>::abort_detached(join),)*
                    Join::Rare(None) => {}
                    Join::Rare(Some(mut rare)) => {
                        if let Some(abort) = rare.abort() {
                            abort.abort();
                        }
                    }
                }
            }

            pub(crate) fn abort_handle(&mut self) -> Arc<dyn Abort> {
                let (join, abort) = match self.take() {
                    $($(#[$gate])* Join::$variant(join) => join.abort_handle(),)*
                    Join::Rare(mut rare) => {
                        let abort = rare.as_mut().map_or_else(shared::ended, |it| it.abort_handle());
                        (Join::Rare(rare), abort)
                    }
                };
                *self = join;
                abort
            }

            /// Requests that the task stop, and waits until its future is dropped.
            pub(crate) async fn cancel(&mut self) -> Result<T, End> {
                match self {
                    $($(#[$gate])* Join::$variant(join) => {
                        // Pinned where it is made: awaiting it would keep two places for it.
                        let mut cancel = pin!(join.cancel());
                        if cancel.is_some() {
                            let cancelled = |cx: &mut Context<'_>| match cancel.as_mut().as_pin_mut() {
                                Some(cancel) => cancel.poll(cx),
                                None => Poll::Pending,
                            };
                            return poll_fn(cancelled).await;
                        }
                    })*
                    Join::Rare(_) => {}
                }
                if let Some(abort) = self.abort() {
                    abort.abort();
                }
                poll_fn(|cx| self.poll_join(cx)).await
            }
        }
    };
}

backends! {
    Shared(SharedHandle<T>),
    #[cfg(feature = "tokio")]
    Tokio(tokio::Join<T>),
    #[cfg(feature = "tokio")]
    TokioNoted(tokio::Noted<T>),
    #[cfg(feature = "tokio")]
    TokioHooked(tokio::Join<Option<T>>),
    #[cfg(feature = "tokio")]
    TokioHookedNoted(tokio::Noted<Option<T>>),
    #[cfg(any(
        feature = "smol",
        feature = "async-std",
        feature = "async-executor",
        feature = "sim"
    ))]
    Task(async_task::Join<T>),
    #[cfg(feature = "async-std")]
    AsyncStd(async_std::Join<T>),
}

/// A handle that is more, or less, than a backend's own.
pub(crate) enum Rare<T> {
    /// To a task with a name.
    Named(Cow<'static, str>, Join<T>),
    /// To a task that was not spawned, because the runtime, or a group, had been shut down.
    Refused,
}

/// The [`JoinHandle`](crate::JoinHandle)'s share in a task on the heap: one of the boxed path, or
/// one that can be aborted from elsewhere. `None` once the end of the task has been handed out.
pub(crate) struct SharedHandle<T>(Option<Arc<dyn SharedJoin<T>>>);

impl<T> Drop for SharedHandle<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.detach();
        }
    }
}

impl<T> NativeJoin<T> for SharedHandle<T> {
    #[inline]
    fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        let Some(task) = &self.0 else { polled_again() };
        let end = ready!(task.poll_join(cx));
        self.0 = None;
        Poll::Ready(end)
    }

    fn check_finished(self) -> (Join<T>, Finished) {
        let finished = match &self.0 {
            Some(task) => Finished::Ask(task.clone()),
            None => Finished::Known(true),
        };
        (Join::Shared(self), finished)
    }

    fn abort(self) -> (Join<T>, Option<Arc<dyn Abort>>) {
        let abort = self.0.clone();
        (Join::Shared(self), abort.map(|task| task as Arc<dyn Abort>))
    }

    fn abort_detached(self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }

    fn abort_handle(self) -> (Join<T>, Arc<dyn Abort>) {
        let abort = match &self.0 {
            Some(task) => task.clone().watch(),
            None => shared::ended(),
        };
        (Join::Shared(self), abort)
    }
}

#[cold]
fn polled_again() -> ! {
    panic!("`JoinHandle` polled after it resolved: a task has one result, and it was taken")
}

impl<T> Rare<T> {
    fn poll_join(this: &mut Option<Box<Self>>, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        let end = match this.as_deref_mut() {
            // The name stays, for the report.
            Some(Rare::Named(_, join)) => return join.poll_join(cx),
            Some(Rare::Refused) => Err(End::Shutdown),
            None => polled_again(),
        };
        *this = None;
        Poll::Ready(end)
    }

    fn is_finished(&mut self) -> Finished {
        match self {
            Rare::Named(_, join) => join.is_finished(),
            Rare::Refused => Finished::Known(true),
        }
    }

    fn abort(&mut self) -> Option<Arc<dyn Abort>> {
        match self {
            Rare::Named(_, join) => join.abort(),
            Rare::Refused => None,
        }
    }

    fn abort_handle(&mut self) -> Arc<dyn Abort> {
        match self {
            Rare::Named(_, join) => join.abort_handle(),
            Rare::Refused => shared::ended(),
        }
    }
}

impl<T> Join<T> {
    const TAKEN: Join<T> = Join::Rare(None);

    fn rare(rare: Rare<T>) -> Join<T> {
        Join::Rare(Some(Box::new(rare)))
    }

    fn shared(join: Arc<dyn SharedJoin<T>>) -> Join<T> {
        Join::Shared(SharedHandle(Some(join)))
    }

    pub(crate) fn named(self, name: Cow<'static, str>) -> Join<T> {
        Join::rare(Rare::Named(name, self))
    }

    /// Gives it the name, unless a decorator has given it another.
    pub(crate) fn or_named(self, name: Cow<'static, str>) -> Join<T> {
        match &self {
            Join::Rare(Some(rare)) if matches!(**rare, Rare::Named(..)) => self,
            _ => self.named(name),
        }
    }

    /// Takes the name off the handle.
    pub(crate) fn take_name(&mut self) -> Name {
        let Join::Rare(rare) = self else { return None };
        match rare.take().map(|rare| *rare) {
            Some(Rare::Named(name, join)) => {
                *self = join;
                Some(Box::new(name))
            }
            nameless => {
                *rare = nameless.map(Box::new);
                None
            }
        }
    }

    /// Takes the handle, and leaves one whose end has been handed out.
    pub(crate) fn take(&mut self) -> Join<T> {
        mem::replace(self, Join::TAKEN)
    }

    pub(crate) fn name(&self) -> Name {
        let Join::Rare(Some(rare)) = self else { return None };
        let Rare::Named(name, _) = &**rare else { return None };
        Some(Box::new(name.clone()))
    }
}

/// Which backend a spawner is, as [`Spawner::native`] tells.
///
/// Nobody outside of this crate can make one that is not opaque, other than by forwarding to a
/// spawner of this crate.
#[derive(Clone, Copy)]
pub struct Native<'a>(Kind<'a>);

#[derive(Clone, Copy)]
enum Kind<'a> {
    Opaque(PhantomData<&'a ()>),
    #[cfg(feature = "tokio")]
    Tokio(&'a ::tokio::runtime::Handle),
    #[cfg(feature = "smol")]
    Smol,
    #[cfg(feature = "async-std")]
    AsyncStd,
    #[cfg(feature = "async-executor")]
    Executor(&'a async_executor::ExecutorSpawner),
    #[cfg(feature = "sim")]
    Sim(&'a SimRuntime),
    Hooked(&'a Hooked<dyn Spawner>),
}

impl<'a> Native<'a> {
    pub(crate) fn opaque() -> Self {
        Native(Kind::Opaque(PhantomData))
    }

    pub(crate) fn hooked(hooked: &'a Hooked<dyn Spawner>) -> Self {
        Native(Kind::Hooked(hooked))
    }

    #[cfg(feature = "sim")]
    pub(crate) fn sim(sim: &'a SimRuntime) -> Self {
        Native(Kind::Sim(sim))
    }
}

impl fmt::Debug for Native<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Native").finish_non_exhaustive()
    }
}

/// Where a task comes from.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "not every backend looks")]
pub(crate) struct Origin<'a> {
    pub(crate) name: Option<&'a Cow<'static, str>>,
    pub(crate) place: Place,
}

/// Spawns on the backend of that kind; the hooks are for the caller to see to.
///
/// A macro and not a function: in a build that is not optimised each call copies the future.
macro_rules! spawn_on {
    ($spawner:expr, $kind:expr, $origin:expr, $future:expr, $contain:expr, $hooked:pat => $with_hooks:expr) => {{
        // Not every backend looks at it.
        let _ = $origin;
        match $kind {
            Kind::Opaque(_) => boxed::spawn($spawner, $future),
            #[cfg(feature = "tokio")]
            Kind::Tokio(handle) => tokio::spawn(handle, $future),
            #[cfg(feature = "smol")]
            Kind::Smol => Join::Task(smol::spawn($future, $contain)),
            #[cfg(feature = "async-std")]
            Kind::AsyncStd => Join::AsyncStd(async_std::spawn($origin.name, $future, $contain)),
            #[cfg(feature = "async-executor")]
            Kind::Executor(executor) => match executor.spawn_task($future, $contain) {
                Some(task) => Join::Task(task),
                None => Join::rare(Rare::Refused),
            },
            #[cfg(feature = "sim")]
            Kind::Sim(sim) => spawn_sim(sim, $origin, $future),
            $hooked => $with_hooks,
        }
    }};
}

/// The same for a future whose end nobody waits for.
macro_rules! spawn_detached_on {
    ($spawner:expr, $kind:expr, $origin:expr, $future:expr, $contain:expr, $hooked:pat => $with_hooks:expr) => {{
        // Not every backend looks at it.
        let _ = $origin;
        match $kind {
            Kind::Opaque(_) => $spawner.spawn(Box::pin(contain::Quiet::new($future))),
            #[cfg(feature = "tokio")]
            Kind::Tokio(handle) => drop(tokio::spawn::<(), _>(handle, $future)),
            #[cfg(feature = "smol")]
            Kind::Smol => drop(smol::spawn::<(), _, _>($future, $contain)),
            #[cfg(feature = "async-std")]
            Kind::AsyncStd => drop(async_std::spawn::<(), _, _>($origin.name, $future, $contain)),
            #[cfg(feature = "async-executor")]
            Kind::Executor(executor) => drop(executor.spawn_task::<(), _, _>($future, $contain)),
            #[cfg(feature = "sim")]
            Kind::Sim(sim) => drop(spawn_sim::<(), _>(sim, $origin, $future)),
            $hooked => $with_hooks,
        }
    }};
}

#[cfg(feature = "sim")]
fn spawn_sim<T, F>(sim: &SimRuntime, origin: Origin<'_>, future: F) -> Join<T>
where
    T: Send + 'static,
    F: Future + Send + 'static,
    F::Output: Ending<T>,
{
    match sim.spawn_task(origin.name.cloned(), origin.place, future) {
        Some(task) => Join::Task(async_task::Join::new(task)),
        None => Join::rare(Rare::Refused),
    }
}

/// Spawns the future as it is where the backend is known, in a box where it is not.
#[inline]
pub(crate) fn spawn<S, F>(spawner: &S, origin: Origin<'_>, future: F) -> Join<F::Output>
where
    S: Spawner + ?Sized,
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    spawn_on!(spawner, spawner.native().0, origin, future, Contained::new, Kind::Hooked(hooked) => {
        spawn_with_hooks(hooked, origin, future)
    })
}

/// Spawns a future whose end nobody waits for.
#[inline]
pub(crate) fn spawn_detached<S, F>(spawner: &S, place: Place, future: F)
where
    S: Spawner + ?Sized,
    F: Future<Output = ()> + Send + 'static,
{
    let origin = Origin { name: None, place };
    spawn_detached_on!(spawner, spawner.native().0, origin, future, Contained::new, Kind::Hooked(hooked) => {
        spawn_hooked(hooked, place, future);
    });
}

/// The size from which a future is boxed before it gets its hooks: it would be copied from one
/// wrapper to the next otherwise, and in a build that is not optimised each copy is on the stack.
/// tokio boxes futures of this size, too.
const LARGE: usize = 16 * 1024;

#[inline]
fn spawn_with_hooks<F>(
    hooked: &Hooked<dyn Spawner>,
    origin: Origin<'_>,
    future: F,
) -> Join<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    spawn_on_terms(hooked, origin, Terms::default(), future)
}

/// Spawns a task that has a place with one of the decorators already.
pub(crate) fn spawn_reserved<F>(
    hooked: &Hooked<dyn Spawner>,
    origin: Origin<'_>,
    reserved: Ticket,
    future: F,
) -> Join<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    spawn_on_terms(hooked, origin, Terms { reserved: Some(reserved), ..Terms::default() }, future)
}

#[inline]
fn spawn_on_terms<F>(
    hooked: &Hooked<dyn Spawner>,
    origin: Origin<'_>,
    terms: Terms,
    future: F,
) -> Join<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    if size_of::<F>() > LARGE {
        return add_hooks_and_spawn(hooked, origin, terms, Box::pin(future));
    }
    add_hooks_and_spawn(hooked, origin, terms, future)
}

/// Adds the hooks to a future and spawns it on what they decorate.
#[inline]
fn add_hooks_and_spawn<F>(
    hooked: &Hooked<dyn Spawner>,
    origin: Origin<'_>,
    mut terms: Terms,
    future: F,
) -> Join<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let join = match hooked.hooks(origin, &mut terms) {
        Ok(hooks) => {
            let task = hooks.task(future);
            let base = hooked.base();
            let origin = Origin { name: terms.name.as_ref().or(origin.name), ..origin };
            // What is under the hooks has none itself. If it had, its own `spawn` would add them.
            spawn_on!(base, base.native().0, origin, task, std::convert::identity, Kind::Hooked(_) => {
                boxed::spawn(base, task)
            })
        }
        Err(refused) => {
            refused.discard(future);
            Join::rare(Rare::Refused)
        }
    };
    match terms.name {
        Some(name) => join.named(name),
        None => join,
    }
}

/// The same for a future whose end nobody waits for.
pub(crate) fn spawn_hooked<F>(hooked: &Hooked<dyn Spawner>, place: Place, future: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut terms = Terms::default();
    let task = match hooked.hooks(Origin { name: None, place }, &mut terms) {
        Ok(hooks) => hooks.task(future),
        Err(refused) => return refused.discard(future),
    };
    let base = hooked.base();
    let origin = Origin { name: terms.name.as_ref(), place };
    spawn_detached_on!(base, base.native().0, origin, task, std::convert::identity, Kind::Hooked(_) => {
        base.spawn(Box::pin(contain::Quiet::new(task)));
    });
}

/// Which built-in pool this is, as [`Blocking::native_blocking`] tells.
///
/// As with [`Native`], nobody outside of this crate can make one that is not opaque.
pub struct NativeBlocking<'a>(BlockingKind<'a>);

#[derive(Clone, Copy)]
enum BlockingKind<'a> {
    Opaque(PhantomData<&'a ()>),
    #[cfg(feature = "tokio")]
    Tokio(&'a ::tokio::runtime::Handle),
    /// That of the crate `blocking`.
    #[cfg(any(feature = "smol", feature = "async-std", feature = "async-executor"))]
    Unblock,
    /// Whatever it was, it is gone.
    #[cfg(feature = "async-executor")]
    Gone,
    #[cfg(feature = "sim")]
    Sim(&'a SimRuntime),
    Hooked(&'a Hooked<dyn Blocking>),
}

impl<'a> NativeBlocking<'a> {
    pub(crate) fn opaque() -> Self {
        NativeBlocking(BlockingKind::Opaque(PhantomData))
    }

    pub(crate) fn hooked(hooked: &'a Hooked<dyn Blocking>) -> Self {
        NativeBlocking(BlockingKind::Hooked(hooked))
    }

    #[cfg(feature = "sim")]
    pub(crate) fn sim(sim: &'a SimRuntime) -> Self {
        NativeBlocking(BlockingKind::Sim(sim))
    }
}

impl fmt::Debug for NativeBlocking<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeBlocking").finish_non_exhaustive()
    }
}

/// Runs on the pool of that kind; the hooks are for the caller to see to.
macro_rules! spawn_blocking_on {
    ($blocking:expr, $kind:expr, $origin:expr, $f:expr) => {{
        // Not every backend looks at it.
        let _ = $origin;
        match $kind {
            BlockingKind::Opaque(_) | BlockingKind::Hooked(_) => boxed_job::spawn($blocking, $f),
            #[cfg(feature = "tokio")]
            BlockingKind::Tokio(handle) => tokio::spawn_blocking(handle, $f),
            #[cfg(any(feature = "smol", feature = "async-std", feature = "async-executor"))]
            BlockingKind::Unblock => Join::Task(unblock::spawn($f)),
            #[cfg(feature = "async-executor")]
            BlockingKind::Gone => {
                discard($f);
                Join::rare(Rare::Refused)
            }
            #[cfg(feature = "sim")]
            BlockingKind::Sim(sim) => {
                let f = $f;
                spawn_sim(sim, $origin, async move { f() })
            }
        }
    }};
}

/// Hands the function as it is to a pool that is known, in a box to one that is not.
pub(crate) fn spawn_blocking<B, F, T>(blocking: &B, origin: Origin<'_>, f: F) -> Join<T>
where
    B: Blocking + ?Sized,
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let kind = blocking.native_blocking().0;
    let BlockingKind::Hooked(hooked) = kind else {
        return spawn_blocking_on!(blocking, kind, origin, f);
    };
    let mut terms = Terms::default();
    let join = match hooked.hooks(origin, &mut terms) {
        Ok(hooks) => {
            let base = hooked.base();
            let origin = Origin { name: terms.name.as_ref().or(origin.name), ..origin };
            spawn_blocking_on!(base, base.native_blocking().0, origin, hooks.job(f))
        }
        Err(refused) => {
            refused.discard(f);
            Join::rare(Rare::Refused)
        }
    };
    match terms.name {
        Some(name) => join.named(name),
        None => join,
    }
}

/// Adds the hooks to a function and hands it to what they decorate.
pub(crate) fn execute_hooked(hooked: &Hooked<dyn Blocking>, place: Place, job: BoxJob) {
    match hooked.hooks(Origin { name: None, place }, &mut Terms::default()) {
        Ok(hooks) => {
            let job = hooks.job(job);
            hooked.base().execute(Box::new(|| _ = job()));
        }
        Err(refused) => refused.discard(job),
    }
}

/// Sleeps until the deadline, on the backend's own timer where it is known.
pub(crate) fn sleep_until<T: Timer + ?Sized>(timer: &T, deadline: Instant) -> Sleep {
    match timer.native_timer().0 {
        Kind::Opaque(_) | Kind::Hooked(_) => {
            let mut sleep = timer.sleep(deadline.saturating_duration_since(timer.now()));
            // The time has gone on since `now`.
            sleep.reset(deadline);
            sleep
        }
        #[cfg(feature = "sim")]
        Kind::Sim(sim) => sim.sleep_until(deadline).into(),
        #[cfg(feature = "tokio")]
        Kind::Tokio(handle) => TokioSleep::make(handle, |_| tokio::time::at(deadline)).into(),
        #[cfg(any(feature = "smol", feature = "async-std", feature = "async-executor"))]
        _ => IoSleep::at(Some(deadline)).into(),
    }
}

/// A sleep that stays where it is, for a time limit: on tokio, tokio's own without a box.
#[inline]
pub(crate) fn limit<T: Timer + ?Sized>(timer: &T, duration: Duration) -> Limit {
    match timer.native_timer().0 {
        #[cfg(feature = "tokio")]
        Kind::Tokio(handle) => Limit::make(handle, |now| tokio::time::after(now, duration)),
        #[cfg_attr(not(feature = "tokio"), expect(clippy::useless_conversion))]
        _ => timer.sleep(duration).into(),
    }
}

/// Like [`limit`], until an instant.
#[inline]
pub(crate) fn limit_at<T: Timer + ?Sized>(timer: &T, deadline: Instant) -> Limit {
    match timer.native_timer().0 {
        #[cfg(feature = "tokio")]
        Kind::Tokio(handle) => Limit::make(handle, |_| tokio::time::at(deadline)),
        #[cfg_attr(not(feature = "tokio"), expect(clippy::useless_conversion))]
        _ => sleep_until(timer, deadline).into(),
    }
}

/// The clock of a timer whose sleeps cannot tell the time by themselves.
pub(crate) fn clock<T: Timer + ?Sized>(timer: &T) -> Option<TokioClock> {
    match timer.native_timer().0 {
        #[cfg(feature = "tokio")]
        Kind::Tokio(handle) => Some(TokioClock::new(handle)),
        _ => None,
    }
}
