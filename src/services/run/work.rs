//! The task of a job or of an action.

use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use super::error::{BoxError, Cause};
use super::{Canceller, Grace, spawn_with_end, when_empty};
use crate::hook::TaskEnd;
use crate::services::contain::{Contained, Payload, discard, lock};
use crate::{Runtime, SpawnMeta, Spawner, TaskGroup};

/// A job or an action that is to be run.
pub(crate) struct Work {
    /// Everything that it spawns.
    pub(crate) group: TaskGroup,
    pub(crate) canceller: Canceller,
    /// Keeps the time of the grace period.
    pub(crate) runtime: Arc<dyn Runtime>,
    /// How long it may take to end once that is requested, and its tasks once it has ended.
    pub(crate) grace: Duration,
}

impl Work {
    /// Spawns a task that runs the future to its end, and then ends what it has spawned.
    ///
    /// The function is called with the result when nothing of it is left, even if the task is
    /// aborted, refused or dropped by its runtime. It must not panic.
    pub(crate) fn spawn<T: Send + 'static>(
        self,
        spawner: Arc<dyn Spawner>,
        meta: SpawnMeta<'_>,
        future: impl Future<Output = Result<T, BoxError>> + Send + 'static,
        finish: impl FnOnce(Result<T, Cause>) + Send + 'static,
    ) {
        let Work { group, canceller, runtime, grace } = self;
        // Set by the task, and taken when that has ended.
        let result = Arc::new(Mutex::new(None));
        let settle = {
            let (group, canceller, result) = (group.clone(), canceller.clone(), result.clone());
            move |end| {
                let result = lock(&result).take();
                let result = result.unwrap_or_else(|| {
                    let is_cancelled = end == TaskEnd::Aborted || canceller.is_cancelled();
                    Err(if is_cancelled { Cause::Cancelled(None) } else { Cause::Shutdown })
                });
                // Does nothing if the task got to its end: the group is empty then.
                group.close();
                group.cancel_token().cancel();
                group.abort_all();
                when_empty(&group, move || finish(result));
            }
        };
        let task = async move {
            let mut grace = Grace::new(&*runtime, grace);
            let finished = run_contained(future, &canceller, &mut grace).await;
            let finished = finished.result(canceller.is_cancelled());
            *lock(&result) = Some(finished);
            wind_down(&group, &mut grace).await;
        };
        spawn_with_end(spawner, meta, task, settle);
    }
}

/// How a future came to its end.
enum Finished<T> {
    Returned(T),
    Panicked(Payload),
    /// It was still pending at the end of the grace period.
    Stopped,
}

impl<T> Finished<Result<T, BoxError>> {
    /// The result. What ends after it was cancelled counts as cancelled, even if it returned `Ok`.
    fn result(self, cancelled: bool) -> Result<T, Cause> {
        match self {
            Finished::Returned(Ok(output)) if cancelled => {
                discard(output);
                Err(Cause::Cancelled(None))
            }
            Finished::Returned(Ok(output)) => Ok(output),
            Finished::Returned(Err(error)) if cancelled => Err(Cause::Cancelled(Some(error))),
            Finished::Returned(Err(error)) => Err(Cause::Failed(error)),
            Finished::Panicked(payload) => Err(Cause::panic(payload)),
            Finished::Stopped => Err(Cause::Cancelled(None)),
        }
    }
}

/// Runs a future to its end, or until the grace period after a request is over.
///
/// When this resolves, the future has been dropped. Neither the future nor its destructor unwinds out
/// of it. A future that completes in the poll in which the grace period ends has returned.
async fn run_contained<F: Future>(
    future: F,
    canceller: &Canceller,
    grace: &mut Grace<'_>,
) -> Finished<F::Output> {
    let mut future = Contained::new(future);
    let mut request = canceller.request.cancelled();
    let until_request = poll_fn(|cx| match future.poll(cx) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending => Pin::new(&mut request).poll(cx).map(|()| None),
    });
    let mut result = until_request.await;
    if result.is_none() {
        // It was polled in this very poll of the task: a second time would take it past the await at
        // which it was when the end was requested.
        let mut is_polled = true;
        let rest =
            poll_fn(|cx| if mem::take(&mut is_polled) { Poll::Pending } else { future.poll(cx) });
        result = grace.limit(rest).await;
    }
    match result {
        Some(Ok(output)) => Finished::Returned(output),
        Some(Err(payload)) => Finished::Panicked(payload),
        None => future.clear().map_or_else(Finished::Panicked, |()| Finished::Stopped),
    }
}

/// Ends a group: cancels its token, waits for the rest of the grace period, aborts the remaining tasks,
/// and waits until they are dropped.
async fn wind_down(group: &TaskGroup, grace: &mut Grace<'_>) {
    group.close();
    group.cancel_token().cancel();
    let _ = grace.limit(group.wait()).await;
    if !group.is_empty() {
        group.abort_all();
        group.wait().await;
    }
}
