//! tokio-util's `tests/task_tracker.rs`, on `TaskGroup`.
//!
//! What a tracker calls a token is a future that is tracked.

use std::future::pending;

use async_runtime_compat::TaskGroup;
use async_runtime_compat::prelude::*;
use futures_lite::future::block_on;
use test_support::on_all_runtimes;
use test_support::runtimes::Running;
use test_support::threads::Threads;

use super::{all_dropped, gate, poll_once};

on_all_runtimes! {
    a_closed_group_becomes_empty,
    a_dropped_group_aborts_its_tasks,
}

fn group() -> TaskGroup {
    TaskGroup::new(std::sync::Arc::new(Threads::default()))
}

#[test]
fn groups_are_closed_and_reopened() {
    let group = group();
    assert!(!group.is_closed() && group.is_empty());
    for _ in 0..2 {
        group.close();
        assert!(group.is_closed() && group.is_empty());
        group.close();
        assert!(group.is_closed());
        group.reopen();
        assert!(!group.is_closed());
        group.reopen();
        assert!(!group.is_closed() && group.is_empty());
    }
}

#[test]
fn tracked_futures_are_counted() {
    let group = group();
    let mut tracked = vec![];
    for number in 0..10 {
        assert_eq!(group.len(), number);
        tracked.push(group.track_future(pending::<()>()));
    }
    while let Some(one) = tracked.pop() {
        assert_eq!(group.len(), tracked.len() + 1);
        drop(one);
        assert_eq!(group.len(), tracked.len());
    }
}

/// A tracker has to be closed first.
#[test]
fn an_empty_group_need_not_be_waited_for() {
    let group = group();
    assert!(poll_once(&mut group.wait()).is_ready());
    group.close();
    let mut wait = group.wait();
    group.reopen();
    assert!(poll_once(&mut wait).is_ready());
}

#[test]
fn the_last_task_wakes_the_waiters() {
    let group = group();
    let tracked = group.track_future(pending::<()>());
    group.close();
    let mut waits: Vec<_> = (0..10).map(|_| group.wait()).collect();
    assert!(waits.iter_mut().all(|wait| poll_once(wait).is_pending()));
    drop(tracked);
    assert!(waits.iter_mut().all(|wait| poll_once(wait).is_ready()));
}

/// An open tracker does not tell its waiters in this case.
#[test]
fn a_group_that_was_empty_for_a_moment_wakes_its_waiters() {
    let group = group();
    for closes in [false, true] {
        let tracked = group.track_future(pending::<()>());
        if closes {
            group.close();
        }
        let mut wait = group.wait();
        assert!(poll_once(&mut wait).is_pending());
        drop(tracked);
        group.reopen();
        let next = group.track_future(pending::<()>());
        assert!(poll_once(&mut wait).is_ready());
        assert!(poll_once(&mut group.wait()).is_pending());
        drop(next);
    }
}

#[test]
fn closing_does_not_end_a_wait() {
    const TASKS: usize = 5;
    for closes_at in 0..TASKS {
        let group = group();
        let tracked: Vec<_> = (0..TASKS).map(|_| group.track_future(pending::<()>())).collect();
        let mut wait = group.wait();
        for (number, one) in tracked.into_iter().enumerate() {
            assert!(poll_once(&mut wait).is_pending());
            if number == closes_at {
                group.close();
                assert!(poll_once(&mut wait).is_pending());
            }
            drop(one);
        }
        assert!(poll_once(&mut wait).is_ready());
    }
}

fn a_closed_group_becomes_empty(running: &Running) {
    running.run(|runtime| async move {
        let group = TaskGroup::new(runtime.clone());
        for _ in 0..8 {
            group.spawn_detached(async {});
            runtime.spawn_detached({
                let tracked = group.track_future(async {});
                async { assert!(tracked.await.is_ok()) }
            });
        }
        group.close();
        group.wait().await;
        assert!(group.is_empty() && group.is_closed());
        // A closed tracker accepts tasks; a group does not.
        assert!(group.spawn_with_handle(async {}).await.unwrap_err().is_shutdown());
        assert!(group.track_future(async {}).await.unwrap_err().is_shutdown());
    });
}

/// The tasks of a dropped tracker run on.
fn a_dropped_group_aborts_its_tasks(running: &Running) {
    running.run(|runtime| async move {
        let group = TaskGroup::new(runtime.clone());
        let (owned, dropped) = gate();
        for _ in 0..4 {
            let (spawned, tracked) = (owned.clone(), owned.clone());
            group.spawn_detached(async move {
                pending::<()>().await;
                drop(spawned);
            });
            let tracked = group.track_future(async move {
                pending::<()>().await;
                drop(tracked);
            });
            runtime.spawn_detached(async { assert!(tracked.await.unwrap_err().is_cancelled()) });
        }
        drop((group, owned));
        all_dropped(dropped).await;
    });
}

#[test]
fn a_tracked_future_is_listed_and_borrows() {
    let group = group();
    let words = String::from("one two");
    let tracked = group.track_future(async { words.split(' ').count() });
    assert_eq!(group.tasks()[0].spawned_at().file(), file!());
    assert_eq!(block_on(tracked).unwrap(), 2);
    assert!(group.is_empty());
}
