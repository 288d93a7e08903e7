//! Tasks on a spawner that this crate does not know: one box, and one cell for the result.

mod cell;

use std::borrow::Cow;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::ending::Ending;
use super::join::{Join, NativeJoin, Sharing, polled_again};
use super::{Abort, Finished, shared};
use crate::contain::PollCaught;
use crate::error::End;
use crate::ids::{IdSlot, TaskId};
use crate::meta::SpawnMeta;
use crate::seam::Spawner;
use cell::Cell;
pub(super) use cell::Link;

#[inline(never)]
pub(super) fn spawn<T, S, F, C>(
    spawner: &S,
    name: Option<&Cow<'static, str>>,
    location: &'static Location<'static>,
    id: Option<&IdSlot>,
    future: F,
    contain: impl FnOnce(F) -> C,
) -> Join<T>
where
    T: Send + 'static,
    S: Spawner + ?Sized,
    C: PollCaught + Send + 'static,
    C::Output: Ending<T>,
{
    let (join, link) = linked();
    let task = Box::pin(CellTask::new(contain(future), link));
    let meta = SpawnMeta::of(name, location).with_slot(join.slot(id));
    spawner.spawn_with(meta.containing(&*task), task);
    join.into()
}

/// A handle, and its task's side.
pub(super) fn linked<T: Send + 'static>() -> (BoxedJoin<T>, Link<T>) {
    let cell = Cell::new();
    (BoxedJoin(Some(cell.clone())), Link::new(cell))
}

/// A handle to a task with a cell. `None` once the end of the task has been returned.
///
/// Dropping it detaches the task.
pub(crate) struct BoxedJoin<T>(Option<Arc<Cell<T>>>);

impl<T> BoxedJoin<T> {
    /// Waits for the end of the task, and drops the reference to the cell with it.
    #[inline]
    pub(super) fn poll_cell(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        let Some(cell) = &mut self.0 else { polled_again() };
        let end = ready!(Cell::poll_join(cell, cx));
        self.0 = None;
        Poll::Ready(end)
    }

    /// The task's id, which the spawner may set.
    pub(super) fn id(&self) -> Option<TaskId> {
        self.0.as_ref()?.id.get()
    }

    /// The slot for the task's id. It has the id from the metadata of the spawn, if there is one.
    pub(super) fn slot(&self, id: Option<&IdSlot>) -> Option<&IdSlot> {
        let slot = &self.0.as_ref()?.id;
        if let Some(id) = id.and_then(IdSlot::get) {
            slot.set(id);
        }
        Some(slot)
    }
}

impl<T> Drop for BoxedJoin<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(cell) = self.0.take() {
            cell.detach();
        }
    }
}

impl<T> NativeJoin<T> for BoxedJoin<T> {
    #[inline]
    fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, End>> {
        self.poll_cell(cx)
    }

    fn check_finished(self, _: Sharing<T>) -> (Join<T>, Finished) {
        let finished = self.0.as_ref().is_none_or(|cell| cell.is_ended());
        (self.into(), Finished::Known(finished))
    }

    fn abort(self, _: Sharing<T>) -> (Join<T>, Option<Arc<dyn Abort>>) {
        let abort = self.0.as_ref().filter(|cell| !cell.is_ended()).map(Cell::to_abort);
        (self.into(), abort)
    }

    fn abort_detached(self) {
        if let Some(cell) = &self.0 {
            cell.abort();
        }
    }

    fn abort_handle(self, _: Sharing<T>) -> (Join<T>, Arc<dyn Abort>) {
        let abort = self.0.as_ref().map_or_else(shared::ended, Cell::watch);
        (self.into(), abort)
    }
}

pin_project! {
    /// A future that never unwinds, and its link to the cell for its result.
    pub(super) struct CellTask<C, T> {
        #[pin]
        future: C,
        // Declared after the future, which is thus dropped before the cell is told of the end.
        link: Link<T>,
    }
}

impl<C, T> CellTask<C, T> {
    #[inline]
    pub(super) fn new(future: C, link: Link<T>) -> CellTask<C, T> {
        CellTask { future, link }
    }
}

impl<C, T> Future for CellTask<C, T>
where
    C: PollCaught,
    C::Output: Ending<T>,
{
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if this.link.is_ended() {
            return Poll::Ready(());
        }
        if !this.link.is_aborted() {
            match this.future.as_mut().poll_caught(cx) {
                Poll::Ready(result) => {
                    return if this.link.finish(result) { Poll::Ready(()) } else { Poll::Pending };
                }
                Poll::Pending => {
                    if this.link.register(cx.waker()) {
                        return Poll::Pending;
                    }
                }
            }
        }
        this.future.clear_caught();
        this.link.end(Err(End::Cancelled));
        Poll::Ready(())
    }
}

#[cfg(all(test, model))]
mod models;
