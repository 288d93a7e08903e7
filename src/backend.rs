//! The backends, and the one place that knows which of them are compiled in.

#[cfg(not(all(
    feature = "tokio",
    any(feature = "smol", feature = "async-std", feature = "async-executor")
)))]
mod absent;
mod boxed;
mod boxed_job;
mod contain;
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
use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use crate::blocking::{Blocking, BoxJob};
use crate::error::End;
use crate::origin::{Name, Place};
use crate::runtime::Runtime;
#[cfg(feature = "sim")]
use crate::sim::SimRuntime;
use crate::spawner::Spawner;
use crate::time::{Sleep, Timer};

#[cfg(feature = "sim")]
pub(crate) use contain::Contained;
pub(crate) use contain::discard;
#[cfg(feature = "sim")]
pub(crate) use contained_task::{Output, Unseen};
pub(crate) use hooked::{Hooked, SpawnHook, TaskHook};
pub(crate) use shared::{Abort, SharedJoin};

#[cfg(not(feature = "tokio"))]
pub(crate) use crate::time::timeout::Limited as Timeout;
#[cfg(any(feature = "smol", feature = "async-std", feature = "async-executor"))]
pub(crate) use async_io::Sleep as IoSleep;
#[cfg(feature = "tokio")]
pub(crate) use tokio::time::{Clock as TokioClock, Sleep as TokioSleep, Timeout};

#[cfg(not(any(feature = "smol", feature = "async-std", feature = "async-executor")))]
pub(crate) type IoSleep = absent::Absent<'i'>;
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

    /// Requests that the task stop, and waits until its future is dropped.
    async fn cancel(self) -> Result<T, End>;
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
                    $($(#[$gate])* Join::$variant(join) => {
                        let end = ready!(join.poll_join(cx));
                        *self = Join::TAKEN;
                        Poll::Ready(end)
                    })*
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
                    $($(#[$gate])* Join::$variant(join) => join.abort_detached(),)*
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

            pub(crate) async fn cancel(self) -> Result<T, End> {
                let mut join = self.unnamed();
                match join.take() {
                    $($(#[$gate])* Join::$variant(join) => join.cancel().await,)*
                    // Refused, or taken, which panics.
                    mut join => std::future::poll_fn(|cx| join.poll_join(cx)).await,
                }
            }
        }
    };
}

backends! {
    Shared(SharedHandle<T>),
    #[cfg(feature = "tokio")]
    Tokio(tokio::Join<T>),
    #[cfg(any(feature = "smol", feature = "async-executor", feature = "sim"))]
    Task(async_task::Join<T>),
    #[cfg(feature = "async-std")]
    AsyncStd(async_std::Join<T>),
}

/// A handle that is more, or less, than a backend's own.
pub(crate) enum Rare<T> {
    /// To a task with a name.
    Named(Cow<'static, str>, Join<T>),
    /// To a task that was not spawned, because the runtime had been shut down.
    #[cfg_attr(
        not(any(feature = "async-executor", feature = "sim")),
        expect(dead_code, reason = "only an executor of the caller's can be gone")
    )]
    Refused,
}

/// The [`JoinHandle`](crate::JoinHandle)'s share in a task on the heap: one of the boxed path, or
/// one that can be aborted from elsewhere.
pub(crate) struct SharedHandle<T>(Arc<dyn SharedJoin<T>>);

impl<T> Drop for SharedHandle<T> {
    fn drop(&mut self) {
        self.0.clone().detach();
    }
}

impl<T> NativeJoin<T> for SharedHandle<T> {
    fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        self.0.poll_join(cx)
    }

    fn check_finished(self) -> (Join<T>, Finished) {
        let ask = self.0.clone();
        (Join::Shared(self), Finished::Ask(ask))
    }

    fn abort(self) -> (Join<T>, Option<Arc<dyn Abort>>) {
        let abort = self.0.clone();
        (Join::Shared(self), Some(abort))
    }

    fn abort_detached(self) {
        self.0.abort();
    }

    fn abort_handle(self) -> (Join<T>, Arc<dyn Abort>) {
        let abort = self.0.clone().watch();
        (Join::Shared(self), abort)
    }

    async fn cancel(mut self) -> Result<T, End> {
        self.0.abort();
        std::future::poll_fn(|cx| self.poll_join(cx)).await
    }
}

