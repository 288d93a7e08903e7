//! Handles to tasks on each backend.

use std::borrow::Cow;
use std::future::{Future, Ready, poll_fn};
use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

#[cfg(feature = "async-std")]
use super::async_std;
#[cfg(feature = "_async-task")]
use super::async_task;
#[cfg(feature = "tokio")]
use super::tokio;
use super::{Abort, SharedJoin, shared};
use crate::error::End;
use crate::layer::{EndState, Terms};
use crate::meta::{Name, SpawnMeta};

/// Whether a task has ended.
pub(crate) enum Finished {
    Known(bool),
    /// To be queried after the handle's lock is released.
    Ask(Arc<dyn Abort>),
}

/// A handle to a task: a backend's own handle, as long as no operation needed more than it can do through `&mut`,
/// or a shared one on the heap.
///
/// Dropping it detaches the task.
pub(super) trait NativeJoin<T>: Sized {
    /// Waits for the end of the task, as [`Future::poll`] does.
    ///
    /// # Panics
    ///
    /// Panics if it has already resolved, with "polled after" in the message.
    fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>>;

    /// Whether the task has ended, so that its join resolves without waiting.
    fn check_finished(self) -> (Join<T>, Finished);

    /// Requests that the task stop. The handle may change its form for that. The returned value, if any, must be
    /// aborted after the handle's lock is released.
    fn abort(self) -> (Join<T>, Option<Arc<dyn Abort>>);

    /// Requests that the task stop, and detaches it.
    fn abort_detached(self);

    /// Returns a handle that aborts the task from elsewhere.
    fn abort_handle(self) -> (Join<T>, Arc<dyn Abort>);

    /// The native cancellation of a task that may not have ended, if it consumes the handle. It requests that the
    /// task stop when it is first polled or dropped, and ends once the task's future is dropped.
    fn cancel(&mut self) -> Option<impl Future<Output = Result<T, End>> + use<Self, T>> {
        None::<Ready<_>>
    }
}

/// Generates the enum of handles, and the methods that dispatch on it.
macro_rules! backends {
    ($($(#[$gate:meta])* $variant:ident($join:ty),)*) => {
        /// A handle to a task on any backend.
        ///
        /// Dropping it detaches the task. Programs keep thousands of handles, so their size matters: state
        /// that few of them need is in a box.
        pub(crate) enum Join<T> {
            $($(#[$gate])* $variant($join),)*
            /// `None` once the end of the task has been returned.
            Rare(Option<Box<Rare<T>>>),
        }

        impl<T> Join<T> {
            /// # Panics
            ///
            /// Panics if the end of the task has been returned.
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

            /// The returned value, if any, must be aborted after the handle's lock is released.
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
                        // Pinned in place: awaiting it would store it twice.
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
    Tokio(tokio::TokioJoin<T>),
    #[cfg(feature = "tokio")]
    TokioNoted(tokio::Noted<T>),
    #[cfg(feature = "tokio")]
    TokioHooked(tokio::TokioJoin<Option<T>>),
    #[cfg(feature = "tokio")]
    TokioHookedNoted(tokio::Noted<Option<T>>),
    #[cfg(feature = "_async-task")]
    Task(async_task::TaskJoin<T>),
    #[cfg(feature = "async-std")]
    AsyncStd(async_std::AsyncStdJoin<T>),
}

/// Handles that are more, or less, than a backend's own.
pub(crate) enum Rare<T> {
    /// A handle to a task with a name.
    Named(Cow<'static, str>, Join<T>),
    /// A handle to a task whose end a decorator observes, so that an abort must come before the end or have no
    /// effect.
    Observed(EndState, Join<T>),
    /// A handle to a task that was refused, because the runtime or a group was shut down.
    Refused,
}

/// The [`JoinHandle`](crate::JoinHandle)'s reference to a task on the heap: one of the boxed path, or one that can
/// be aborted from elsewhere. `None` once the end of the task has been returned.
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
pub(super) fn polled_again() -> ! {
    panic!("`JoinHandle` polled after it resolved: the result has already been taken")
}

impl<T> Rare<T> {
    fn poll_join(this: &mut Option<Box<Self>>, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        let end = match this.as_deref_mut() {
            // The name stays, for the error.
            Some(Rare::Named(_, join) | Rare::Observed(_, join)) => return join.poll_join(cx),
            Some(Rare::Refused) => Err(End::Shutdown),
            None => polled_again(),
        };
        *this = None;
        Poll::Ready(end)
    }

    fn is_finished(&mut self) -> Finished {
        match self {
            Rare::Named(_, join) | Rare::Observed(_, join) => join.is_finished(),
            Rare::Refused => Finished::Known(true),
        }
    }

    fn abort(&mut self) -> Option<Arc<dyn Abort>> {
        match self {
            Rare::Named(_, join) => join.abort(),
            Rare::Observed(end, join) if end.abort() => join.abort(),
            Rare::Observed(..) | Rare::Refused => None,
        }
    }

    fn abort_handle(&mut self) -> Arc<dyn Abort> {
        match self {
            Rare::Named(_, join) => join.abort_handle(),
            Rare::Observed(end, join) => {
                Arc::new(ObservedAbort { end: end.clone(), task: join.abort_handle() })
            }
            Rare::Refused => shared::ended(),
        }
    }
}

/// Aborts a task whose end a decorator observes.
struct ObservedAbort {
    end: EndState,
    task: Arc<dyn Abort>,
}

impl Abort for ObservedAbort {
    fn abort(&self) {
        if self.end.abort() {
            self.task.abort();
        }
    }

    fn is_finished(&self) -> bool {
        self.task.is_finished()
    }
}

impl<T> Join<T> {
    const TAKEN: Join<T> = Join::Rare(None);

    pub(super) fn rare(rare: Rare<T>) -> Join<T> {
        Join::Rare(Some(Box::new(rare)))
    }

    pub(super) fn shared(join: Arc<dyn SharedJoin<T>>) -> Join<T> {
        Join::Shared(SharedHandle(Some(join)))
    }

    /// Applies the terms that the layers have left for the handle.
    #[inline]
    pub(super) fn on_terms(self, terms: Terms) -> Join<T> {
        let join = match terms.end {
            Some(end) => Join::rare(Rare::Observed(end, self)),
            None => self,
        };
        match terms.name {
            Some(name) => join.named(name),
            None => join,
        }
    }

    pub(crate) fn named(self, name: Cow<'static, str>) -> Join<T> {
        Join::rare(Rare::Named(name, self))
    }

    /// Sets the name, unless a decorator has set another.
    pub(crate) fn or_named(self, name: Cow<'static, str>) -> Join<T> {
        match &self {
            Join::Rare(Some(rare)) if matches!(**rare, Rare::Named(..)) => self,
            _ => self.named(name),
        }
    }

    /// Sets the name from the metadata, if there is one, unless a decorator has set another.
    pub(crate) fn or_meta(self, meta: SpawnMeta<'_>) -> Join<T> {
        match meta.to_name() {
            Some(name) => self.or_named(name),
            None => self,
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

    /// Takes the handle, and leaves one whose end has been returned.
    pub(crate) fn take(&mut self) -> Join<T> {
        mem::replace(self, Join::TAKEN)
    }

    pub(crate) fn name(&self) -> Name {
        let Join::Rare(Some(rare)) = self else { return None };
        let Rare::Named(name, _) = &**rare else { return None };
        Some(Box::new(name.clone()))
    }
}
