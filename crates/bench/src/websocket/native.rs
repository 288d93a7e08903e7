//! The server with a runtime's own `spawn`.
//!
//! The build script removes the import of this crate from the server's source, and the rest is
//! compiled again for each runtime. The names `Spawner`, `AbortOnDrop` and `JoinError` then refer
//! to the items below: the runtime's own handle, and the code that a server has to write itself if
//! that handle does not cancel on drop, or not by reference.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use crate::backend;
use crate::way::CancelWay;

macro_rules! servers {
    ($($runtime:ident,)*) => {$(
        #[allow(dead_code, unreachable_pub, unused_imports, reason = "the examples use more of it")]
        pub(super) mod $runtime {
            use super::{JoinError, SpawnNamed as _};

            type Spawner = super::backend::$runtime::Native;
            type AbortOnDrop<T> = super::AbortOnDrop<Spawner, T>;

            include!(concat!(env!("OUT_DIR"), "/native_server.rs"));
        }
    )*};
}

servers! { async_executor, async_std, smol, tokio, }

/// Spawns as the server does. The runtimes have no use for the name, other than in logs.
trait SpawnNamed: CancelWay {
    fn spawn_named<F>(
        &self,
        _name: impl Into<Cow<'static, str>>,
        future: F,
    ) -> Spawned<Self, F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Spawned(self.spawn(future))
    }
}

impl<W: CancelWay> SpawnNamed for W {}

/// A task that the server has yet to bind.
struct Spawned<W: CancelWay, T: Send + 'static>(W::Handle<T>);

impl<W: CancelWay, T: Send + 'static> Spawned<W, T> {
    fn abort_on_drop(self) -> AbortOnDrop<W, T> {
        AbortOnDrop(Mutex::new(Task::Running(self.0)))
    }
}

/// The runtime's own handle, which stops the task when it is dropped.
///
/// A panic in the task is resumed in its joiner, if the runtime lets it through.
struct AbortOnDrop<W: CancelWay, T: Send + 'static>(Mutex<Task<W, T>>);

enum Task<W: CancelWay, T: Send + 'static> {
    Running(W::Handle<T>),
    Aborted(Pin<Box<dyn Future<Output = Option<T>> + Send>>),
    Ended,
}

impl<W: CancelWay, T: Send + 'static> AbortOnDrop<W, T> {
    fn abort(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).abort();
    }

    fn task(&mut self) -> &mut Task<W, T> {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: CancelWay, T: Send + 'static> Task<W, T> {
    fn abort(&mut self) {
        match std::mem::replace(self, Task::Ended) {
            Task::Running(handle) => {
                let mut end = Box::pin(W::cancel(handle));
                // The first poll requests the cancellation.
                *self = match end.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Pending => Task::Aborted(end),
                    Poll::Ready(end) => Task::Aborted(Box::pin(std::future::ready(end))),
                };
            }
            task => *self = task,
        }
    }
}

impl<W: CancelWay, T: Send + 'static> Future for AbortOnDrop<W, T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let task = self.task();
        let end = match task {
            Task::Running(handle) => Ok(W::output(ready!(Pin::new(handle).poll(cx)))),
            Task::Aborted(end) => ready!(end.as_mut().poll(cx)).ok_or(JoinError),
            Task::Ended => panic!("a task has one end"),
        };
        *task = Task::Ended;
        Poll::Ready(end)
    }
}

impl<W: CancelWay, T: Send + 'static> Drop for AbortOnDrop<W, T> {
    fn drop(&mut self) {
        self.task().abort();
    }
}

/// Why there is no output: the task was aborted.
#[derive(Debug)]
pub(super) struct JoinError;

impl JoinError {
    #[expect(clippy::unused_self, reason = "this crate's error has to look")]
    fn is_panic(&self) -> bool {
        false
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a task was aborted")
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use async_io::Timer;
    use futures_channel::oneshot;
    use futures_lite::FutureExt as _;

    use super::{CancelWay, SpawnNamed as _};
    use crate::backend::Backend;
    use crate::backend::async_executor::AsyncExecutor;
    use crate::backend::async_std::AsyncStd;
    use crate::backend::smol::Smol;
    use crate::backend::tokio::Tokio;

    /// A test that hangs has failed.
    const LIMIT: Duration = Duration::from_secs(60);

    fn ends_are_told<B: Backend<Native: CancelWay>>(backend: &B) {
        let native = backend.native();
        backend.run(async move {
            let task = native.spawn_named("completes", async { 7 }).abort_on_drop();
            assert!(matches!(task.await, Ok(7)));

            let task = native.spawn_named("aborted", pending::<()>()).abort_on_drop();
            task.abort();
            task.abort();
            assert!(task.await.is_err());

            let (alive, dropped) = oneshot::channel::<()>();
            let task = native.spawn_named("dropped", async {
                pending::<()>().await;
                drop(alive);
            });
            drop(task.abort_on_drop());
            let outlived = async {
                Timer::after(LIMIT).await;
                panic!("the task outlives its handle");
            };
            assert!(dropped.or(outlived).await.is_err());
        });
    }

    #[test]
    fn native_handles_tell_the_end_of_their_tasks() {
        ends_are_told(&Tokio::multi_thread(2));
        ends_are_told(&Tokio::current_thread());
        ends_are_told(&Smol);
        ends_are_told(&AsyncStd);
        ends_are_told(&AsyncExecutor::default());
    }
}
