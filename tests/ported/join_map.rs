//! tokio-util's `tests/task_join_map.rs`.

use std::collections::BTreeSet;
use std::future::pending;

use async_runtime_compat::JoinMap;
use async_runtime_compat::prelude::*;
#[cfg(any(feature = "tokio", feature = "async-executor"))]
use futures_lite::future::block_on;
use test_support::on_all_runtimes;
use test_support::runtimes::Running;

use super::{after, all_dropped, gate, poll_once, signal};

on_all_runtimes! {
    maps_are_used_again,
    a_dropped_map_drops_each_future,
    spawns_and_joins_alternate,
    keys_are_those_of_the_tasks,
    tasks_are_aborted_by_key_and_by_predicate,
    abort_all_keeps_the_outputs_of_completed_tasks,
    try_join_next_of_no_task_and_of_pending_ones,
    try_join_next_returns_what_ended,
    try_join_next_skips_replaced_tasks,
    a_second_task_replaces_the_first,
    a_replaced_task_yields_no_result,
    a_key_may_panic_when_it_is_dropped,
    shutdown_waits_until_all_are_dropped,
}

fn maps_are_used_again(running: &Running) {
    running.run(|runtime| async move {
        let mut map = JoinMap::new(runtime);
        for number in 0..10 {
            map.spawn(number, async move { number });
            assert_eq!(map.len(), number + 1);
        }
        map.detach_all();
        assert_eq!(map.len(), 0);
        assert!(map.join_next().await.is_none());
        for _ in 0..2 {
            let gates: Vec<_> = (0..10)
                .map(|number| {
                    let (open, opened) = gate();
                    map.spawn(number, after(opened, number));
                    open
                })
                .collect();
            for (number, open) in gates.into_iter().enumerate() {
                drop(open);
                let (key, output) = map.join_next().await.unwrap();
                assert_eq!((key, output.unwrap()), (number, number));
            }
            assert!(map.join_next().await.is_none());
        }
    });
}

fn a_dropped_map_drops_each_future(running: &Running) {
    running.run(|runtime| async move {
        let mut map = JoinMap::<_, ()>::new(runtime);
        let (owned, dropped) = gate();
        for number in 0..16 {
            let owned = owned.clone();
            map.spawn(number, async move {
                pending::<()>().await;
                drop(owned);
            });
        }
        drop((map, owned));
        all_dropped(dropped).await;
    });
}

fn spawns_and_joins_alternate(running: &Running) {
    running.run(|runtime| async move {
        let mut map = JoinMap::new(runtime);
        map.spawn(1, async {});
        map.spawn(2, async {});
        for number in 3..20 {
            assert_eq!(map.len(), 2);
            assert!(map.join_next().await.unwrap().1.is_ok());
            assert_eq!(map.len(), 1);
            map.spawn(number, async {});
        }
    });
}

fn keys_are_those_of_the_tasks(running: &Running) {
    running.run(|runtime| async move {
        let mut map = JoinMap::new(runtime);
        map.spawn(1, async {});
        map.spawn(2, async {});
        assert_eq!(map.keys().copied().collect::<BTreeSet<_>>(), [1, 2].into());
        let (first, _) = map.join_next().await.unwrap();
        assert!(map.keys().eq([&(3 - first)]));
        map.join_next().await.unwrap().1.unwrap();
        assert!(map.keys().next().is_none() && map.is_empty());
    });
}

fn tasks_are_aborted_by_key_and_by_predicate(running: &Running) {
    running.run(|runtime| async move {
        for by_key in [false, true] {
            let mut map = JoinMap::new(runtime.clone());
            let (open, opened) = gate();
            map.extend((0..16).map(|number| (number, after(opened.clone(), ()))));
            if by_key {
                assert!((0..16).filter(|number| number % 2 != 0).all(|number| map.abort(&number)));
                assert!(!map.abort(&16));
            } else {
                map.abort_matching(|key| key % 2 != 0);
            }
            drop(open);
            let mut keys = BTreeSet::new();
            while let Some((key, result)) = map.join_next().await {
                assert!(!map.contains_key(&key) && keys.insert(key));
                match result {
                    Ok(()) => assert_eq!(key % 2, 0),
                    Err(error) => assert!(key % 2 != 0 && error.is_cancelled()),
                }
            }
            assert_eq!(keys.len(), 16);
        }
    });
}

#[cfg(any(feature = "tokio", feature = "async-executor"))]
#[test]
fn tasks_of_a_runtime_that_is_gone_say_so() {
    for (spawner, end) in super::runtimes_that_end() {
        let mut map = JoinMap::new(spawner);
        map.spawn("key", async { 1 });
        end();
        let (key, result) = block_on(map.join_next()).unwrap();
        assert!(key == "key" && result.unwrap_err().is_shutdown());
    }
}

#[cfg(feature = "tokio")]
#[test]
fn results_beyond_the_budget_of_a_poll_come_in_the_next() {
    use async_runtime_compat::yield_now;
    use futures_lite::future::poll_once;

    const TASKS: usize = 1000;
    super::in_tokio_task(|runtime| async move {
        let mut map = JoinMap::new(runtime);
        map.extend((0..TASKS).map(|number| (number, async move { number })));
        super::others_have_run(TASKS).await;
        let (mut taken, mut polls) = (0, 1);
        while !map.is_empty() {
            if let Some(joined) = poll_once(map.join_next()).await {
                let (key, output) = joined.unwrap();
                assert_eq!(key, output.unwrap());
                taken += 1;
            } else {
                polls += 1;
                yield_now().await;
            }
        }
        assert!(polls > 1, "the budget of one poll sufficed for all of them");
        assert_eq!(taken, TASKS);
    });
}

