//! What the time limits go by.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_io::Timer;
use futures_lite::future;

type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A clock to sleep by. The default needs no runtime: async-io's has a thread of its own.
#[derive(Clone)]
pub(crate) struct Clock(Arc<dyn Fn(Duration) -> Sleep + Send + Sync>);

impl Clock {
    /// The clock of a runtime, by what makes a sleep of it.
    #[allow(dead_code, reason = "who has a spawner only leaves it at the default")]
    pub(crate) fn new<S>(sleep: impl Fn(Duration) -> S + Send + Sync + 'static) -> Clock
    where
        S: Future<Output = ()> + Send + 'static,
    {
        Clock(Arc::new(move |duration| Box::pin(sleep(duration))))
    }

    pub(super) async fn sleep(&self, duration: Duration) {
        (self.0)(duration).await;
    }

    /// Waits for the future, or gives `None` and drops it when the time is up.
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
