//! Tasks of a `JoinGroup` that end on other threads while their results are taken.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use loom::thread;

use super::JoinGroup;
use crate::sync::models::{Bell, block_on, check_bounded};
use crate::{BoxFuture, FnSpawner};

/// A set, and what its spawner got.
fn set(tasks: u8) -> (JoinGroup<u8>, Vec<BoxFuture<'static, ()>>) {
    let slot = Arc::new(Mutex::new(Vec::new()));
    let spawner = FnSpawner::new({
        let slot = slot.clone();
        move |future| slot.lock().expect("not poisoned").push(future)
    });
    let mut set = JoinGroup::new(Arc::new(spawner));
    for task in 0..tasks {
        // Waits once, so that an abort comes in time.
        let mut polled = false;
        let _ = set.spawn(async move {
            poll_fn(|cx| {
                cx.waker().wake_by_ref();
                if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            task
        });
    }
    let futures = std::mem::take(&mut *slot.lock().expect("not poisoned"));
    (set, futures)
}

/// Each result is returned once, and whoever waits is woken.
#[test]
fn two_tasks_end_on_two_threads() {
    check_bounded(2, || {
        let (mut set, tasks) = set(2);
        let threads: Vec<_> =
            tasks.into_iter().map(|task| thread::spawn(|| block_on(task))).collect();
        let mut sum = 0;
        while let Some(result) = block_on(set.join_next()) {
            sum += 1 << result.expect("it completes");
        }
        assert_eq!(sum, 0b11);
        for thread in threads {
            thread.join().expect("it does not panic");
        }
    });
}

/// The same if the wait is polled from several places, and not always to its end.
#[test]
fn a_wait_that_is_dropped_loses_no_result() {
    check_bounded(2, || {
        let (mut set, tasks) = set(2);
        let executor = thread::spawn(|| tasks.into_iter().for_each(block_on));
        let mut sum = 0;
        let bell = Bell::new();
        let waker = Waker::from(bell.clone());
        let poll = set.poll_join_next(&mut Context::from_waker(&waker));
        if let Poll::Ready(result) = poll {
            sum += 1 << result.expect("there are two").expect("it completes");
        }
        if let Some(result) = set.try_join_next() {
            sum += 1 << result.expect("it completes");
        }
        while let Some(result) = block_on(set.join_next()) {
            sum += 1 << result.expect("it completes");
        }
        assert_eq!(sum, 0b11);
        executor.join().expect("it does not panic");
    });
}

/// Aborted tasks are joined as well.
#[test]
fn an_abort_while_the_tasks_end() {
    check_bounded(2, || {
        let (mut set, tasks) = set(2);
        let threads: Vec<_> =
            tasks.into_iter().map(|task| thread::spawn(|| block_on(task))).collect();
        set.abort_all();
        let mut results = 0;
        while let Some(result) = block_on(set.join_next()) {
            results += 1;
            assert!(result.is_ok() || result.is_err_and(|error| error.is_cancelled()));
        }
        assert_eq!(results, 2);
        for thread in threads {
            thread.join().expect("it does not panic");
        }
    });
}

/// Tasks that end while their set is dropped, with somebody's waker in it.
#[test]
fn a_set_that_is_dropped_while_its_tasks_end() {
    for polled in [false, true] {
        check_bounded(2, move || {
            let (mut set, tasks) = set(2);
            let bell = Bell::new();
            if polled {
                let waker = Waker::from(bell.clone());
                assert!(set.poll_join_next(&mut Context::from_waker(&waker)).is_pending());
            }
            let executor = thread::spawn(|| tasks.into_iter().for_each(block_on));
            drop(set);
            executor.join().expect("it does not panic");
            assert_eq!(Arc::strong_count(&bell), 1, "the waker is kept");
        });
    }
}

/// A slot that is used again gets the results of its new task alone.
#[test]
fn a_slot_is_used_again() {
    check_bounded(2, || {
        let (mut set, tasks) = set(1);
        let executor = thread::spawn(|| tasks.into_iter().for_each(block_on));
        let first = block_on(set.join_next()).expect("there is one").expect("it completes");
        let (ready, next) = (set.len(), 7);
        let slot = Arc::new(Mutex::new(None));
        let spawner = FnSpawner::new({
            let slot = slot.clone();
            move |future| *slot.lock().expect("not poisoned") = Some(future)
        });
        set.insert(crate::SpawnerExt::spawn_with_handle(&spawner, async move { next }));
        // The first task's waker may still be called.
        let mut poll = set.poll_join_next(&mut Context::from_waker(Waker::noop()));
        assert!(poll.is_pending());
        let second: BoxFuture<'_, ()> =
            slot.lock().expect("not poisoned").take().expect("it was spawned");
        block_on(second);
        executor.join().expect("it does not panic");
        poll = set.poll_join_next(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(Some(Ok(second))) = poll else { panic!("it has ended") };
        assert_eq!((first, ready, second, set.len()), (0, 0, next, 0));
    });
}