impl<T> Rare<T> {
    fn poll_join(this: &mut Option<Box<Self>>, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        let end = match this.as_deref_mut() {
            // The name stays, for the report.
            Some(Rare::Named(_, join)) => return join.poll_join(cx),
            Some(Rare::Refused) => Err(End::Shutdown),
            None => panic!(
                "`JoinHandle` polled after it resolved: a task has one result, and it was taken"
            ),
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
        Join::Shared(SharedHandle(join))
    }

    pub(crate) fn named(self, name: Cow<'static, str>) -> Join<T> {
        Join::rare(Rare::Named(name, self))
    }

    fn unnamed(self) -> Join<T> {
        let Join::Rare(Some(rare)) = self else { return self };
        match *rare {
            Rare::Named(_, join) => join,
            rare @ Rare::Refused => Join::rare(rare),
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

/// Spawns the future as it is where the backend is known, in a box where it is not.
#[inline]
pub(crate) fn spawn<S, F>(spawner: &S, place: Place, future: F) -> Join<F::Output>
where
    S: Spawner + ?Sized,
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let kind = spawner.native().0;
    if let Kind::Hooked(hooked) = kind {
        let (base, task) = hooked.task(future);
        return spawn_on(base, base.native().0, place, task);
    }
    spawn_on(spawner, kind, place, future)
}

#[inline]
#[cfg_attr(not(feature = "sim"), expect(unused_variables, reason = "only simulations look"))]
fn spawn_on<S, F>(spawner: &S, kind: Kind<'_>, place: Place, future: F) -> Join<F::Output>
where
    S: Spawner + ?Sized,
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match kind {
        // What is under the hooks has none itself. If it had, its own `spawn` would add them.
        Kind::Opaque(_) | Kind::Hooked(_) => boxed::spawn(spawner, future),
        #[cfg(feature = "tokio")]
        Kind::Tokio(handle) => Join::Tokio(tokio::spawn(handle, future)),
        #[cfg(feature = "smol")]
        Kind::Smol => Join::Task(smol::spawn(future)),
        #[cfg(feature = "async-std")]
        Kind::AsyncStd => Join::AsyncStd(async_std::spawn(None, future)),
        #[cfg(feature = "async-executor")]
        Kind::Executor(executor) => match executor.spawn_task(future) {
            Some(task) => Join::Task(task),
            None => Join::rare(Rare::Refused),
        },
        #[cfg(feature = "sim")]
        Kind::Sim(sim) => spawn_sim(sim, None, place, future),
    }
}

#[cfg(feature = "sim")]
fn spawn_sim<F>(
    sim: &SimRuntime,
    name: Option<Cow<'static, str>>,
    place: Place,
    future: F,
) -> Join<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match sim.spawn_task(name, place, future) {
        Some(task) => Join::Task(async_task::Join::new(task)),
        None => Join::rare(Rare::Refused),
    }
}

/// Like [`spawn`], with a name; the backend is told if it has a use for one.
pub(crate) fn spawn_named<S, F>(
    spawner: &S,
    name: Cow<'static, str>,
    place: Place,
    future: F,
) -> Join<F::Output>
where
    S: Spawner + ?Sized,
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let kind = spawner.native().0;
    let join = if let Kind::Hooked(hooked) = kind {
        let (base, task) = hooked.task(future);
        spawn_named_on(base, base.native().0, &name, place, task)
    } else {
        spawn_named_on(spawner, kind, &name, place, future)
    };
    join.named(name)
}

#[cfg_attr(
    not(any(feature = "async-std", feature = "sim")),
    expect(unused_variables, reason = "no enabled backend has names")
)]
#[allow(clippy::ptr_arg, reason = "a simulation clones it")]
fn spawn_named_on<S, F>(
    spawner: &S,
    kind: Kind<'_>,
    name: &Cow<'static, str>,
    place: Place,
    future: F,
) -> Join<F::Output>
where
    S: Spawner + ?Sized,
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match kind {
        #[cfg(feature = "async-std")]
        Kind::AsyncStd => Join::AsyncStd(async_std::spawn(Some(name), future)),
        #[cfg(feature = "sim")]
        Kind::Sim(sim) => spawn_sim(sim, Some(name.clone()), place, future),
        kind => spawn_on(spawner, kind, place, future),
    }
}

/// Spawns a future whose end nobody waits for.
#[inline]
pub(crate) fn spawn_detached<S, F>(spawner: &S, place: Place, future: F)
where
    S: Spawner + ?Sized,
    F: Future<Output = ()> + Send + 'static,
{
    let kind = spawner.native().0;
    if let Kind::Hooked(hooked) = kind {
        return spawn_hooked(hooked, place, future);
    }
    spawn_detached_on(spawner, kind, place, future);
}

/// Adds the hooks to a future and spawns it on what they decorate.
pub(crate) fn spawn_hooked<F>(hooked: &Hooked<dyn Spawner>, place: Place, future: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (base, task) = hooked.task(future);
    spawn_detached_on(base, base.native().0, place, task);
}

