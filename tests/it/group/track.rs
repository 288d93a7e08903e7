//! Futures of a group that are not spawned by it, and groups that are opened again.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::TaskGroup;
use async_runtime_compat::decorate::Limited;
use async_runtime_compat::prelude::*;
use futures_lite::future::block_on;
use test_support::thread_timer::ThreadTimer;
use test_support::threads::Threads;

use super::{Alive, poll};

#[test]
fn abort_all_stops_a_tracked_future() {
    let (group, alive) = (TaskGroup::new(Arc::new(Threads::default())), Alive::default());
    let owned = alive.clone();
    let mut tracked = Box::pin(group.track_future(async move {
        pending::<()>().await;
        drop(owned);
    }));
    assert!(poll(&mut tracked).is_pending());
    group.abort_all();
    assert_eq!((group.len(), alive.count()), (1, 1), "it is dropped where it is polled");
    assert!(block_on(&mut tracked).unwrap_err().is_cancelled());
    assert_eq!((group.len(), alive.count()), (0, 0));
}

#[test]
fn a_task_that_waits_for_a_tracked_future_is_woken_by_the_abort() {
    let (group, spawner) = (TaskGroup::new(Arc::new(Threads::default())), Threads::default());
    let (polled, started) = async_channel::bounded::<()>(1);
    let tracked = group.track_future(async move {
        drop(polled);
        pending::<()>().await;
    });
    let here = tracked_line(&group);
    let task = spawner.spawn_with_handle(tracked);
    block_on(started.recv()).unwrap_err();
    group.abort_all();
    let error = block_on(task).unwrap().unwrap_err();
    assert!(error.is_cancelled());
    assert_eq!(error.spawned_at().line(), here);
    block_on(group.wait());
}

/// The location of the group's only task.
fn tracked_line(group: &TaskGroup) -> u32 {
    let tasks = group.tasks();
    assert_eq!((tasks.len(), tasks[0].spawned_at().file()), (1, file!()));
    tasks[0].spawned_at().line()
}

#[test]
fn a_tracked_future_belongs_to_the_groups_around_its_own() {
    let limited = Limited::new(Arc::new(Threads::default()) as Arc<dyn Spawner>, 1);
    let outer = TaskGroup::new(Arc::new(limited));
    let inner = TaskGroup::new(Arc::new(outer.clone()));
    // It takes no permit from the limit, so that neither waits for the other.
    let tracked = inner.track_future(inner.spawn_with_handle(async { 7 }));
    assert!(!outer.is_empty() && !inner.is_empty());
    assert_eq!(block_on(tracked).unwrap().unwrap(), 7);
    assert!(outer.is_empty() && inner.is_empty());

    let mut tracked = Box::pin(inner.track_future(pending::<()>()));
    outer.abort_all();
    assert!(block_on(&mut tracked).unwrap_err().is_cancelled());
    outer.close();
    assert!(block_on(inner.track_future(async {})).unwrap_err().is_shutdown());
    assert!(inner.is_empty(), "it has left the groups that had accepted it");
}

#[test]
fn reports_count_tracked_futures() {
    let timer = ThreadTimer::new();
    let group = TaskGroup::new(Arc::new(Threads::default()));
    let token = group.cancel_token();
    let spawner = Threads::default();
    spawner.spawn_with_handle(group.track_future(async move { token.cancelled().await })).detach();
    spawner.spawn_with_handle(group.track_future(pending::<()>())).detach();
    let panics = group.track_future(async { std::panic::resume_unwind(Box::new(())) });
    let panics = spawner.spawn_with_handle(panics);
    assert!(block_on(panics).map(drop).unwrap_err().is_panic(), "it is not caught");
    let report = block_on(group.shutdown(&timer, Duration::from_millis(50)));
    assert_eq!((report.finished, report.aborted, report.panicked), (1, 1, 0));
}

#[test]
fn a_reopened_group_accepts_tasks_and_keeps_its_token() {
    let group = TaskGroup::new(Arc::new(Threads::default()));
    block_on(group.shutdown(&ThreadTimer::new(), Duration::ZERO));
    assert!(block_on(group.spawn_with_handle(async {})).unwrap_err().is_shutdown());
    group.reopen();
    assert!(!group.is_closed());
    assert_eq!(block_on(group.spawn_with_handle(async { 7 })).unwrap(), 7);
    assert!(group.cancel_token().is_cancelled());
}
