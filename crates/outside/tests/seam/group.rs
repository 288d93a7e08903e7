//! `TaskGroup::runtime`: a runtime whose tasks and blocking work belong to the group.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::{BlockingPool, TaskGroup, with_blocking};
use async_runtime_compat_test_support::on_all_runtimes;
use async_runtime_compat_test_support::runtimes::Running;

use crate::support::{Event, SetOnDrop};

on_all_runtimes! {
    tasks_and_blocking_work_are_in_the_group,
    abort_reaches_tasks_and_queued_work,
    refused_once_the_group_is_gone,
    groups_of_groups,
    the_runtime_does_not_keep_the_group,
}

/// Blocking work that runs until the second event, and says by the first that it does.
fn busy(runtime: &Arc<dyn Runtime>) -> (JoinHandle<u32>, Event, Event) {
    let (started, go_on) = (Event::new(), Event::new());
    let (first, wait) = (started.clone(), go_on.clone());
    let job = runtime.spawn_blocking_named("busy", move || {
        first.set();
        wait.wait();
        5
    });
    (job, started, go_on)
}

fn tasks_and_blocking_work_are_in_the_group(running: &Running) {
    running.run(|runtime| async move {
        let group = TaskGroup::new(runtime.clone());
        let inside = group.runtime(runtime.clone());
        assert!(inside.sleep(Duration::ZERO).deadline().is_some());

        let finish = Event::new();
        let wait = finish.clone();
        let task = inside.spawn_named("task", async move { wait.happens().await });
        let (job, started, go_on) = busy(&inside);
        started.happens().await;
        assert_eq!(group.len(), 2);
        let mut names: Vec<_> = group
            .tasks()
            .iter()
            .map(|task| task.task_name().unwrap_or_default().to_owned())
            .collect();
        names.sort();
        assert_eq!(names, ["busy", "task"]);

        finish.set();
        task.await.unwrap();
        assert_eq!(group.len(), 1);
        // The shutdown waits for work that has started, and the work keeps its output.
        let mut shutdown = std::pin::pin!(group.shutdown(&runtime, Duration::ZERO));
        assert!(futures_lite::future::poll_once(shutdown.as_mut()).await.is_none());
        go_on.set();
        shutdown.await;
        assert!(group.is_empty());
        drop(job);
    });
}

/// The runtime with a pool of one thread.
fn narrow(runtime: Arc<dyn Runtime>) -> Arc<dyn Runtime> {
    Arc::new(with_blocking(runtime, BlockingPool::builder().max_threads(1).build()))
}

fn abort_reaches_tasks_and_queued_work(running: &Running) {
    running.run(|runtime| async move {
        let runtime = narrow(runtime);
        let group = TaskGroup::new(runtime.clone());
        let inside = group.runtime(runtime.clone());
        let (_busy, started, go_on) = busy(&runtime);
        started.happens().await;

        let (ran, dropped) = (Event::new(), Event::new());
        let (runs, on_drop) = (ran.clone(), SetOnDrop(dropped.clone()));
        let queued = inside.spawn_blocking(move || {
            let _on_drop = on_drop;
            runs.set();
        });
        let detached = ran.clone();
        inside.spawn_blocking(move || detached.set()).detach();
        let raw = ran.clone();
        inside.execute(Box::new(move || raw.set()));
        let task = inside.spawn_with_handle(pending::<()>());
        assert_eq!(group.len(), 4);

        group.abort_all();
        go_on.set();
        assert!(task.await.unwrap_err().is_cancelled());
        assert!(queued.await.unwrap_err().is_cancelled());
        assert!(dropped.is_set());
        group.wait().await;
        // The next job on the one thread comes after those in the queue.
        runtime.spawn_blocking(|| ()).await.unwrap();
        assert!(!ran.is_set());
        // The group is open, and goes on.
        assert_eq!(inside.spawn_blocking(|| 3).await.unwrap(), 3);
    });
}

fn refused_once_the_group_is_gone(running: &Running) {
    running.run(|runtime| async move {
        let group = TaskGroup::new(runtime.clone());
        let inside = group.runtime(runtime.clone());
        let task = inside.spawn_with_handle(pending::<()>());
        drop(group);
        assert!(task.await.unwrap_err().is_cancelled());

        let ran = Event::new();
        let (in_task, in_job) = (ran.clone(), ran.clone());
        let (dropped_task, dropped_job) = (Event::new(), Event::new());
        let (of_task, of_job) = (SetOnDrop(dropped_task.clone()), SetOnDrop(dropped_job.clone()));
        let task = inside.spawn_with_handle(async move {
            let _of_task = of_task;
            in_task.set();
        });
        let job = inside.spawn_blocking(move || {
            let _of_job = of_job;
            in_job.set();
        });
        assert!(dropped_task.is_set() && dropped_job.is_set(), "in the call");
        assert!(task.await.unwrap_err().is_shutdown());
        assert!(job.await.unwrap_err().is_shutdown());
        let raw = ran.clone();
        inside.execute(Box::new(move || raw.set()));
        inside.spawn(Box::pin(async { unreachable!("it is refused") }));
        assert!(!ran.is_set());
        // The runtime underneath is as it was.
        assert_eq!(runtime.spawn_blocking(|| 3).await.unwrap(), 3);
    });
}

fn groups_of_groups(running: &Running) {
    running.run(|runtime| async move {
        let runtime = narrow(runtime);
        let outer = TaskGroup::new(runtime.clone());
        let in_outer = outer.runtime(runtime.clone());
        let inner = TaskGroup::new(in_outer.clone());
        let in_inner = inner.runtime(in_outer);
        let (_busy, started, go_on) = busy(&runtime);
        started.happens().await;

        let job = in_inner.spawn_blocking(|| ());
        let task = in_inner.spawn_with_handle(pending::<()>());
        assert_eq!((outer.len(), inner.len()), (2, 2));
        outer.abort_all();
        go_on.set();
        assert!(job.await.unwrap_err().is_cancelled());
        assert!(task.await.unwrap_err().is_cancelled());
        outer.wait().await;
        assert!(inner.is_empty());
    });
}

fn the_runtime_does_not_keep_the_group(running: &Running) {
    running.run(|runtime| async move {
        let group = TaskGroup::new(runtime.clone());
        let token = group.cancel_token();
        let inside = group.runtime(runtime);
        let owns = inside.clone();
        // A task that has the runtime of its own group is no cycle.
        let task = inside.spawn_with_handle(async move {
            pending::<()>().await;
            drop(owns);
        });
        drop(group);
        assert!(token.is_cancelled());
        assert!(task.await.unwrap_err().is_cancelled());
    });
}
