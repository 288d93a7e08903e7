//! The backends, and the one place that knows which of them are compiled in.

mod boxed;
mod contain;
mod shared;

#[cfg(feature = "async-executor")]
pub mod async_executor;
#[cfg(feature = "async-std")]
pub mod async_std;
#[cfg(any(feature = "smol", feature = "async-executor"))]
mod async_task;
#[cfg(any(feature = "smol", feature = "async-std", feature = "async-executor"))]
mod abortable;
#[cfg(any(feature = "smol", feature = "async-std", feature = "async-executor"))]
mod contained_task;
#[cfg(feature = "smol")]
pub mod smol;
#[cfg(feature = "tokio")]
pub mod tokio;

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::error::End;
use crate::origin::Name;
use crate::spawner::Spawner;

pub(crate) use shared::{Abort, SharedJoin};

/// A backend's own handle to a task, before anybody asked for more than it can do through `&mut`.
///
/// Dropping it detaches the task.
#[cfg_attr(
    not(any(
        feature = "tokio",
        feature = "smol",
        feature = "async-std",
        feature = "async-executor"
    )),
    expect(dead_code, reason = "there is no backend")
)]
trait NativeJoin<T>: Sized {
    /// Waits for the end of the task, as [`Future::poll`] does.
    fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>>;

    /// Whether the task has ended: its join resolves without waiting.
    fn is_finished(self) -> (Join<T>, bool);

