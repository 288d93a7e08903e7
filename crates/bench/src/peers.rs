//! Other crates with the same purpose, doing the same work.
//!
//! All of them on one tokio runtime with one worker, except for the thread pool of `futures`, which
//! is a runtime of its own, with one thread as well.

use std::future::Future;
use std::sync::Arc;

use agnostic_lite::AsyncSpawner;
use async_executors::{SpawnHandleExt, TokioTp};
use async_runtime_compat::prelude::*;
use executor_trait::Executor;
use futures::executor::ThreadPool;
use futures::future::RemoteHandle;
use futures::task::{FutureObj, Spawn, SpawnError, SpawnExt};
use futures_channel::oneshot;

use crate::backend::Backend;
use crate::backend::tokio::Tokio;
use crate::case::{self, Run};
use crate::probe::{self, OnDrop, OnPanic};
use crate::way::{Boxed, JoinWay, Typed, Way};
use crate::work;

const RUNTIME: &str = "tokio, 1 worker";

/// A crate, and the same work done through it and without it.
pub struct Peer {
    /// What it is.
    pub name: &'static str,
    /// The package whose version counts, if it is another one than ours.
    pub package: Option<&'static str>,
    /// What it does otherwise than this crate, from its source.
    pub note: &'static str,
    /// Spawning and joining, if it can.
    pub join: Option<Run>,
    /// Spawning with nobody to wait.
    pub detach: Run,
    /// What becomes of a task whose handle is dropped.
    pub on_drop: Option<OnDrop>,
    /// What the joiner of a task that panics gets.
    pub on_panic: Option<OnPanic>,
    /// The same work without it.
    pub native: Native,
}

/// The work on the runtime itself.
pub struct Native {
    /// The name of the runtime.
    pub runtime: &'static str,
    /// Spawning and joining.
    pub join: Run,
    /// Spawning with nobody to wait.
    pub detach: Run,
}

/// All of them, this crate among them.
///
/// # Panics
///
/// If called twice in a process: `any_spawner` can be set up once.
#[must_use]
pub fn all() -> Vec<Peer> {
    let tokio = Tokio::multi_thread(1);
    let handle = tokio.handle().clone();
    let in_tokio = |name| (name, &tokio);
    any_spawner::Executor::init_tokio().expect("nobody else sets it up");

    let threads = |count| Pool(ThreadPool::builder().pool_size(count).create().expect("threads"));
    let pool = threads(1);
    // A probe keeps one of its threads to itself: yielding is a loop there.
    let probed = threads(2);
    let ours = tokio.spawner();
    let executors = TokioTp::try_from(handle.clone()).expect("it is a multi-thread runtime");
    let traits = tokio_executor_trait::Tokio::default().with_handle(handle);

    vec![
        joining(in_tokio("`SpawnerExt`"), Typed::<()>::new(ours.clone()), None, ""),
        joining(
            in_tokio("`SpawnerExt` on a caller's spawner"),
            Typed::<()>::new(tokio.opaque()),
            None,
            "a box and a shared cell for each task",
        ),
        joining(
            in_tokio("`Spawner::spawn` and a oneshot channel"),
            Boxed(ours.clone()),
            None,
            "a box and a channel for each task",
        ),
        joining(
            in_tokio("futures `SpawnExt` on our spawner"),
            Futures(Ours(ours)),
            Some("futures"),
            "a box, a channel and a flag for each task; no abort other than the drop",
        ),
        Peer {
            native: native(RUNTIME, &tokio),
            ..unprobed(
                ("futures `SpawnExt` on its thread pool", &pool),
                pool.native(),
                Some("futures"),
                "a runtime of its own, without I/O; a detached task that panics ends its thread",
            )
        }
        .probed(&probed, probed.native()),
        joining(
            in_tokio("async_executors"),
            AsyncExecutors(executors),
            Some("async_executors"),
            "a box for each task; a trait object spawns one output type; no abort other than the \
             drop",
        ),
        joining(
            in_tokio("executor-trait"),
            ExecutorTrait(Arc::new(traits)),
            Some("executor-trait"),
            "tasks have no output, so that the join is a oneshot channel here; two boxes for \
             each task; its handle is not `Send`",
        ),
        joining(
            in_tokio("agnostic-lite"),
            AgnosticLite,
            Some("agnostic-lite"),
            "no trait object: the runtime is a type parameter; the handle is the runtime's own, \
             and on smol dropping it cancels; aborting consumes it",
        ),
        joining(
            in_tokio("spawns"),
            Spawns,
            Some("spawns"),
            "three allocations for each task; spawns onto the runtime that the thread is in, and \
             panics outside of one",
        ),
        detaching(
            in_tokio("any_spawner"),
            AnySpawner,
            Some("any_spawner"),
            "no handle: no join, no abort; one runtime for the process, set once",
        ),
    ]
}

fn native<B: Backend>(runtime: &'static str, backend: &B) -> Native {
    Native {
        runtime,
        join: case::run(backend, backend.native(), work::spawn_and_join),
        detach: case::run(backend, backend.native(), work::spawn_detached),
    }
}

