//! tokio's `tests/task_join_set.rs`.

use std::future::pending;
use std::sync::Arc;
use std::task::Context;

use async_runtime_compat::decorate::Identified;
use async_runtime_compat::prelude::*;
#[cfg(any(feature = "tokio", feature = "async-executor"))]
use futures_lite::future::block_on;
use test_support::on_all_runtimes;
use test_support::runtimes::Running;

use super::{after, all_dropped, gate, signal};

on_all_runtimes! {
    sets_are_used_again,
    a_dropped_set_drops_each_future,
    spawns_and_joins_alternate,
    handles_from_the_spawn_abort_single_tasks,
    join_all_returns_each_output,
    join_all_returns_the_first_error_and_aborts_the_rest,
    abort_all_keeps_the_outputs_of_completed_tasks,
    try_join_next_returns_each_result,
    futures_extend_a_set,
    results_come_with_the_id_of_their_task,
}

fn results_come_with_the_id_of_their_task(running: &Running) {
    running.run(|runtime| async move {
        let mut set = JoinGroup::new(Arc::new(Identified::new(runtime)));
        let (open, opened) = gate();
        let first = set.spawn(after(opened, 1)).id();
        let second = set.spawn(async { 2 }).id();
        assert!(first.is_some() && first != second);
        let (id, number) = set.join_next_with_id().await.unwrap();
        assert_eq!((id, number.unwrap()), (second, 2));
        drop(open);
        let (id, number) = set.join_next_with_id().await.unwrap();
        assert_eq!((id, number.unwrap()), (first, 1));
        assert!(set.join_next_with_id().await.is_none());
    });
}

fn sets_are_used_again(running: &Running) {
    running.run(|runtime| async move {
        let mut set = JoinGroup::new(runtime);
        for number in 0..10 {
            set.spawn(async move { number });
            assert_eq!(set.len(), number + 1);
        }
        set.detach_all();
        assert_eq!(set.len(), 0);
        assert!(set.join_next().await.is_none());
        for _ in 0..2 {
            let gates: Vec<_> = (0..10)
                .map(|number| {
                    let (open, opened) = gate();
                    set.spawn(after(opened, number));
                    open
                })
                .collect();
            assert_eq!(set.len(), 10);
            for (number, open) in gates.into_iter().enumerate() {
                drop(open);
                assert_eq!(set.join_next().await.unwrap().unwrap(), number);
            }
            assert!(set.join_next().await.is_none());
        }
    });
}

fn a_dropped_set_drops_each_future(running: &Running) {
    running.run(|runtime| async move {
        let mut set = JoinGroup::<()>::new(runtime);
        let (owned, dropped) = gate();
        for _ in 0..16 {
            let owned = owned.clone();
            set.spawn(async move {
                pending::<()>().await;
                drop(owned);
            });
        }
        drop((set, owned));
        all_dropped(dropped).await;
    });
}

fn spawns_and_joins_alternate(running: &Running) {
    running.run(|runtime| async move {
        let mut set = JoinGroup::new(runtime);
        set.spawn(async {});
        set.spawn(async {});
        for _ in 0..64 {
            assert_eq!(set.len(), 2);
            set.join_next().await.unwrap().unwrap();
            assert_eq!(set.len(), 1);
            set.spawn(async {});
        }
    });
}

fn handles_from_the_spawn_abort_single_tasks(running: &Running) {
    running.run(|runtime| async move {
        let mut set = JoinGroup::new(runtime);
        let (open, opened) = gate();
        for number in 0..16 {
            let abort = set.spawn(after(opened.clone(), number)).abort_handle();
            if number % 2 != 0 {
                abort.abort();
            }
        }
        drop(open);
        let (mut completed, mut cancelled) = (0, 0);
        while let Some(result) = set.join_next().await {
            match result {
                Ok(number) => {
                    assert_eq!(number % 2, 0);
                    completed += 1;
                }
                Err(error) => {
                    assert!(error.is_cancelled());
                    cancelled += 1;
                }
            }
        }
        assert_eq!((completed, cancelled), (8, 8));
    });
}

#[cfg(any(feature = "tokio", feature = "async-executor"))]
#[test]
fn tasks_of_a_runtime_that_is_gone_say_so() {
    for (spawner, end) in super::runtimes_that_end() {
        let mut set = JoinGroup::new(spawner);
        set.spawn(async { 1 });
        end();
        assert!(block_on(set.join_next()).unwrap().unwrap_err().is_shutdown());
        assert!(block_on(set.join_next()).is_none());
    }
}

