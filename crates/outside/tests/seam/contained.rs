//! `SpawnMeta::is_contained`: an executor may trust it, and need not catch a panic twice.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_executor::Executor;
use async_runtime_compat::async_executor::ExecutorSpawner;
use async_runtime_compat::async_std::AsyncStdSpawner;
use async_runtime_compat::decorate::Named;
use async_runtime_compat::hook::{Hooked, SpawnHook, Spawning};
use async_runtime_compat::prelude::*;
use async_runtime_compat::smol::SmolSpawner;
use async_runtime_compat::tokio::TokioSpawner;
use async_runtime_compat::{Ambient, BoxFuture, BoxJob, SpawnMeta, TaskGroup, with_timer};
use async_runtime_compat_outside::global_executor::GlobalSpawner;
use futures_lite::future::block_on;

use crate::support::{Event, Log, PanicsInDrop, SetOnDrop, quiet_panic};

/// Logs whether what it gets is contained.
#[derive(Clone)]
struct Asks(Log<bool>);

impl Spawner for Asks {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        SmolSpawner.spawn(future);
    }

    fn spawn_with(&self, meta: SpawnMeta<'_>, future: BoxFuture<'static, ()>) {
        self.0.push(meta.is_contained(&*future));
        SmolSpawner.spawn_with(meta, future);
    }
}

impl Blocking for Asks {
    fn execute(&self, job: BoxJob) {
        SmolSpawner.execute(job);
    }

    fn execute_with(&self, meta: SpawnMeta<'_>, job: BoxJob) {
        self.0.push(meta.is_contained(&*job));
        SmolSpawner.execute_with(meta, job);
    }
}

/// Puts each future, and each job, into another box.
struct Boxes<S>(S);

impl<S: Spawner> Spawner for Boxes<S> {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.0.spawn(Box::pin(future));
    }

    fn spawn_with(&self, meta: SpawnMeta<'_>, future: BoxFuture<'static, ()>) {
        self.0.spawn_with(meta, Box::pin(future));
    }
}

impl<S: Blocking> Blocking for Boxes<S> {
    fn execute(&self, job: BoxJob) {
        self.0.execute(Box::new(job));
    }

    fn execute_with(&self, meta: SpawnMeta<'_>, job: BoxJob) {
        self.0.execute_with(meta, Box::new(job));
    }
}

/// Passes everything on as it is, under another name and from another place.
struct Passes<S>(S);

impl<S: Spawner> Spawner for Passes<S> {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.0.spawn(future);
    }

    fn spawn_with(&self, meta: SpawnMeta<'_>, future: BoxFuture<'static, ()>) {
        let here = SpawnMeta::new();
        self.0.spawn_with(meta.with_name(&"passed".into()).at(here.location()), future);
    }
}

struct Nothing;

