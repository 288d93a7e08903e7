//! Hooks on blocking work.

use std::cell::Cell;
use std::sync::Arc;

use async_runtime_compat::hook::{Hooked, SpawnHook, Spawning, TaskEnd, TaskHook};
use async_runtime_compat::prelude::*;
use async_runtime_compat::{BlockingPool, with_blocking};
use async_runtime_compat_test_support::on_all_runtimes;
use async_runtime_compat_test_support::runtimes::Running;
use futures_lite::future::block_on;

use super::{Ends, said};
use crate::support::{Event, Log, SetOnDrop, quiet_panic};

on_all_runtimes! {
    the_call_is_in_the_scope,
    ends_agree_with_the_join,
    aborted_while_it_runs,
    work_and_tasks_are_told_apart,
}

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

struct Marks;

impl SpawnHook for Marks {
    fn spawn(&self, spawning: &mut Spawning<'_>) {
        spawning.add_scope(Arc::new(Marks));
    }
}

impl TaskHook for Marks {
    fn scope(&self, f: &mut dyn FnMut()) {
        INSIDE.set(true);
        f();
        INSIDE.set(false);
    }
}

fn the_call_is_in_the_scope(running: &Running) {
    running.run(|runtime| async move {
        let pool = Hooked::new(runtime, Marks);
        assert!(pool.spawn_blocking(|| INSIDE.get()).await.unwrap());
        let (sender, inside) = crate::support::channel();
        pool.execute(Box::new(move || sender.send(INSIDE.get()).expect("the test waits")));
        assert!(inside.next());
    });
}

fn ends_agree_with_the_join(running: &Running) {
    running.run(|runtime| async move {
        let ends = Ends::new();
        let pool = Hooked::new(runtime, ends.clone());
        assert_eq!(pool.spawn_blocking(|| 3).await.unwrap(), 3);
        assert_eq!(ends.take(), [TaskEnd::Completed]);
        let join = pool.spawn_blocking_named("job", || quiet_panic("on purpose")).await;
        assert!(join.unwrap_err().is_panic());
        assert_eq!(ends.take(), [TaskEnd::Panicked]);
    });
}

fn aborted_while_it_runs(running: &Running) {
    running.run(|runtime| async move {
        let ends = Ends::new();
        let pool = Hooked::new(runtime, ends.clone());
        let (started, go_on) = (Event::new(), Event::new());
        let (first, wait) = (started.clone(), go_on.clone());
        let job = pool.spawn_blocking(move || {
            first.set();
            wait.wait();
        });
        started.happens().await;
        job.abort();
        assert_eq!(ends.take(), [], "it still runs");
        go_on.set();
        let join = job.await;
        assert!(join.as_ref().unwrap_err().is_cancelled());
        assert_eq!(ends.take(), [said(&join)]);
    });
}

/// Logs the names of tasks and of blocking work by themselves.
struct Kinds(Log<&'static str>);

impl SpawnHook for Kinds {
    fn spawn(&self, _: &mut Spawning<'_>) {
        self.0.push("task");
    }

    fn spawn_blocking(&self, spawning: &mut Spawning<'_>) {
        self.0.push("blocking work");
        spawning.rename("a job");
        if spawning.meta().location().file() != file!() {
            self.0.push("from elsewhere");
        }
    }
}

fn work_and_tasks_are_told_apart(running: &Running) {
    running.run(|runtime| async move {
        let log = Log::new();
        let hooked = Hooked::new(runtime, Kinds(log.clone()));
        hooked.spawn_with_handle(async {}).await.unwrap();
        assert_eq!(log.take(), ["task"]);
        let job = hooked.spawn_blocking(|| ());
        assert_eq!(job.task_name().as_deref(), Some("a job"));
        job.await.unwrap();
        assert_eq!(log.take(), ["blocking work"]);
    });
}

/// Refuses all blocking work.
struct NoWork;

impl SpawnHook for NoWork {
    fn spawn(&self, _: &mut Spawning<'_>) {}

    fn spawn_blocking(&self, spawning: &mut Spawning<'_>) {
        spawning.refuse();
    }
}

#[test]
fn refused_work_is_dropped_in_the_call() {
    let pool = with_blocking(async_runtime_compat::smol::SmolSpawner, BlockingPool::new());
    let pool = Hooked::new(pool, NoWork);
    let dropped = Event::new();
    let on_drop = SetOnDrop(dropped.clone());
    let job = pool.spawn_blocking(move || drop(on_drop));
    assert!(dropped.is_set());
    assert!(block_on(job).unwrap_err().is_shutdown());
    block_on(pool.spawn_with_handle(async {})).unwrap();
}

/// A pool with one thread, which is busy until the event.
fn busy_pool() -> (Arc<BlockingPool>, Event) {
    let pool = Arc::new(BlockingPool::builder().max_threads(1).build());
    let (started, go_on) = (Event::new(), Event::new());
    let (first, wait) = (started.clone(), go_on.clone());
    let busy = pool.spawn_blocking(move || {
        first.set();
        wait.wait();
    });
    started.wait();
    busy.detach();
    (pool, go_on)
}

#[test]
fn aborted_before_it_starts() {
    let (pool, go_on) = busy_pool();
    let ends = Ends::new();
    let hooked =
        Hooked::new(with_blocking(async_runtime_compat::smol::SmolSpawner, pool), ends.clone());
    let ran = Event::new();
    let runs = ran.clone();
    let job = hooked.spawn_blocking(move || runs.set());
    job.abort();
    go_on.set();
    assert!(block_on(job).unwrap_err().is_cancelled());
    assert_eq!(ends.take(), [TaskEnd::Aborted]);
    assert!(!ran.is_set());
}

#[test]
fn shut_down_before_it_starts() {
    let (pool, go_on) = busy_pool();
    let ends = Ends::new();
    let hooked = Hooked::new(
        with_blocking(async_runtime_compat::smol::SmolSpawner, pool.clone()),
        ends.clone(),
    );
    let job = hooked.spawn_blocking(|| ());
    pool.shutdown();
    assert_eq!(ends.take(), [TaskEnd::Shutdown]);
    go_on.set();
    assert!(block_on(job).unwrap_err().is_shutdown());
    assert!(block_on(hooked.spawn_blocking(|| ())).unwrap_err().is_shutdown());
    assert_eq!(ends.take(), [TaskEnd::Shutdown]);
}
