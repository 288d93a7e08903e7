//! Ids reach a spawner and a pool that the core does not know, and come from one.

use std::future::{pending, poll_fn};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use async_runtime_compat::decorate::{Identified, Named};
use async_runtime_compat::hook::{Hooked, SpawnHook, Spawning};
use async_runtime_compat::prelude::*;
use async_runtime_compat::runtime::{ThreadContext, enter_context};
use async_runtime_compat::smol::SmolSpawner;
use async_runtime_compat::{BoxFuture, BoxJob, Runtime, SpawnMeta, TaskGroup, TaskId, task};
use futures_lite::future::block_on;

use crate::support::{Event, Log};

/// A spawner, and a pool, that logs ids.
#[derive(Clone)]
struct Logging(Log<Option<TaskId>>);

impl Spawner for Logging {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        SmolSpawner.spawn(future);
    }

    fn spawn_with(&self, meta: SpawnMeta<'_>, future: BoxFuture<'static, ()>) {
        self.0.push(meta.id());
        SmolSpawner.spawn_with(meta, future);
    }
}

impl Blocking for Logging {
    fn execute(&self, job: BoxJob) {
        SmolSpawner.execute(job);
    }

    fn execute_with(&self, meta: SpawnMeta<'_>, job: BoxJob) {
        self.0.push(meta.id());
        SmolSpawner.execute_with(meta, job);
    }
}

#[test]
fn a_spawner_and_a_pool_learn_the_id() {
    let log = Log::new();
    let spawner = Identified::new(Logging(log.clone()));
    let task = spawner.spawn_with_handle(async { task::id() });
    let id = task.id();
    assert_eq!(log.take(), [id]);
    assert_eq!(block_on(task).ok(), id);

    let (named, job) = (spawner.spawn_named("a", async {}), spawner.spawn_blocking(task::id));
    assert_eq!(log.take(), [named.id(), job.id()]);
    let id = job.id();
    assert_eq!(block_on(job).ok(), id);
    spawner.spawn_detached(async {});
    spawner.spawn(Box::pin(async {}));
    assert!(log.take().iter().all(Option::is_some));

    // Nothing is given to those who did not ask.
    let plain = Logging(log.clone());
    let task = plain.spawn_with_handle(async { task::try_id() });
    assert_eq!((task.id(), block_on(task).unwrap()), (None, None));
    assert_eq!(log.take(), [None]);
}

#[test]
fn a_hook_learns_the_id() {
    struct Hook(Log<Option<TaskId>>);

    impl SpawnHook for Hook {
        fn spawn(&self, spawning: &mut Spawning<'_>) {
            self.0.push(spawning.meta().id());
        }
    }

    let (inside, around) = (Log::new(), Log::new());
    let spawner = Hooked::new(SmolSpawner, Hook(inside.clone()));
    let spawner = Hooked::new(Identified::new(spawner), Hook(around.clone()));
    let tasks = [(); 2].map(|()| spawner.spawn_with_handle(async {}));
    let ids = tasks.map(|task| task.id());
    assert!(ids[0].is_some() && ids[0] != ids[1]);
    assert_eq!((inside.take(), around.take()), (ids.to_vec(), ids.to_vec()));
    assert!(
        Hooked::new(SmolSpawner, Hook(inside.clone())).spawn_with_handle(async {}).id().is_none()
    );
    assert_eq!(inside.take(), [None]);
}

/// A spawner that gives ids of its own.
#[derive(Clone)]
struct Numbers<S> {
    inner: S,
    last: Arc<AtomicU64>,
}

impl<S> Numbers<S> {
    fn new(inner: S) -> Numbers<S> {
        Numbers { inner, last: Arc::new(AtomicU64::new(1_000)) }
    }
}

fn number(number: u64) -> TaskId {
    TaskId::from_raw(NonZeroU64::new(number).unwrap())
}

impl<S: Spawner> Spawner for Numbers<S> {
    fn spawn(&self, future: BoxFuture<'static, ()>) {
        self.spawn_with(SpawnMeta::new(), future);
    }