fn abort_all_keeps_the_outputs_of_completed_tasks(running: &Running) {
    running.run(|runtime| async move {
        let mut map = JoinMap::new(runtime);
        let (open, opened) = gate();
        for number in 0..5 {
            map.spawn(number, pending());
        }
        map.spawn(5, after(opened, 7));
        let (waker, woken) = signal();
        assert!(map.poll_join_next(&mut std::task::Context::from_waker(&waker)).is_pending());
        drop(open);
        woken.recv().await.unwrap();
        map.abort_all();
        assert_eq!(map.len(), 6);
        let mut keys = BTreeSet::new();
        while let Some((key, result)) = map.join_next().await {
            match result {
                Ok(output) => assert_eq!((key, output), (5, 7)),
                Err(error) => assert!(key < 5 && error.is_cancelled()),
            }
            keys.insert(key);
        }
        assert_eq!(keys.len(), 6);
        assert_eq!(map.len(), 0);
    });
}

fn try_join_next_of_no_task_and_of_pending_ones(running: &Running) {
    running.run(|runtime| async move {
        let mut map = JoinMap::<_, ()>::new(runtime);
        assert!(map.try_join_next().is_none());
        map.spawn("pending", pending());
        assert!(map.try_join_next().is_none());
        assert_eq!(map.len(), 1);
    });
}

/// Waits until a task has ended, and takes its result.
fn ended<K: Eq + std::hash::Hash, T>(map: &mut JoinMap<K, T>) -> (K, Result<T, JoinError>) {
    loop {
        if let Some(joined) = map.try_join_next() {
            return joined;
        }
        std::thread::yield_now();
    }
}

fn try_join_next_returns_what_ended(running: &Running) {
    running.run(|runtime| async move {
        let mut map = JoinMap::new(runtime);
        map.extend((0..8).map(|number| (number, async move { number })));
        map.spawn(8, pending());
        assert!(map.abort(&8));
        let mut keys = BTreeSet::new();
        while !map.is_empty() {
            let (key, result) = ended(&mut map);
            match result {
                Ok(output) => assert_eq!(output, key),
                Err(error) => assert!(key == 8 && error.is_cancelled()),
            }
            keys.insert(key);
        }
        assert_eq!(keys.len(), 9);
        assert!(map.try_join_next().is_none());
    });
}

fn try_join_next_skips_replaced_tasks(running: &Running) {
    running.run(|runtime| async move {
        let mut map = JoinMap::new(runtime);
        let (open, opened) = gate();
        map.spawn(1, after(opened, 11));
        let (waker, woken) = signal();
        assert!(map.poll_join_next(&mut std::task::Context::from_waker(&waker)).is_pending());
        drop(open);
        // It has completed, and is replaced before its result was taken.
        woken.recv().await.unwrap();
        map.spawn(1, async { 22 });
        let (key, result) = ended(&mut map);
        assert_eq!((key, result.unwrap()), (1, 22));
        assert!(map.try_join_next().is_none() && map.is_empty());
    });
}

fn a_second_task_replaces_the_first(running: &Running) {
    running.run(|runtime| async move {
        let mut map = JoinMap::new(runtime);
        let (owned, dropped) = gate();
        map.spawn(1, async move {
            pending::<()>().await;
            drop(owned);
            1
        });
        map.spawn(1, async { 2 });
        assert_eq!(map.len(), 1);
        let (key, result) = map.join_next().await.unwrap();
        assert_eq!((key, result.unwrap()), (1, 2));
        assert!(map.is_empty());
        // Not before the first one's future has been dropped.
        assert!(map.join_next().await.is_none());
        assert!(dropped.is_closed(), "a replaced future outlives the map's last task");
    });
}

fn a_replaced_task_yields_no_result(running: &Running) {
    running.run(|runtime| async move {
        let mut map = JoinMap::new(runtime);
        let (open, opened) = gate();
        map.spawn(1, async { 1 });
        map.spawn(1, after(opened, 2));
        assert_eq!(map.len(), 1);
        assert!(poll_once(&mut Box::pin(map.join_next())).is_pending());
        drop(open);
        let (key, result) = map.join_next().await.unwrap();
        assert_eq!((key, result.unwrap()), (1, 2));
        assert!(map.join_next().await.is_none());
    });
}

/// tokio-util lets the panic out of `spawn`.
fn a_key_may_panic_when_it_is_dropped(running: &Running) {
    #[derive(PartialEq, Eq, Hash)]
    struct Key;

    impl Drop for Key {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new("dropped"));
        }
    }

    running.run(|runtime| async move {
        let mut map = JoinMap::new(runtime);
        let (owned, dropped) = gate();
        map.spawn(Key, async move {
            pending::<()>().await;
            drop(owned);
        });
        map.spawn(Key, async {});
        all_dropped(dropped).await;
        let (key, result) = map.join_next().await.unwrap();
        std::mem::forget(key);
        assert!(result.is_ok());
        assert!(map.join_next().await.is_none());
    });
}

fn shutdown_waits_until_all_are_dropped(running: &Running) {
    running.run(|runtime| async move {
        let mut map = JoinMap::new(runtime);
        let (owned, dropped) = gate();
        // Some of them are replaced.
        for number in 0..8 {
            let owned = owned.clone();
            map.spawn(number / 2, async move {
                pending::<()>().await;
                drop(owned);
            });
        }
        drop(owned);
        assert_eq!(map.len(), 4);
        map.shutdown().await;
        assert!(map.is_empty());
        assert!(dropped.is_closed(), "a future outlives the shutdown");
    });
}
