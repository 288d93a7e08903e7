//! A time limit that needs no runtime: async-io's reactor has a thread of its own.

use std::future::Future;
use std::time::Duration;

use async_io::Timer;
use futures_lite::future;

/// Waits for the future, or gives `None` and drops it when the time is up.
pub(super) async fn timeout<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    let expired = async {
        Timer::after(limit).await;
        None
    };
    future::or(async { Some(future.await) }, expired).await
}
