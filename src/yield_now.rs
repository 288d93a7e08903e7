//! Yielding to the other tasks of any executor.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Yields to the other tasks of the executor.
///
/// The future wakes itself and returns [`Poll::Pending`] once, so that the task goes to the back of
/// its executor's queue. It works on every executor.
///
/// The executor decides how fair that is: none guarantees that *every* other ready task runs first.
///
/// # Cancel safety
///
/// Cancel safe: dropping the future loses nothing.
///
/// # Examples
///
/// ```
/// # futures_lite::future::block_on(async {
/// for chunk in [1, 2, 3] {
///     // … a piece of computation …
///     # let _ = chunk;
///     async_runtime_compat::yield_now().await;
/// }
/// # });
/// ```
pub fn yield_now() -> YieldNow {
    YieldNow { yielded: false }
}

/// The future that [`yield_now`] returns.
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct YieldNow {
    yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
