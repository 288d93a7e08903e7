//! Doing something once a group is empty, without a task that waits for it.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use crate::TaskGroup;
use crate::services::contain::{discard, lock};

/// Calls the function once the group is empty: now, or on the thread on which the last task ends.
///
/// This also works where nothing can be spawned any more. It does not keep the group alive, or from
/// being dropped, which aborts its tasks. The function must not panic.
pub(crate) fn when_empty(group: &TaskGroup, f: impl FnOnce() + Send + 'static) {
    Arc::new(Last(Mutex::new(Some((group.wait(), f))))).look();
}

/// A wait and what follows it. Only the waker that is left with the group owns it.
struct Last<W, F>(Mutex<Option<(W, F)>>);

impl<W, F> Last<W, F>
where
    W: Future<Output = ()> + Send + Unpin + 'static,
    F: FnOnce() + Send + 'static,
{
    fn look(self: Arc<Self>) {
        let waker = Waker::from(self.clone());
        let mut state = lock(&self.0);
        let Some((wait, _)) = &mut *state else { return };
        if Pin::new(wait).poll(&mut Context::from_waker(&waker)).is_pending() {
            return;
        }
        let then = state.take();
        // Neither the end of the wait nor the function may run under the lock: both reach wakers.
        drop(state);
        if let Some((wait, f)) = then {
            discard(wait);
            f();
        }
    }
}

impl<W, F> Wake for Last<W, F>
where
    W: Future<Output = ()> + Send + Unpin + 'static,
    F: FnOnce() + Send + 'static,
{
    fn wake(self: Arc<Self>) {
        self.look();
    }
}
