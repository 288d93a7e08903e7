//! Yielding to the other tasks of an executor, on any executor.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Lets the other tasks of the executor run before this one goes on.
///
/// The future wakes itself and returns [`Poll::Pending`] once, so that the task goes to the back
/// of whatever queue its executor keeps. It needs no runtime and works with any of them.
///
/// Executors decide how fair that is: none promises that *every* other ready task runs first.
///
/// # Cancel safety
///
/// Dropping the future loses nothing.
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
