//! Many threads at the same limits.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use async_runtime_compat::decorate::{Counted, Limited};
use async_runtime_compat::prelude::*;
use async_runtime_compat::yield_now;
use futures_lite::future::block_on;

use super::Live;
use test_support::runtimes::{Running, on_all_runtimes};

on_all_runtimes! {
    storm_with_aborts_leaves_nothing_behind,
    limits_around_each_other_wait_for_no_circle,
    producers_are_held_back,
}

/// Each task completes, or is aborted at some moment: in the queue, as its turn comes, or after.
fn storm_with_aborts_leaves_nothing_behind(running: &Running) {
    const THREADS: usize = 4;
    const EACH: usize = 100;
    let counted = Counted::new(running.runtime.clone());
    let limited = Limited::new(counted.clone(), 3);
    let (live, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (limited, live, done) = (&limited, &live, &done);
            scope.spawn(move || {
                let mut kept = Vec::new();
                for number in 0..EACH {
                    let (live, done) = (Live::new(live), done.clone());
                    let task = limited.spawn_with_handle(async move {
                        live.enter(3);
                        yield_now().await;
                        done.fetch_add(1, Ordering::SeqCst);
                    });
                    match (thread + number) % 4 {
                        0 => drop(task.abort_on_drop()),
                        1 => {
                            task.abort();
                            kept.push(task);
                        }
                        2 => task.detach(),
                        _ => kept.push(task),
                    }
                }
                for task in kept {
                    let _ = block_on(task);
                }
            });
        }
    });
    while limited.running() > 0 || limited.waiting() > 0 {
        thread::yield_now();
    }
    let counts = counted.counts();
    assert_eq!((counts.spawned, counts.live(), counts.panicked), (400, 0, 0));
    assert_eq!(counts.finished, done.load(Ordering::SeqCst) as u64);
    assert!(counts.finished >= 200, "{counts}");
    assert_eq!(live.load(Ordering::SeqCst), 0);
}

fn limits_around_each_other_wait_for_no_circle(running: &Running) {
    let inner = Limited::new(running.runtime.clone(), 2);
    let outer = Limited::new(inner.clone(), 2);
    let beside = Limited::new(inner.clone(), 1);
    thread::scope(|scope| {
        for thread in 0..4 {
            let (inner, outer, beside) = (&inner, &outer, &beside);
            scope.spawn(move || {
                let spawn = |number: usize| match (thread + number) % 3 {
                    0 => inner.spawn_with_handle(yield_now()),
                    1 => outer.spawn_with_handle(yield_now()),
                    _ => beside.spawn_with_handle(yield_now()),
                };
                let tasks: Vec<_> = (0..100).map(spawn).collect();
                for task in tasks {
                    block_on(task).unwrap();
                }
            });
        }
    });
    let idle = |running, waiting| assert_eq!((running, waiting), (0, 0));
    idle(inner.running(), inner.waiting());
    idle(outer.running(), outer.waiting());
    idle(beside.running(), beside.waiting());
}

fn producers_are_held_back(running: &Running) {
    let limited = Limited::new(running.runtime.clone(), 2);
    // Never to end: each place is used up for good.
    let spawned = AtomicUsize::new(0);
    thread::scope(|scope| {
        let producers: Vec<_> = (0..3)
            .map(|_| {
                let (limited, spawned) = (&limited, &spawned);
                scope.spawn(move || {
                    for _ in 0..50 {
                        let place = block_on(limited.acquire());
                        // The producers have no more than the places between them.
                        assert!(limited.running() <= 2);
                        spawned.fetch_add(1, Ordering::SeqCst);
                        place.spawn_with_handle(yield_now()).detach();
                        assert!(limited.waiting() <= 3);
                    }
                })
            })
            .collect();
        for producer in producers {
            producer.join().unwrap();
        }
    });
    assert_eq!(spawned.load(Ordering::SeqCst), 150);
    // No task of theirs has waited in the queue, and so none is left there.
    assert_eq!(limited.waiting(), 0);
    limited.set_limit(0);
    let waits = limited.spawn_with_handle(pending::<()>());
    assert!(limited.try_acquire().is_none());
    block_on(waits.cancel()).unwrap_err();
}
