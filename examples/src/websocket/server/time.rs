//! The clock for time limits.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_io::Timer;
use futures_lite::future;

type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A clock to sleep by. The default is async-io's, which has its own thread and needs no runtime.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn(Duration) -> Sleep + Send + Sync>);

impl Clock {
    /// A clock that sleeps by calling `sleep`.
    pub fn new<S>(sleep: impl Fn(Duration) -> S + Send + Sync + 'static) -> Clock
    where
        S: Future<Output = ()> + Send + 'static,
    {
        Clock(Arc::new(move |duration| Box::pin(sleep(duration))))
    }

    pub(super) async fn sleep(&self, duration: Duration) {
        (self.0)(duration).await;
    }

    /// Awaits the future. Once the limit has elapsed, drops the future and returns `None`.
    pub(super) async fn timeout<T>(
        &self,
        limit: Duration,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        let expired = async {
            self.sleep(limit).await;
            None
        };
        future::or(async { Some(future.await) }, expired).await
    }
}

impl Default for Clock {
    fn default() -> Clock {
        Clock(Arc::new(|duration| {
            Box::pin(async move {
                Timer::after(duration).await;
            })
        }))
    }
}
