//! Results in the order in which they come.

use std::future::pending;
use std::sync::Arc;

use async_runtime_compat::TaskGroup;
use async_runtime_compat::prelude::*;
use futures_lite::future::block_on;

use super::{Alive, poll, spawners};

#[test]
fn results_come_in_the_order_of_the_ends() {
    for (name, spawner, _running) in spawners() {
        let mut tasks = JoinGroup::new(spawner);
        let gates: Vec<_> = (0..10)
            .map(|number| {
                let (open, gate) = async_channel::bounded::<()>(1);
                tasks.spawn(async move {
                    gate.recv().await.unwrap();
                    number
                });
                open
            })
            .collect();
        assert_eq!(tasks.len(), 10);
        assert!(tasks.try_join_next().is_none());
        for number in [3, 9, 0, 1, 8, 2, 7, 4, 6, 5] {
            block_on(gates[number].send(())).unwrap();
            let next = block_on(tasks.join_next()).unwrap().unwrap();
            assert_eq!(next, number, "on {name}");
        }
        assert!(block_on(tasks.join_next()).is_none());
        assert!(tasks.is_empty() && tasks.try_join_next().is_none());
    }
}

/// There are more results than a task of tokio's may take in one poll.
#[cfg(feature = "tokio")]
#[test]
fn results_beyond_the_budget_of_a_poll_come_in_their_order_too() {
    use async_runtime_compat::tokio::TokioSpawner;

    const TASKS: u32 = 1000;
    let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
    tokio.block_on(async {
        let mut tasks = JoinGroup::new(Arc::new(TokioSpawner::current().unwrap()));
        for at_once in [false, true] {
            for number in 0..TASKS {
                tasks.spawn(async move { number });
            }
            for _ in 0..TASKS {
                tokio::task::yield_now().await;
            }
            for number in 0..TASKS {
                let next = if at_once { tasks.try_join_next() } else { tasks.join_next().await };
                assert_eq!(next.unwrap().unwrap(), number);
            }
            assert!(tasks.is_empty());
        }
    });
}

#[test]
fn errors_name_the_task() {
    for (name, spawner, _running) in spawners() {
        let mut tasks = JoinGroup::<()>::new(spawner);
        tasks.spawn_named("panics", async { std::panic::resume_unwind(Box::new("why")) });
        let error = block_on(tasks.join_next()).unwrap().unwrap_err();
        assert!(error.is_panic() && error.task_name() == Some("panics"), "on {name}");
        assert_eq!(error.spawned_at().file(), file!());
        tasks.spawn_named("waits", pending());
        tasks.abort_all();
        let error = block_on(tasks.join_next()).unwrap().unwrap_err();
        assert!(error.is_cancelled() && error.task_name() == Some("waits"), "on {name}");
    }
}

#[test]
fn dropping_aborts_and_detaching_does_not() {
    for (name, spawner, _running) in spawners() {
        let (group, alive) = (TaskGroup::new(spawner), Alive::default());
        let mut tasks = group.join_group();
        for _ in 0..20 {
            let owned = alive.clone();
            tasks.spawn(async move {
                pending::<()>().await;
                drop(owned);
            });
        }
        assert_eq!(group.len(), 20);
        drop(tasks);
        block_on(group.wait());
        assert_eq!(alive.count(), 0, "on {name}");

        let (open, gate) = async_channel::bounded::<()>(1);
        let mut tasks = group.join_group();
        tasks.spawn(async move { gate.recv().await.unwrap() });
        tasks.detach_all();
        assert!(tasks.is_empty());
        drop(tasks);
        assert_eq!(group.len(), 1);
        block_on(open.send(())).unwrap();
        block_on(group.wait());
    }
}

#[test]
fn shutdown_waits_until_all_are_dropped() {
    for (name, spawner, _running) in spawners() {
        let (mut tasks, alive) = (JoinGroup::new(spawner), Alive::default());
        for _ in 0..20 {
            let owned = alive.clone();
            tasks.spawn(async move {
                pending::<()>().await;
                drop(owned);
            });
        }
        block_on(tasks.shutdown());
        assert_eq!((alive.count(), tasks.len()), (0, 0), "on {name}");
    }
}

#[test]
fn what_was_refused_has_a_result_as_well() {
    let group = TaskGroup::new(Arc::new(test_support::threads::Threads::default()));
    group.close();
    let mut tasks = group.join_group();
    tasks.spawn(async {});
    assert!(tasks.try_join_next().unwrap().unwrap_err().is_shutdown());
    let handle = group.spawn_with_handle(async {});
    tasks.insert(handle);
    assert!(block_on(tasks.join_next()).unwrap().unwrap_err().is_shutdown());
}

/// The waker of a wait that was given up is not kept, and the next wait finds what it missed.
#[test]
fn join_next_is_cancel_safe() {
    for (name, spawner, _running) in spawners() {
        let mut tasks = JoinGroup::new(spawner);
        let (open, gate) = async_channel::bounded::<()>(1);
        tasks.spawn(async move { gate.recv().await.is_ok() });
        {
            let mut wait = Box::pin(tasks.join_next());
            assert!(poll(&mut wait).is_pending());
        }
        block_on(open.send(())).unwrap();
        assert!(block_on(tasks.join_next()).unwrap().unwrap(), "on {name}");
    }
}

#[test]
fn many_tasks_that_end_at_once_are_all_handed_out() {
    for (name, spawner, _running) in spawners() {
        let many = if name == "threads" { 200 } else { 5_000 };
        let mut tasks = JoinGroup::new(spawner);
        for round in 0..3 {
            for number in 0..many {
                tasks.spawn(async move {
                    if number % 3 == 0 {
                        async_runtime_compat::yield_now().await;
                    }
                    number
                });
            }
            let mut seen = vec![false; many];
            while let Some(number) = block_on(tasks.join_next()) {
                assert!(!std::mem::replace(&mut seen[number.unwrap()], true));
            }
            assert!(seen.iter().all(|seen| *seen), "on {name}, round {round}");
        }
    }
}
