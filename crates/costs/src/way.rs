//! Ways to spawn: what is compared.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use async_runtime_compat::prelude::*;
use futures_channel::oneshot;

/// A way to start a task.
pub trait Way: Clone + Send + Sync + 'static {
    /// Starts a task that nobody waits for.
    fn spawn_detached<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static;
}

/// A way that gives a handle to wait for the task's output.
pub trait JoinWay: Way {
    /// The handle.
    ///
    /// The workloads await it as it is, so that nothing of theirs stands between the two.
    type Handle<T: Send + 'static>: Future<Output = Self::End<T>> + Unpin + Send + 'static;

    /// What awaiting the handle gives.
    type End<T: Send + 'static>: Send;

    /// Starts a task.
    fn spawn<F>(&self, future: F) -> Self::Handle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;

    /// The output of a task that ran to its end.
    fn output<T: Send + 'static>(end: Self::End<T>) -> T;
}

/// A way whose handle can stop the task.
pub trait CancelWay: JoinWay {
    /// Stops the task, and waits until its future has been dropped. The output is there if the
    /// task completed first.
    fn cancel<T: Send + 'static>(
        handle: Self::Handle<T>,
    ) -> impl Future<Output = Option<T>> + Send + 'static;
}

/// The typed methods of [`SpawnerExt`] on a trait object.
///
/// `In` is any type, one for each spawner that is measured. The futures are then of a type of their own, as they are
/// for the native ways, which differ by backend. Otherwise the program would have each work once, for all the runtimes
/// that it measures, and the compiler would inline a function with many callers less than in a program that has one.
pub struct Typed<In = ()>(pub Arc<dyn Spawner>, PhantomData<fn() -> In>);

impl<In> Typed<In> {
    /// The methods on this spawner.
    #[must_use]
    pub fn new(spawner: Arc<dyn Spawner>) -> Typed<In> {
        Typed(spawner, PhantomData)
    }
}

impl<In> Clone for Typed<In> {
    fn clone(&self) -> Typed<In> {
        Typed::new(self.0.clone())
    }
}

impl<In: 'static> Way for Typed<In> {
    #[inline]
    fn spawn_detached<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.0.spawn_detached(future);
    }
}

impl<In: 'static> JoinWay for Typed<In> {
    type Handle<T: Send + 'static> = JoinHandle<T>;
    type End<T: Send + 'static> = Result<T, JoinError>;

    #[inline]
    fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.spawn_with_handle(future)
    }

    #[inline]
    fn output<T: Send + 'static>(end: Result<T, JoinError>) -> T {
        end.expect("the tasks that are joined run to their end")
    }
}

impl<In: 'static> CancelWay for Typed<In> {
    #[inline]
    async fn cancel<T: Send + 'static>(handle: JoinHandle<T>) -> Option<T> {
        handle.cancel().await.ok()
    }
}

/// Like [`Typed`]; cancels by [`JoinHandle::abort`], through a reference, and a join after it.
///
/// The way of code that keeps the handle where it cannot give it away.
pub struct AbortThenJoin<In>(pub Typed<In>);

impl<In> Clone for AbortThenJoin<In> {
    fn clone(&self) -> AbortThenJoin<In> {
        AbortThenJoin(self.0.clone())
    }
}

impl<In: 'static> Way for AbortThenJoin<In> {
    #[inline]
    fn spawn_detached<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.0.spawn_detached(future);
    }
}

impl<In: 'static> JoinWay for AbortThenJoin<In> {
    type Handle<T: Send + 'static> = JoinHandle<T>;
    type End<T: Send + 'static> = Result<T, JoinError>;

    #[inline]
    fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.spawn(future)
    }

    #[inline]
    fn output<T: Send + 'static>(end: Result<T, JoinError>) -> T {
        Typed::<In>::output(end)
    }
}

impl<In: 'static> CancelWay for AbortThenJoin<In> {
    #[inline]
    async fn cancel<T: Send + 'static>(handle: JoinHandle<T>) -> Option<T> {
        handle.abort();
        handle.await.ok()
    }
}

/// The object-safe method, [`Spawner::spawn`]: the caller boxes the future, and brings a channel
/// where the output is wanted.
#[derive(Clone)]
pub struct Boxed(pub Arc<dyn Spawner>);

impl Way for Boxed {
    #[inline]
    fn spawn_detached<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.0.spawn(Box::pin(future));
    }
}

impl JoinWay for Boxed {
    type Handle<T: Send + 'static> = oneshot::Receiver<T>;
    type End<T: Send + 'static> = Result<T, oneshot::Canceled>;

    #[inline]
    fn spawn<F>(&self, future: F) -> oneshot::Receiver<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        self.0.spawn(Box::pin(async move {
            // The receiver may be gone: nobody wants the output.
            let _ = sender.send(future.await);
        }));
        receiver
    }

    #[inline]
    fn output<T: Send + 'static>(end: Result<T, oneshot::Canceled>) -> T {
        end.expect("the tasks that are joined run to their end")
    }
}