impl SpawnHook for Nothing {
    fn spawn(&self, _: &mut Spawning<'_>) {}
}

fn spawn_all(spawner: &(impl Spawner + ?Sized)) {
    block_on(spawner.spawn_with_handle(async {})).unwrap();
    block_on(spawner.spawn_named("conn", async {})).unwrap();
    spawner.spawn_detached(async {});
    block_on(spawner.spawn_meta(SpawnMeta::new(), async {})).unwrap();
}

#[test]
fn what_is_typed_is_contained() {
    let log = Log::new();
    let asks = Asks(log.clone());
    let runtime = Ambient::new(with_timer(asks.clone(), SmolSpawner));
    let group = TaskGroup::new(Arc::new(asks.clone()));
    let spawners: [(&str, &dyn Spawner); 7] = [
        ("as it is", &asks),
        ("in a group", &group),
        ("named", &Named::with_prefix(asks.clone(), "part.")),
        ("hooked", &Hooked::new(asks.clone(), Nothing)),
        ("ambient", &runtime),
        ("passed on", &Passes(asks.clone())),
        ("hooked on both sides", &Hooked::new(Passes(Hooked::new(asks.clone(), Nothing)), Nothing)),
    ];
    for (how, spawner) in spawners {
        spawn_all(spawner);
        assert_eq!(log.take(), [true; 4], "{how}");
    }
    block_on(asks.spawn_blocking(|| ())).unwrap();
    block_on(runtime.spawn_blocking_named("job", || ())).unwrap();
    assert_eq!(log.take(), [true; 2]);
}

#[test]
fn what_is_boxed_is_not() {
    let log = Log::new();
    let asks = Asks(log.clone());
    asks.spawn_with(SpawnMeta::new(), Box::pin(async {}));
    asks.execute_with(SpawnMeta::new(), Box::new(|| ()));
    // Of no size: all of them have one address.
    asks.spawn_with(SpawnMeta::new(), Box::pin(std::future::ready(())));
    assert_eq!(log.take(), [false; 3]);

    spawn_all(&Boxes(asks.clone()));
    assert_eq!(log.take(), [false; 4], "wrapped by somebody else");
    spawn_all(&Hooked::new(Boxes(asks.clone()), Nothing));
    assert_eq!(log.take(), [false; 4], "wrapped by somebody else");
    block_on(Boxes(asks).spawn_blocking(|| ())).unwrap();
    assert_eq!(log.take(), [false], "wrapped by somebody else");
}

/// Panics in the future that it puts around another one.
struct Panics<S> {
    spawner: S,
    in_drop: bool,
}

impl<S: Spawner> Spawner for Panics<S> {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        let in_drop = self.in_drop;
        self.spawner.spawn(panicking(future, in_drop));
    }

    fn spawn_with(&self, meta: SpawnMeta<'_>, future: BoxFuture<'static, ()>) {
        self.spawner.spawn_with(meta, panicking(future, self.in_drop));
    }
}

fn panicking(future: BoxFuture<'static, ()>, in_drop: bool) -> BoxFuture<'static, ()> {
    if in_drop {
        Box::pin(DropsBadly { future, _owned: PanicsInDrop })
    } else {
        Box::pin(async {
            future.await;
            quiet_panic("after the future");
        })
    }
}

struct DropsBadly {
    future: BoxFuture<'static, ()>,
    _owned: PanicsInDrop,
}

impl Future for DropsBadly {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.future.as_mut().poll(cx)
    }
}

/// async-task aborts the process when a future's destructor panics, and a driver that is not in a
/// `catch_unwind` ends with a panic of a poll.
fn wrappers_may_panic(spawner: impl Spawner + Clone + 'static) {
    for in_drop in [false, true] {
        let panics = Panics { spawner: spawner.clone(), in_drop };
        for _ in 0..8 {
            let dropped = Event::new();
            let on_drop = SetOnDrop(dropped.clone());
            block_on(panics.spawn_with_handle(async move { drop(on_drop) })).unwrap();
            assert!(dropped.is_set());
            panics.spawn_detached(async {});
            panics.spawn(Box::pin(async {}));
            // While it is pending, too.
            let task = panics.spawn_with_handle(std::future::pending::<()>());
            let error = block_on(task.cancel()).unwrap_err();
            assert!(error.is_cancelled());
        }
        assert_eq!(block_on(spawner.spawn_with_handle(async { 3 })).unwrap(), 3);
    }
}

#[test]
fn wrappers_may_panic_on_tokio() {
    let tokio = ::tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    wrappers_may_panic(TokioSpawner::new(tokio.handle().clone()));
}

#[test]
fn wrappers_may_panic_on_smol() {
    wrappers_may_panic(SmolSpawner);
}

#[test]
fn wrappers_may_panic_on_async_std() {
    wrappers_may_panic(AsyncStdSpawner);
}

#[test]
fn wrappers_may_panic_on_async_executor() {
    let executor = Arc::new(Executor::new());
    let spawner = ExecutorSpawner::new(executor.clone());
    let stop = Event::new();
    let stopped = stop.clone();
    let driver = std::thread::spawn(move || block_on(executor.run(stopped.happens())));
    wrappers_may_panic(spawner);
    stop.set();
    driver.join().expect("no task unwinds into the driver");
}

#[test]
fn wrappers_may_panic_on_async_global_executor() {
    wrappers_may_panic(GlobalSpawner);
}