    fn spawn_with(&self, meta: SpawnMeta<'_>, mut future: BoxFuture<'static, ()>) {
        let new = || number(self.last.fetch_add(1, Ordering::Relaxed) + 1);
        let id = meta.id().unwrap_or_else(new);
        meta.identify(id);
        let task = poll_fn(move |cx| id.scope(|| future.as_mut().poll(cx)));
        self.inner.spawn_with(meta, Box::pin(task));
    }
}

#[test]
fn a_spawner_gives_the_ids() {
    let log = Log::new();
    let spawner = Numbers::new(Logging(log.clone()));
    let task = spawner.spawn_with_handle(async { task::id() });
    assert_eq!(task.id(), Some(number(1_001)));
    assert_eq!(task.abort_handle().id(), task.id());
    assert_eq!(block_on(task).unwrap(), number(1_001));

    // With a name, through a group, in errors; the decorators around it see none yet.
    let group = TaskGroup::new(Arc::new(Named::with_prefix(spawner.clone(), "part.")));
    let task = group.spawn_named("a", pending::<()>());
    assert_eq!((task.id(), group.tasks()[0].id()), (Some(number(1_002)), None));
    assert!(format!("{task:?}").starts_with("JoinHandle(task 1002 'part.a' spawned at "));
    let error = block_on(task.cancel()).unwrap_err();
    assert_eq!((error.id(), error.task_name()), (Some(number(1_002)), Some("part.a")));
    let task = spawner.spawn_with_handle(pending::<()>());
    task.abort();
    let error = block_on(task).unwrap_err();
    assert_eq!(error.id(), Some(number(1_003)));
    assert!(error.to_string().starts_with("task 1003 spawned at "), "{error}");

    // A detached task has one as well, and the spawner inside learns it.
    let (ended, ids) = (Event::new(), Log::new());
    let (set, inside) = (ended.clone(), ids.clone());
    spawner.spawn_detached(async move {
        inside.push(task::try_id());
        set.set();
    });
    ended.wait();
    assert_eq!(ids.take(), [Some(number(1_004))]);
    assert_eq!(log.take(), [1_001, 1_002, 1_003, 1_004].map(|id| Some(number(id))));

    // The first id counts: one from a decorator around it stays.
    let task = Identified::new(spawner).spawn_with_handle(async { task::id() });
    let id = task.id();
    assert!(id.is_some_and(|id| id != number(1_005)));
    assert_eq!(block_on(task).ok(), id);
    assert_eq!(log.take(), [id]);
}

#[test]
fn a_threads_context_gives_the_ids_and_knows_the_running_task() {
    struct Context(AtomicU64);

    impl ThreadContext for Context {
        fn runtime(&self) -> Option<Arc<dyn Runtime>> {
            None
        }

        fn task_id(&self) -> Option<TaskId> {
            Some(number(7))
        }

        fn next_task_id(&self) -> Option<TaskId> {
            Some(number(self.0.fetch_add(1, Ordering::Relaxed)))
        }
    }

    let spawner = Identified::new(SmolSpawner);
    let entered = enter_context(Arc::new(Context(AtomicU64::new(500))));
    assert_eq!(task::id(), number(7));
    let tasks = [(); 2].map(|()| spawner.spawn_with_handle(async { task::id() }));
    assert_eq!(tasks.each_ref().map(JoinHandle::id), [Some(number(500)), Some(number(501))]);
    drop(entered);
    let inside = tasks.map(|task| block_on(task).unwrap());
    assert_eq!(inside, [number(500), number(501)]);
    assert_eq!(task::try_id(), None);
}

#[test]
fn a_task_is_what_is_being_polled() {
    let spawner = Identified::new(SmolSpawner);
    let inner = spawner.clone();
    // A task that is polled inside another one is itself.
    let outer = spawner.spawn_with_handle(async move {
        let child = inner.spawn_with_handle(async { task::id() });
        let expected = child.id();
        let id = child.await.ok();
        let mut polled = 0;
        poll_fn(|cx| {
            polled += 1;
            cx.waker().wake_by_ref();
            if polled > 2 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        (id == expected, task::id())
    });
    let id = outer.id().unwrap();
    assert_eq!(block_on(outer).unwrap(), (true, id));
}
