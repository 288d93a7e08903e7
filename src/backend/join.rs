//! Handles to tasks on each backend.

use std::borrow::Cow;
use std::future::{Future, Ready, poll_fn};
use std::marker::PhantomData;
use std::mem;
use std::panic::Location;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

#[cfg(feature = "async-std")]
use super::async_std;
#[cfg(feature = "_async-task")]
use super::async_task;
use super::large::{LargeJoin, is_large};
#[cfg(feature = "_async-task")]
use super::shared_join::SharedHandle;
#[cfg(feature = "tokio")]
use super::tokio;
use super::{Abort, boxed, shared};
use crate::error::{End, JoinError};
use crate::ids::TaskId;
use crate::layer::{EndState, Terms};
use crate::meta::{Label, Parts, SpawnMeta};

/// Whether a task has ended.
pub(crate) enum Finished {
    Known(bool),
    /// To be queried after the handle's lock is released.
    #[cfg_attr(not(feature = "_async-task"), expect(dead_code, reason = "tokio and the cell know"))]
    Ask(Arc<dyn Abort>),
}

/// How to move a task's handle to the heap, from where `T` was known to be `Send + 'static`: a handle asks nothing of
/// its type parameter, so that it can stand in any struct.
///
/// It is beside the [`Join`], and not in the variants that need it, to keep each of those a single pointer.
pub(crate) struct Sharing<T> {
    #[cfg(feature = "_async-task")]
    pub(super) task: async_task::Share<T>,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Sharing<T> {
    fn clone(&self) -> Sharing<T> {
        *self
    }
}

impl<T> Copy for Sharing<T> {}

impl<T: Send + 'static> Sharing<T> {
    pub(crate) const NEW: Sharing<T> = Sharing {
        #[cfg(feature = "_async-task")]
        task: async_task::share,
        of: PhantomData,
    };
}

/// A handle to a task: a backend's own handle, as long as no operation needed more than it can do through `&mut`,
/// or a shared one on the heap.
///
/// Dropping it detaches the task.
pub(super) trait NativeJoin<T>: Sized {
    /// Waits for the end of the task, as [`Future::poll`] does. It is not called again after that.
    fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>>;

    /// Whether the task has ended, so that its join resolves without waiting.
    fn check_finished(self, sharing: Sharing<T>) -> (Join<T>, Finished);

    /// Requests that the task stop. The handle may change its form for that. The returned value, if any, must be
    /// aborted after the handle's lock is released.
    fn abort(self, sharing: Sharing<T>) -> (Join<T>, Option<Arc<dyn Abort>>);

    /// Requests that the task stop, and detaches it.
    fn abort_detached(self);

    /// Returns a handle that aborts the task from elsewhere.
    fn abort_handle(self, sharing: Sharing<T>) -> (Join<T>, Arc<dyn Abort>);

    /// The native cancellation of a task, if it consumes the handle; otherwise the handle. It requests that the
    /// task stop when it is first polled or dropped, and ends once the task's future is dropped.
    fn cancel(self) -> Result<impl Future<Output = Result<T, End>> + use<Self, T>, Self> {
        Err::<Ready<_>, _>(self)
    }
}