fn join_all_returns_each_output(running: &Running) {
    running.run(|runtime| async move {
        let mut set = JoinGroup::new(runtime);
        for _ in 0..5 {
            set.spawn(async { 1 });
        }
        assert_eq!(set.join_all().await.unwrap(), [1; 5]);
    });
}

fn join_all_returns_the_first_error_and_aborts_the_rest(running: &Running) {
    running.run(|runtime| async move {
        let mut set = JoinGroup::new(runtime);
        let (owned, dropped) = gate();
        set.spawn(async move {
            pending::<()>().await;
            drop(owned);
        });
        set.spawn(async { std::panic::resume_unwind(Box::new("why")) });
        let error = set.join_all().await.unwrap_err();
        assert_eq!(error.panic_message().as_deref(), Some("why"));
        all_dropped(dropped).await;
    });
}

fn abort_all_keeps_the_outputs_of_completed_tasks(running: &Running) {
    running.run(|runtime| async move {
        for round in 0..5 {
            let mut set = JoinGroup::new(runtime.clone());
            let (open, opened) = gate();
            for _ in 0..5 {
                set.spawn(pending());
            }
            set.spawn(after(opened, round));
            let (waker, woken) = signal();
            assert!(set.poll_join_next(&mut Context::from_waker(&waker)).is_pending());
            drop(open);
            // The task has ended, and nobody has taken its result.
            woken.recv().await.unwrap();
            set.abort_all();
            assert_eq!(set.len(), 6);
            let (mut outputs, mut cancelled) = (vec![], 0);
            while let Some(result) = set.join_next().await {
                match result {
                    Ok(output) => outputs.push(output),
                    Err(error) => cancelled += usize::from(error.is_cancelled()),
                }
            }
            assert_eq!((outputs, cancelled), (vec![round], 5));
            assert!(set.is_empty());
        }
    });
}

#[cfg(feature = "tokio")]
#[test]
fn results_beyond_the_budget_of_a_poll_come_in_the_next() {
    use async_runtime_compat::yield_now;
    use futures_lite::future::poll_once;

    const TASKS: usize = 1000;
    super::in_tokio_task(|runtime| async move {
        let mut set = JoinGroup::new(runtime);
        for number in 0..TASKS {
            set.spawn(async move { number });
        }
        super::others_have_run(TASKS).await;
        let (mut taken, mut polls) = (0, 1);
        loop {
            match poll_once(set.join_next()).await {
                Some(Some(result)) => {
                    assert_eq!(result.unwrap(), taken);
                    taken += 1;
                }
                Some(None) => break,
                None => {
                    polls += 1;
                    yield_now().await;
                }
            }
        }
        assert!(polls > 1, "the budget of one poll sufficed for all of them");
        assert_eq!(taken, TASKS);
    });
}

fn try_join_next_returns_each_result(running: &Running) {
    const TASKS: usize = 100;
    running.run(|runtime| async move {
        let mut set = JoinGroup::new(runtime);
        let (open, opened) = gate();
        for number in 0..TASKS {
            set.spawn(after(opened.clone(), number));
        }
        assert!(set.try_join_next().is_none());
        drop(open);
        let mut seen = vec![false; TASKS];
        while !set.is_empty() {
            match set.try_join_next() {
                Some(number) => seen[number.unwrap()] = true,
                None => std::thread::yield_now(),
            }
        }
        assert!(seen.into_iter().all(|seen| seen));
        assert!(set.try_join_next().is_none());
    });
}

/// All results are there, and none has to wait for another poll.
#[cfg(feature = "tokio")]
#[test]
fn try_join_next_is_not_limited_by_a_budget() {
    const TASKS: usize = 1000;
    super::in_tokio_task(|runtime| async move {
        let mut set = JoinGroup::new(runtime);
        for _ in 0..TASKS {
            set.spawn(async {});
        }
        super::others_have_run(TASKS).await;
        let taken = std::iter::from_fn(|| set.try_join_next()).map(Result::unwrap).count();
        assert_eq!(taken, TASKS);
    });
}

fn futures_extend_a_set(running: &Running) {
    running.run(|runtime| async move {
        let mut set = JoinGroup::from_iter_on(runtime, (0..5).map(|number| async move { number }));
        set.extend((5..10).map(|number| async move { number }));
        let mut all = set.join_all().await.unwrap();
        all.sort_unstable();
        assert_eq!(all, (0..10).collect::<Vec<_>>());
    });
}
