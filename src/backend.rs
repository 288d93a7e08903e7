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

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::error::End;
use crate::origin::Origin;
use crate::spawner::Spawner;

pub(crate) use shared::{Abort, SharedJoin};

/// A backend's own handle to a task, before anybody asked for more than it can do through `&mut`.
///
/// Dropping it detaches the task.
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
        /// Dropping it detaches the task.
        pub(crate) enum Join<T> {
            /// On the heap: a task of the boxed path, or one with an abort handle.
            Shared(SharedHandle<T>),
            /// The runtime was shut down before the task could be spawned.
            Refused,
            /// The end of the task has been handed out.
            Taken,
            $($(#[$gate])* $variant($join),)*
        }

        impl<T> Join<T> {
            /// # Panics
            ///
            /// If the end of the task has been handed out.
            #[inline]
            pub(crate) fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
                let poll = match self {
                    Join::Shared(handle) => handle.0.poll_join(cx),
                    Join::Refused => Poll::Ready(Err(End::Shutdown)),
                    Join::Taken => panic!(
                        "`JoinHandle` polled after it resolved: a task has one result, and it was taken"
                    ),
                    $($(#[$gate])* Join::$variant(join) => join.poll_join(cx),)*
                };
                if poll.is_ready() {
                    *self = Join::Taken;
                }
                poll
            }

            pub(crate) fn is_finished(&mut self) -> bool {
                let (join, finished) = match mem::replace(self, Join::Taken) {
                    Join::Shared(handle) => {
                        let finished = handle.0.is_finished();
                        (Join::Shared(handle), finished)
                    }
                    join @ (Join::Refused | Join::Taken) => (join, true),
                    $($(#[$gate])* Join::$variant(join) => join.is_finished(),)*
                };
                *self = join;
                finished
            }

            pub(crate) fn abort(&mut self) {
                *self = match mem::replace(self, Join::Taken) {
                    Join::Shared(handle) => {
                        handle.0.abort();
                        Join::Shared(handle)
                    }
                    join @ (Join::Refused | Join::Taken) => join,
                    $($(#[$gate])* Join::$variant(join) => join.abort(),)*
                };
            }

            pub(crate) fn abort_detached(self) {
                match self {
                    Join::Shared(handle) => handle.0.abort(),
                    Join::Refused | Join::Taken => {}
                    $($(#[$gate])* Join::$variant(join) => join.abort_detached(),)*
                }
            }

            pub(crate) fn abort_handle(&mut self) -> Arc<dyn Abort> {
                let (join, abort) = match mem::replace(self, Join::Taken) {
                    Join::Shared(handle) => {
                        let abort: Arc<dyn Abort> = handle.0.clone();
                        (Join::Shared(handle), abort)
                    }
                    join @ (Join::Refused | Join::Taken) => (join, shared::ended()),
                    $($(#[$gate])* Join::$variant(join) => join.abort_handle(),)*
                };
                *self = join;
                abort
            }

            pub(crate) async fn cancel(mut self) -> Result<T, End> {
                match mem::replace(&mut self, Join::Taken) {
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

impl<T> Join<T> {
    fn shared(join: Arc<dyn SharedJoin<T>>) -> Join<T> {
        Join::Shared(SharedHandle(join))
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

/// Like [`spawn`]; the backend is told the name if it has a use for one.
pub(crate) fn spawn_named<S, F>(spawner: &S, origin: &Origin, future: F) -> Join<F::Output>
where
    S: Spawner + ?Sized,
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let _ = origin;
    match spawner.native().0 {
        #[cfg(feature = "async-std")]
        Kind::AsyncStd => Join::AsyncStd(async_std::spawn(origin.name(), future)),
        _ => spawn(spawner, future),
    }
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