    /// Requests that the task stop, in whatever form the handle must take for that.
    fn abort(self) -> Join<T>;

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
            /// On the heap: a task of the boxed path, or one that can be aborted from elsewhere.
            Shared(Box<SharedHandle<T>>),
            /// With a name.
            Named(Box<NamedJoin<T>>),
            /// The runtime was shut down before the task could be spawned.
            #[cfg_attr(
                not(feature = "async-executor"),
                expect(dead_code, reason = "only an executor of the caller's can be gone")
            )]
            Refused,
            /// The end of the task has been handed out.
            Taken,
        }

        impl<T> Join<T> {
            /// # Panics
            ///
            /// If the end of the task has been handed out.
            #[inline]
            pub(crate) fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
                let end = match self {
                    $($(#[$gate])* Join::$variant(join) => ready!(join.poll_join(cx)),)*
                    // The name stays, for the report.
                    Join::Named(named) => return named.join.poll_join(cx),
                    _ => ready!(self.poll_rare(cx)),
                };
                *self = Join::Taken;
                Poll::Ready(end)
            }

            pub(crate) fn is_finished(&mut self) -> bool {
                let (join, finished) = match mem::replace(self, Join::Taken) {
                    $($(#[$gate])* Join::$variant(join) => join.is_finished(),)*
                    Join::Shared(handle) => {
                        let finished = handle.0.is_finished();
                        (Join::Shared(handle), finished)
                    }
                    Join::Named(mut named) => {
                        let finished = named.join.is_finished();
                        (Join::Named(named), finished)
                    }
                    join @ (Join::Refused | Join::Taken) => (join, true),
                };
                *self = join;
                finished
            }

            pub(crate) fn abort(&mut self) {
                *self = match mem::replace(self, Join::Taken) {
                    $($(#[$gate])* Join::$variant(join) => join.abort(),)*
                    Join::Shared(handle) => {
                        handle.0.abort();
                        Join::Shared(handle)
                    }
                    Join::Named(mut named) => {
                        named.join.abort();
                        Join::Named(named)
                    }
                    join @ (Join::Refused | Join::Taken) => join,
                };
            }

            pub(crate) fn abort_detached(self) {
                match self {
                    $($(#[$gate])* Join::$variant(join) => join.abort_detached(),)*
                    Join::Shared(handle) => handle.0.abort(),
                    Join::Named(named) => named.join.abort_detached(),
                    Join::Refused | Join::Taken => {}
                }
            }

            pub(crate) fn abort_handle(&mut self) -> Arc<dyn Abort> {
                let (join, abort) = match mem::replace(self, Join::Taken) {
                    $($(#[$gate])* Join::$variant(join) => join.abort_handle(),)*
                    Join::Shared(handle) => {
                        let abort: Arc<dyn Abort> = handle.0.clone();
                        (Join::Shared(handle), abort)
                    }
                    Join::Named(mut named) => {
                        let abort = named.join.abort_handle();
                        (Join::Named(named), abort)
                    }
                    join @ (Join::Refused | Join::Taken) => (join, shared::ended()),
                };
                *self = join;
                abort
            }

            pub(crate) async fn cancel(self) -> Result<T, End> {
                let mut join = match self {
                    Join::Named(named) => named.join,
                    join => join,
                };
                match mem::replace(&mut join, Join::Taken) {
                    $($(#[$gate])* Join::$variant(join) => join.cancel().await,)*
                    mut join => {
                        join.abort();
                        std::future::poll_fn(|cx| join.poll_join(cx)).await
                    }
                }
            }
        }
    };
}

backends! {
    #[cfg(feature = "tokio")]
    Tokio(tokio::Join<T>),
    #[cfg(any(feature = "smol", feature = "async-executor"))]
    Task(async_task::Join<T>),
    #[cfg(feature = "async-std")]
    AsyncStd(async_std::Join<T>),
}

/// The [`JoinHandle`](crate::JoinHandle)'s share in a task on the heap; dropping it detaches.
pub(crate) struct SharedHandle<T>(Arc<dyn SharedJoin<T>>);

impl<T> Drop for SharedHandle<T> {
    fn drop(&mut self) {
        self.0.clone().detach();
    }
}

pub(crate) struct NamedJoin<T> {
    name: Cow<'static, str>,
    join: Join<T>,
}

impl<T> Join<T> {
    fn shared(join: Arc<dyn SharedJoin<T>>) -> Join<T> {
        Join::Shared(Box::new(SharedHandle(join)))
    }

    #[cold]
    fn poll_rare(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        match self {
            Join::Shared(handle) => handle.0.poll_join(cx),
            Join::Refused => Poll::Ready(Err(End::Shutdown)),
            _ => panic!(
                "`JoinHandle` polled after it resolved: a task has one result, and it was taken"
            ),
        }
    }

    pub(crate) fn name(&self) -> Name {
        match self {
            Join::Named(named) => Some(Box::new(named.name.clone())),
            _ => None,
        }
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
}

impl Native<'_> {
    pub(crate) fn opaque() -> Self {
        Native(Kind::Opaque(PhantomData))
    }
}

impl fmt::Debug for Native<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Native").finish_non_exhaustive()
    }
}

/// Spawns the future as it is where the backend is known, in a box where it is not.
#[inline]
pub(crate) fn spawn<S, F>(spawner: &S, future: F) -> Join<F::Output>
where
    S: Spawner + ?Sized,
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match spawner.native().0 {
        Kind::Opaque(_) => boxed::spawn(spawner, future),
        #[cfg(feature = "tokio")]
        Kind::Tokio(handle) => Join::Tokio(tokio::spawn(handle, future)),
        #[cfg(feature = "smol")]
        Kind::Smol => Join::Task(smol::spawn(future)),
        #[cfg(feature = "async-std")]
        Kind::AsyncStd => Join::AsyncStd(async_std::spawn(None, future)),
        #[cfg(feature = "async-executor")]
        Kind::Executor(executor) => match executor.spawn_task(future) {
            Some(task) => Join::Task(task),
            None => Join::Refused,
        },
    }
}

/// Like [`spawn`], with a name; the backend is told if it has a use for one.
pub(crate) fn spawn_named<S, F>(spawner: &S, name: Cow<'static, str>, future: F) -> Join<F::Output>
where
    S: Spawner + ?Sized,
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let join = match spawner.native().0 {
        #[cfg(feature = "async-std")]
        Kind::AsyncStd => Join::AsyncStd(async_std::spawn(Some(&name), future)),
        _ => spawn(spawner, future),
    };
    Join::Named(Box::new(NamedJoin { name, join }))
}

/// Spawns a future whose end nobody waits for.
#[inline]
pub(crate) fn spawn_detached<S, F>(spawner: &S, future: F)
where
    S: Spawner + ?Sized,
    F: Future<Output = ()> + Send + 'static,
{
    match spawner.native().0 {
        Kind::Opaque(_) => spawner.spawn(Box::pin(contain::Quiet::new(future))),
        #[cfg(feature = "tokio")]
        Kind::Tokio(handle) => drop(tokio::spawn(handle, future)),
        #[cfg(feature = "smol")]
        Kind::Smol => drop(smol::spawn(future)),
        #[cfg(feature = "async-std")]
        Kind::AsyncStd => drop(async_std::spawn(None, future)),
        #[cfg(feature = "async-executor")]
        Kind::Executor(executor) => drop(executor.spawn_task(future)),
    }
}
