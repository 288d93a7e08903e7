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

/// A task that has ended before it is added, and blocking work, are as good as a spawned one.
#[test]
fn ended_tasks_and_blocking_work_are_added() {
    let pool = async_runtime_compat::BlockingPool::new();
    for (name, spawner, _running) in spawners() {
        let mut tasks = JoinGroup::new(spawner.clone());
        let handle = spawner.spawn_with_handle(async { 1 });
        while !handle.is_finished() {
            std::thread::yield_now();
        }
        // It keeps its place, and its handle says what it is.
        assert!(tasks.insert(handle).is_finished());
        tasks.spawn_blocking(&pool, || 2);
        assert_eq!(tasks.len(), 2);
        assert_eq!(block_on(tasks.join_next()).unwrap().unwrap(), 1, "on {name}");
        assert_eq!(block_on(tasks.join_next()).unwrap().unwrap(), 2, "on {name}");
        assert!(block_on(tasks.join_next()).is_none());
    }
}

#[test]
fn the_handle_from_a_spawn_tells_name_and_location() {
    for (name, spawner, _running) in spawners() {
        let mut tasks = JoinGroup::<()>::new(spawner);
        let here = std::panic::Location::caller();
        let handle = tasks.spawn_named("waits", pending());
        assert_eq!(handle.task_name().as_deref(), Some("waits"), "on {name}");
        assert_eq!(
            (handle.spawned_at().file(), handle.spawned_at().line()),
            (file!(), here.line() + 1)
        );
        let line = std::panic::Location::caller().line() + 1;
        tasks.extend([pending()]);
        tasks.abort_all();
        let errors = [block_on(tasks.join_next()), block_on(tasks.join_next())];
        let lines = errors.map(|error| error.unwrap().unwrap_err().spawned_at().line());
        assert!(lines.contains(&line), "{lines:?}, on {name}");
    }
}

/// Slots are used again, and with them their wakers, while old wakers may still be called.
#[test]
fn a_few_slots_serve_many_tasks() {
    for (name, spawner, _running) in spawners() {
        let mut tasks = JoinGroup::new(spawner);
        let mut sum = 0;
        for number in 0..2_000_u64 {
            tasks.spawn(async move {
                if number % 2 == 0 {
                    async_runtime_compat::yield_now().await;
                }
                number
            });
            if number % 7 == 0 {
                tasks.spawn(pending()).abort();
            }
            while tasks.len() > 3 {
                sum += block_on(tasks.join_next()).unwrap().unwrap_or_default();
            }
        }
        while let Some(number) = block_on(tasks.join_next()) {
            sum += number.unwrap_or_default();
        }
        assert_eq!(sum, 1_999_000, "on {name}");
    }
}

/// A wait that is given up for one with another waker, and a wait with the same waker as before.
#[test]
fn the_waker_of_the_last_poll_is_woken() {
    struct Signal(async_channel::Sender<u8>, u8);

    impl std::task::Wake for Signal {
        fn wake(self: Arc<Self>) {
            self.0.try_send(self.1).unwrap();
        }
    }

    for (name, spawner, _running) in spawners() {
        let (sender, woken) = async_channel::unbounded();
        let wakers = [1, 2].map(|number| Arc::new(Signal(sender.clone(), number)).into());
        let mut tasks = JoinGroup::new(spawner);
        for last in [0, 1, 0] {
            let (open, gate) = async_channel::bounded::<()>(1);
            tasks.spawn(async move { gate.recv().await.is_err() });
            for at in [last, 1 - last, last, last] {
                let mut cx = std::task::Context::from_waker(&wakers[at]);
                assert!(tasks.poll_join_next(&mut cx).is_pending());
            }
            drop(open);
            assert_eq!(usize::from(block_on(woken.recv()).unwrap()), last + 1, "on {name}");
            assert!(tasks.try_join_next().unwrap().unwrap());
            assert!(woken.is_empty());
        }
    }
}