fn detaching<B: Backend, W: Way>(
    (name, backend): (&'static str, &B),
    way: W,
    package: Option<&'static str>,
    note: &'static str,
) -> Peer {
    Peer {
        name,
        package,
        note,
        join: None,
        detach: case::run(backend, way, work::spawn_detached),
        on_drop: None,
        on_panic: None,
        native: native(RUNTIME, backend),
    }
}

fn unprobed<B: Backend, W: JoinWay>(
    (name, backend): (&'static str, &B),
    way: W,
    package: Option<&'static str>,
    note: &'static str,
) -> Peer {
    Peer {
        join: Some(case::run(backend, way.clone(), work::spawn_and_join)),
        ..detaching((name, backend), way, package, note)
    }
}

fn joining<B: Backend, W: JoinWay>(
    (name, backend): (&'static str, &B),
    way: W,
    package: Option<&'static str>,
    note: &'static str,
) -> Peer {
    unprobed((name, backend), way.clone(), package, note).probed(backend, way)
}

impl Peer {
    fn probed<B: Backend, W: JoinWay>(self, backend: &B, way: W) -> Peer {
        Peer {
            on_drop: Some(backend.run(probe::on_drop(way.clone()))),
            on_panic: Some(backend.run(probe::on_panic(way))),
            ..self
        }
    }
}

/// A spawner of ours as one of `futures`.
#[derive(Clone)]
struct Ours(Arc<dyn Spawner>);

impl Spawn for Ours {
    fn spawn_obj(&self, future: FutureObj<'static, ()>) -> Result<(), SpawnError> {
        self.0.spawn_detached(future);
        Ok(())
    }
}

/// The methods of [`SpawnExt`].
#[derive(Clone)]
struct Futures<S>(S);

impl<S: Spawn + Clone + Send + Sync + 'static> Way for Futures<S> {
    fn spawn_detached<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.0.spawn(future).expect("the spawner is up");
    }
}

impl<S: Spawn + Clone + Send + Sync + 'static> JoinWay for Futures<S> {
    type Handle<T: Send + 'static> = RemoteHandle<T>;
    type End<T: Send + 'static> = T;

    fn spawn<F>(&self, future: F) -> RemoteHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.spawn_with_handle(future).expect("the spawner is up")
    }

    fn output<T: Send + 'static>(end: T) -> T {
        end
    }
}

/// The thread pool as a runtime.
#[derive(Clone)]
struct Pool(ThreadPool);

impl Backend for Pool {
    type Native = Futures<ThreadPool>;

    fn native(&self) -> Futures<ThreadPool> {
        Futures(self.0.clone())
    }

    fn spawner(&self) -> Arc<dyn Spawner> {
        self.opaque()
    }

    fn run<F>(&self, future: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        futures::executor::block_on(self.native().spawn(future))
    }
}

#[derive(Clone)]
struct AsyncExecutors(TokioTp);

impl Way for AsyncExecutors {
    fn spawn_detached<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        SpawnExt::spawn(&self.0, future).expect("the runtime is up");
    }
}

impl JoinWay for AsyncExecutors {
    type Handle<T: Send + 'static> = async_executors::JoinHandle<T>;
    type End<T: Send + 'static> = T;

    fn spawn<F>(&self, future: F) -> async_executors::JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.spawn_handle(future).expect("the runtime is up")
    }

    fn output<T: Send + 'static>(end: T) -> T {
        end
    }
}

#[derive(Clone)]
struct ExecutorTrait(Arc<dyn Executor + Send + Sync>);

impl Way for ExecutorTrait {
    fn spawn_detached<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(self.0.spawn(Box::pin(future)));
    }
}

impl JoinWay for ExecutorTrait {
    type Handle<T: Send + 'static> = oneshot::Receiver<T>;
    type End<T: Send + 'static> = Result<T, oneshot::Canceled>;

    fn spawn<F>(&self, future: F) -> oneshot::Receiver<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        self.spawn_detached(async move {
            // The receiver may be gone: nobody wants the output.
            let _ = sender.send(future.await);
        });
        receiver
    }

    fn output<T: Send + 'static>(end: Result<T, oneshot::Canceled>) -> T {
        end.expect("the tasks that are joined run to their end")
    }
}

#[derive(Clone)]
struct AgnosticLite;

impl Way for AgnosticLite {
    fn spawn_detached<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        agnostic_lite::tokio::TokioSpawner::spawn_detach(future);
    }
}

impl JoinWay for AgnosticLite {
    type Handle<T: Send + 'static> = tokio::task::JoinHandle<T>;
    type End<T: Send + 'static> = Result<T, tokio::task::JoinError>;

    fn spawn<F>(&self, future: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        agnostic_lite::tokio::TokioSpawner::spawn(future)
    }

    fn output<T: Send + 'static>(end: Result<T, tokio::task::JoinError>) -> T {
        end.expect("the tasks that are joined run to their end")
    }
}

#[derive(Clone)]
struct Spawns;

impl Way for Spawns {
    fn spawn_detached<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(spawns::spawn(future));
    }
}

impl JoinWay for Spawns {
    type Handle<T: Send + 'static> = spawns::JoinHandle<T>;
    type End<T: Send + 'static> = Result<T, spawns::JoinError>;

    fn spawn<F>(&self, future: F) -> spawns::JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        spawns::spawn(future)
    }

    fn output<T: Send + 'static>(end: Result<T, spawns::JoinError>) -> T {
        end.expect("the tasks that are joined run to their end")
    }
}

#[derive(Clone)]
struct AnySpawner;

impl Way for AnySpawner {
    fn spawn_detached<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        any_spawner::Executor::spawn(future);
    }
}