#[inline]
#[cfg_attr(not(feature = "sim"), expect(unused_variables, reason = "only simulations look"))]
fn spawn_detached_on<S, F>(spawner: &S, kind: Kind<'_>, place: Place, future: F)
where
    S: Spawner + ?Sized,
    F: Future<Output = ()> + Send + 'static,
{
    match kind {
        Kind::Opaque(_) | Kind::Hooked(_) => spawner.spawn(Box::pin(contain::Quiet::new(future))),
        #[cfg(feature = "tokio")]
        Kind::Tokio(handle) => drop(tokio::spawn(handle, future)),
        #[cfg(feature = "smol")]
        Kind::Smol => drop(smol::spawn(future)),
        #[cfg(feature = "async-std")]
        Kind::AsyncStd => drop(async_std::spawn(None, future)),
        #[cfg(feature = "async-executor")]
        Kind::Executor(executor) => drop(executor.spawn_task(future)),
        #[cfg(feature = "sim")]
        Kind::Sim(sim) => drop(spawn_sim(sim, None, place, future)),
    }
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

/// Hands the function as it is to a pool that is known, in a box to one that is not.
pub(crate) fn spawn_blocking<B, F, T>(blocking: &B, place: Place, f: F) -> Join<T>
where
    B: Blocking + ?Sized,
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let kind = blocking.native_blocking().0;
    if let BlockingKind::Hooked(hooked) = kind {
        let (base, job) = hooked.job(f);
        return spawn_blocking_on(base, base.native_blocking().0, place, job);
    }
    spawn_blocking_on(blocking, kind, place, f)
}

/// Adds the hooks to a function and hands it to what they decorate.
pub(crate) fn execute_hooked(hooked: &Hooked<dyn Blocking>, job: BoxJob) {
    let (base, job) = hooked.job(job);
    base.execute(Box::new(job));
}

#[cfg_attr(not(feature = "sim"), expect(unused_variables, reason = "only simulations look"))]
fn spawn_blocking_on<B, F, T>(blocking: &B, kind: BlockingKind<'_>, place: Place, f: F) -> Join<T>
where
    B: Blocking + ?Sized,
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    match kind {
        BlockingKind::Opaque(_) | BlockingKind::Hooked(_) => boxed_job::spawn(blocking, f),
        #[cfg(feature = "tokio")]
        BlockingKind::Tokio(handle) => Join::Tokio(tokio::spawn_blocking(handle, f)),
        #[cfg(any(feature = "smol", feature = "async-std", feature = "async-executor"))]
        BlockingKind::Unblock => Join::Task(unblock::spawn(f)),
        #[cfg(feature = "async-executor")]
        BlockingKind::Gone => {
            discard(f);
            Join::rare(Rare::Refused)
        }
        #[cfg(feature = "sim")]
        BlockingKind::Sim(sim) => spawn_sim(sim, None, place, async move { f() }),
    }
}

fn sleep_until_reset<T: Timer + ?Sized>(timer: &T, deadline: Instant) -> Sleep {
    let mut sleep = timer.sleep(deadline.saturating_duration_since(timer.now()));
    // The time has gone on since `now`.
    sleep.reset(deadline);
    sleep
}

/// Sleeps until the deadline, on the backend's own timer where it is known.
pub(crate) fn sleep_until<T: Timer + ?Sized>(timer: &T, deadline: Instant) -> Sleep {
    match timer.native_timer().0 {
        Kind::Opaque(_) | Kind::Hooked(_) => sleep_until_reset(timer, deadline),
        // A simulation's sleeps are made as those of any timer of the caller's.
        #[cfg(feature = "sim")]
        Kind::Sim(_) => sleep_until_reset(timer, deadline),
        #[cfg(feature = "tokio")]
        Kind::Tokio(handle) => TokioSleep::make(handle, |_| tokio::time::at(deadline)).into(),
        #[cfg(any(feature = "smol", feature = "async-std", feature = "async-executor"))]
        _ => IoSleep::at(Some(deadline)).into(),
    }
}

/// A time limit, which on tokio is tokio's own.
#[inline]
pub(crate) fn timeout<T, F>(timer: &T, duration: Duration, future: F) -> Timeout<F>
where
    T: Timer + ?Sized,
    F: Future,
{
    match timer.native_timer().0 {
        #[cfg(feature = "tokio")]
        Kind::Tokio(handle) => {
            Timeout::native(handle, future, |now| tokio::time::after(now, duration))
        }
        _ => Timeout::other(future, timer.sleep(duration)),
    }
}

/// Like [`timeout`], until an instant.
pub(crate) fn timeout_at<T, F>(timer: &T, deadline: Instant, future: F) -> Timeout<F>
where
    T: Timer + ?Sized,
    F: Future,
{
    match timer.native_timer().0 {
        #[cfg(feature = "tokio")]
        Kind::Tokio(handle) => Timeout::native(handle, future, |_| tokio::time::at(deadline)),
        _ => Timeout::other(future, sleep_until(timer, deadline)),
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
