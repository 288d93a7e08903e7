//! Futures of a group that other tasks poll.

use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::TaskGroup;
use crate::error::{End, JoinError};
use crate::layer::HookedTask;
use crate::meta::{Label, SpawnMeta};

impl TaskGroup {
    /// Makes a future a member of the group without spawning it: whoever polls it keeps doing so.
    ///
    /// It counts as a task of the group, from this call until it completes or is dropped: it is in the
    /// [listing](TaskGroup::tasks) and in the reports, [`wait`](TaskGroup::wait) waits for it, and
    /// [`abort_all`](TaskGroup::abort_all) stops it. If the group is nested, it belongs to the groups around it, too.
    /// Other decorators of the group's spawner, such as a limit, do not see it, since nothing is spawned.
    ///
    /// It is meant for a future that cannot be spawned through the group: one that borrows, one that is not `Send`, or
    /// one that is spawned elsewhere.
    ///
    /// The future is dropped when it is polled after the abort, and when it completes. A panic in it is not caught.
    /// A future that is neither polled nor dropped keeps the group from becoming empty.
    ///
    /// # Comparison to tokio-util's `TaskTracker::track_future`
    ///
    /// A tracker only counts the future, and its output is that of the future. Here it can be aborted, so the output is
    /// a `Result`, and a closed group refuses it.
    ///
    /// # Errors
    ///
    /// The output is a [`JoinError`] which says [`is_cancelled`](JoinError::is_cancelled) if the group aborted the
    /// future, or [`is_shutdown`](JoinError::is_shutdown) if the group was closed. In that case the future is dropped in
    /// this call.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use std::sync::Arc;
    ///
    /// use async_runtime_compat::{TaskGroup, smol::SmolSpawner};
    ///
    /// # futures_lite::future::block_on(async {
    /// let group = TaskGroup::new(Arc::new(SmolSpawner));
    /// let words = String::from("one two");
    /// let count = group.track_future(async { words.split(' ').count() });
    /// assert_eq!(group.len(), 1);
    /// assert_eq!(count.await?, 2);
    /// assert!(group.is_empty());
    /// # Ok::<(), async_runtime_compat::JoinError>(())
    /// # }).unwrap();
    /// # }
    /// ```
    #[track_caller]
    pub fn track_future<F: Future>(&self, future: F) -> Tracked<F> {
        let location = Location::caller();
        match self.owner.spawner.hooked.memberships(SpawnMeta::of(None, location)) {
            Ok(hooks) => Tracked { task: Some(hooks.task(future)), refused: false, location },
            Err(refused) => {
                refused.discard(future);
                Tracked { task: None, refused: true, location }
            }
        }
    }
}

pin_project! {
    /// A future that belongs to a group; returned by [`TaskGroup::track_future`].
    ///
    /// Dropping it drops the future, and removes it from the group.
    ///
    /// # Panics
    ///
    /// Panics if it is polled after it completed.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Tracked<F> {
        // `None` if the group refused it.
        #[pin]
        task: Option<HookedTask<F>>,
        // Whether the group refused it, and this was not returned yet.
        refused: bool,
        location: &'static Location<'static>,
    }
}

impl<F: Future> Future for Tracked<F> {
    type Output = Result<F::Output, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let end = match this.task.as_pin_mut() {
            Some(task) => match ready!(task.poll(cx)) {
                Some(output) => return Poll::Ready(Ok(output)),
                None => End::Cancelled,
            },
            None if mem::take(this.refused) => End::Shutdown,
            None => panic!("`Tracked` polled after it completed"),
        };
        Poll::Ready(Err(JoinError::new(end, Label::default(), this.location)))
    }
}

impl<F> fmt::Debug for Tracked<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracked").field("location", self.location).finish_non_exhaustive()
    }
}