/// Generates the enums of handles, and the methods that dispatch on them.
macro_rules! backends {
    (
        inline { $($(#[$gate:meta])* $variant:ident($join:ty),)* }
        boxed { $($(#[$boxed_gate:meta])* $boxed:ident($boxed_join:ty),)* }
    ) => {
        /// A handle to a task whose end has not been returned.
        ///
        /// Programs keep thousands of handles, and each spawn and join moves some, so their size matters: each
        /// variant is a single pointer, and state that few of them need is in a box. A tag and a pointer are
        /// passed in registers.
        enum Live<T> {
            $($(#[$gate])* $variant($join),)*
            Rare(Box<Rare<T>>),
        }

        /// Handles that are more, or less, than a pointer to the task.
        pub(super) enum Rare<T> {
            $($(#[$boxed_gate])* $boxed($boxed_join),)*
            /// A handle to a task with a name or an id.
            Labelled(Parts, Join<T>),
            /// A handle to a task whose end a decorator observes, so that an abort must come before the end or
            /// have no effect.
            Observed(EndState, Join<T>),
            /// A handle to a task that was refused, because the runtime or a group was shut down.
            Refused,
        }

        $(
            $(#[$gate])*
            impl<T> From<$join> for Join<T> {
                #[inline]
                fn from(join: $join) -> Join<T> {
                    Join(Some(Live::$variant(join)))
                }
            }
        )*

        $(
            $(#[$boxed_gate])*
            impl<T> From<$boxed_join> for Join<T> {
                #[inline]
                fn from(join: $boxed_join) -> Join<T> {
                    Join::rare(Rare::$boxed(join))
                }
            }
        )*

        impl<T> Join<T> {
            /// # Panics
            ///
            /// Panics if the end of the task has been returned.
            pub(super) fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
                // A handle inside a labelled or observed one comes here, and not to `poll_result`.
                #[cfg(feature = "_async-task")]
                self.note_polled();
                let end = match &mut self.0 {
                    $($(#[$gate])* Some(Live::$variant(join)) => ready!(join.poll_join(cx)),)*
                    Some(Live::Rare(rare)) => match &mut **rare {
                        $($(#[$boxed_gate])* Rare::$boxed(join) => ready!(join.poll_join(cx)),)*
                        // The label stays, for the error.
                        Rare::Labelled(_, join) | Rare::Observed(_, join) => return join.poll_join(cx),
                        Rare::Refused => Err(End::Shutdown),
                    },
                    None => polled_again(),
                };
                self.0 = None;
                Poll::Ready(end)
            }

            pub(crate) fn is_finished(&mut self, sharing: Sharing<T>) -> Finished {
                let (join, finished) = match self.0.take() {
                    $($(#[$gate])* Some(Live::$variant(join)) => join.check_finished(sharing),)*
                    Some(Live::Rare(mut rare)) => match *rare {
                        $($(#[$boxed_gate])* Rare::$boxed(join) => join.check_finished(sharing),)*
                        Rare::Labelled(_, ref mut join) | Rare::Observed(_, ref mut join) => {
                            let finished = join.is_finished(sharing);
                            (Join(Some(Live::Rare(rare))), finished)
                        }
                        Rare::Refused => (Join(Some(Live::Rare(rare))), Finished::Known(true)),
                    },
                    None => (Join(None), Finished::Known(true)),
                };
                *self = join;
                finished
            }

            /// The returned value, if any, must be aborted after the handle's lock is released.
            #[must_use]
            pub(crate) fn abort(&mut self, sharing: Sharing<T>) -> Option<Arc<dyn Abort>> {
                let (join, abort) = match self.0.take() {
                    $($(#[$gate])* Some(Live::$variant(join)) => join.abort(sharing),)*
                    Some(Live::Rare(mut rare)) => match *rare {
                        $($(#[$boxed_gate])* Rare::$boxed(join) => join.abort(sharing),)*
                        Rare::Labelled(_, ref mut join) => {
                            let abort = join.abort(sharing);
                            (Join(Some(Live::Rare(rare))), abort)
                        }
                        Rare::Observed(ref end, ref mut join) => {
                            let abort = if end.abort() { join.abort(sharing) } else { None };
                            (Join(Some(Live::Rare(rare))), abort)
                        }
                        Rare::Refused => (Join(Some(Live::Rare(rare))), None),
                    },
                    None => (Join(None), None),
                };
                *self = join;
                abort
            }

            pub(crate) fn abort_detached(self) {
                match self.0 {
                    $($(#[$gate])* Some(Live::$variant(join)) => NativeJoin::<T>::abort_detached(join),)*
                    Some(Live::Rare(rare)) => match *rare {
                        $($(#[$boxed_gate])* Rare::$boxed(join) => NativeJoin::<T>::abort_detached(join),)*
                        Rare::Labelled(_, join) => join.abort_detached(),
                        Rare::Observed(end, join) => {
                            if end.abort() {
                                join.abort_detached();
                            }
                        }
                        Rare::Refused => {}
                    },
                    None => {}
                }
            }

            pub(crate) fn abort_handle(&mut self, sharing: Sharing<T>) -> Arc<dyn Abort> {
                let (join, abort) = match self.0.take() {
                    $($(#[$gate])* Some(Live::$variant(join)) => join.abort_handle(sharing),)*
                    Some(Live::Rare(mut rare)) => match *rare {
                        $($(#[$boxed_gate])* Rare::$boxed(join) => join.abort_handle(sharing),)*
                        Rare::Labelled(_, ref mut join) => {
                            let abort = join.abort_handle(sharing);
                            (Join(Some(Live::Rare(rare))), abort)
                        }
                        Rare::Observed(ref end, ref mut join) => {
                            let task = join.abort_handle(sharing);
                            let abort = Arc::new(ObservedAbort { end: end.clone(), task });
                            (Join(Some(Live::Rare(rare))), abort as Arc<dyn Abort>)
                        }
                        Rare::Refused => (Join(Some(Live::Rare(rare))), shared::ended()),
                    },
                    None => (Join(None), shared::ended()),
                };
                *self = join;
                abort
            }

            /// Requests that the task stop, and waits until its future is dropped.
            pub(crate) async fn cancel(
                &mut self,
                sharing: Sharing<T>,
                location: &'static Location<'static>,
            ) -> Result<T, JoinError> {
                // A large output has no native cancellation, and in an unoptimised build the frame of the function
                // has room for one output per backend.
                if !is_large::<T>() {
                    if let Some(result) = self.cancel_natively(location).await {
                        return result;
                    }
                }
                if let Some(abort) = self.abort(sharing) {
                    abort.abort();
                }
                poll_fn(|cx| self.poll_result(cx, location)).await
            }

            /// Cancels with what the backend has for that; `None` if it has nothing, or the task has ended.
            async fn cancel_natively(
                &mut self,
                location: &'static Location<'static>,
            ) -> Option<Result<T, JoinError>> {
                let label = self.take_label();
                macro_rules! cancel {
                    ($native:expr) => {
                        match $native.cancel() {
                            Ok(cancelled) => {
                                // Pinned in place: awaiting it would store it twice.
                                let mut cancelled = pin!(cancelled);
                                let end = poll_fn(|cx| cancelled.as_mut().poll(cx)).await;
                                return Some(end.map_err(|end| JoinError::new(end, label, location)));
                            }
                            Err(join) => *self = Join::from(join),
                        }
                    };
                }
                match self.0.take() {
                    $($(#[$gate])* Some(Live::$variant(join)) => cancel!(join),)*
                    Some(Live::Rare(rare)) => match *rare {
                        $($(#[$boxed_gate])* Rare::$boxed(join) => cancel!(join),)*
                        rare => *self = Join::rare(rare),
                    },
                    None => {}
                }
                *self = self.take().labelled(label.into_parts());
                None
            }
        }
    };
}

/// A handle to a task on any backend. `None` once the end of the task has been returned.
///
/// Dropping it detaches the task.
pub(crate) struct Join<T>(Option<Live<T>>);

backends! {
    inline {
        Boxed(boxed::BoxedJoin<T>),
        #[cfg(feature = "tokio")]
        Tokio(tokio::TokioJoin<T>),
        #[cfg(feature = "tokio")]
        TokioAborted(tokio::Aborted<T>),
        #[cfg(feature = "tokio")]
        TokioHooked(tokio::TokioJoin<Option<T>>),
        #[cfg(feature = "tokio")]
        TokioHookedAborted(tokio::Aborted<Option<T>>),
        #[cfg(feature = "_async-task")]
        Task(async_task::TaskJoin<T>),
        #[cfg(feature = "_async-task")]
        TaskPolled(async_task::Polled<T>),
        #[cfg(feature = "async-std")]
        AsyncStd(async_std::AsyncStdJoin<T>),
    }
    boxed {
        Large(LargeJoin<T>),
        #[cfg(feature = "_async-task")]
        Shared(SharedHandle<T>),
        #[cfg(feature = "tokio")]
        TokioWatched(tokio::Watched<T>),
        #[cfg(feature = "tokio")]
        TokioHookedWatched(tokio::Watched<Option<T>>),
    }
}

#[cold]
#[inline(never)]
pub(super) fn polled_again() -> ! {
    panic!("`JoinHandle` polled after it resolved: the result has already been taken")
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
    fn rare(rare: Rare<T>) -> Join<T> {
        Join(Some(Live::Rare(Box::new(rare))))
    }

    #[cold]
    pub(super) fn refused() -> Join<T> {
        Join::rare(Rare::Refused)
    }

    /// Waits for the end of the task, as [`Future::poll`] does.
    ///
    /// The common handles come first, with nothing between the native handle's poll and the result. The native
    /// handle is dropped with the task's end, so that the rest has no destructor to run.
    ///
    /// # Panics
    ///
    /// Panics if the end of the task has been returned.
    #[inline(always)]
    pub(crate) fn poll_result(
        &mut self,
        cx: &mut Context<'_>,
        location: &'static Location<'static>,
    ) -> Poll<Result<T, JoinError>> {
        if const { is_large::<T>() } {
            return self.poll_large(cx, location);
        }
        self.poll_native(cx, location)
    }

    // In an unoptimised build its stack frame has room for several outputs, which a large one does not need.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn poll_native(
        &mut self,
        cx: &mut Context<'_>,
        location: &'static Location<'static>,
    ) -> Poll<Result<T, JoinError>> {
        match &mut self.0 {
            #[cfg(feature = "tokio")]
            Some(Live::Tokio(task)) => match task.poll_native(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Ok(output)) => {
                    // Its native handle has been dropped.
                    mem::forget(self.0.take());
                    Poll::Ready(Ok(output))
                }
                Poll::Ready(Err(error)) => {
                    self.0 = None;
                    Poll::Ready(Err(tokio::failed(error, location)))
                }
            },
            #[cfg(feature = "_async-task")]
            Some(
                Live::Task(async_task::TaskJoin(task)) | Live::TaskPolled(async_task::Polled(task)),
            ) => match task.poll_native(cx) {
                Poll::Pending => {
                    self.note_polled();
                    Poll::Pending
                }
                Poll::Ready(Some(Ok(output))) => {
                    // Its native handle has been dropped.
                    mem::forget(self.0.take());
                    Poll::Ready(Ok(output))
                }
                Poll::Ready(end) => {
                    self.0 = None;
                    Poll::Ready(Err(async_task::failed(end, location)))
                }
            },
            _ => self.poll_other(cx, location),
        }
    }

    #[cfg(feature = "_async-task")]
    #[inline]
    fn note_polled(&mut self) {
        if !matches!(self.0, Some(Live::Task(_))) {
            return;
        }
        if let Some(Live::Task(async_task::TaskJoin(task))) = self.0.take() {
            self.0 = Some(Live::TaskPolled(async_task::Polled(task)));
        }
    }

    #[inline(never)]
    fn poll_other(
        &mut self,
        cx: &mut Context<'_>,
        location: &'static Location<'static>,
    ) -> Poll<Result<T, JoinError>> {
        if let Some(Live::Boxed(task)) = &mut self.0 {
            let id = task.id();
            let end = ready!(task.poll_cell(cx));
            // Its cell has been dropped.
            mem::forget(self.0.take());
            let label = Label::default();
            return Poll::Ready(end.map_err(|end| JoinError::new(end, label.or_id(id), location)));
        }
        // A label stays after the end; the state that a task shares with its handles does not.
        let id = self.shared_id();
        let end = ready!(self.poll_join(cx));
        Poll::Ready(end.map_err(|end| JoinError::new(end, self.label().or_id(id), location)))
    }

    /// Waits for the end of a task with a large output, which is moved only once.
    fn poll_large(
        &mut self,
        cx: &mut Context<'_>,
        location: &'static Location<'static>,
    ) -> Poll<Result<T, JoinError>> {
        let Some(large) = self.large() else { return self.poll_other(cx, location) };
        match ready!(large.poll_boxed(cx)) {
            Ok(output) => Poll::Ready(Ok(*output)),
            Err(end) => Poll::Ready(Err(JoinError::new(end, self.label(), location))),
        }
    }

    /// The handle with a boxed output, under the handle's name.
    #[cfg_attr(
        not(any(feature = "tokio", feature = "_async-task")),
        expect(
            clippy::match_wildcard_for_single_variants,
            reason = "with a backend there are more"
        )
    )]
    fn large(&mut self) -> Option<&mut LargeJoin<T>> {
        match &mut self.0 {
            Some(Live::Rare(rare)) => match &mut **rare {
                Rare::Large(large) => Some(large),
                Rare::Labelled(_, join) | Rare::Observed(_, join) => join.large(),
                _ => None,
            },
            _ => None,
        }
    }

    /// Applies the terms that the layers have left for the handle.
    #[inline]
    pub(super) fn on_terms(self, terms: Terms) -> Join<T> {
        let join = match terms.end {
            Some(end) => Join::rare(Rare::Observed(end, self)),
            None => self,
        };
        join.labelled(Parts::new(terms.name, terms.id.get()))
    }

    /// Puts a label on the handle, if there is one.
    pub(super) fn labelled(self, label: Option<Parts>) -> Join<T> {
        match label {
            Some(label) => Join::rare(Rare::Labelled(label, self)),
            None => self,
        }
    }

    /// Sets the name, unless a decorator has set another.
    pub(crate) fn or_named(mut self, name: Cow<'static, str>) -> Join<T> {
        if let Some(Live::Rare(rare)) = &mut self.0 {
            if let Rare::Labelled(label, _) = &mut **rare {
                label.or_name(name);
                return self;
            }
        }
        self.labelled(Parts::new(Some(name), None))
    }

    /// Sets the name from the metadata, if there is one, unless a decorator has set another.
    pub(crate) fn or_meta(self, meta: SpawnMeta<'_>) -> Join<T> {
        match meta.to_name() {
            Some(name) => self.or_named(name),
            None => self,
        }
    }

    /// Takes the label off the handle.
    pub(crate) fn take_label(&mut self) -> Label {
        let label = self.label();
        match self.0.take() {
            Some(Live::Rare(rare)) => match *rare {
                Rare::Labelled(_, join) => *self = join,
                other => *self = Join::rare(other),
            },
            other => self.0 = other,
        }
        label
    }

    /// Takes the handle, and leaves one whose end has been returned.
    pub(crate) fn take(&mut self) -> Join<T> {
        Join(self.0.take())
    }

    /// The name and the id of the task.
    pub(crate) fn label(&self) -> Label {
        let label = match &self.0 {
            Some(Live::Rare(rare)) => match &**rare {
                Rare::Labelled(label, _) => Label::of(label),
                _ => Label::default(),
            },
            _ => Label::default(),
        };
        label.or_id(self.shared_id())
    }

    /// The id in the state that the task shares with its handles.
    fn shared_id(&self) -> Option<TaskId> {
        match &self.0 {
            Some(Live::Boxed(join)) => join.id(),
            Some(Live::Rare(rare)) => match &**rare {
                Rare::Labelled(_, join) | Rare::Observed(_, join) => join.shared_id(),
                _ => None,
            },
            _ => None,
        }
    }
}
