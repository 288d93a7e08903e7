//! Decorators in the simulation: over many schedules, and what its reports say.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use async_runtime_compat::decorate::{Counted, Limited, Named};
use async_runtime_compat::prelude::*;
use async_runtime_compat::{TaskGroup, yield_now};
use async_runtime_compat_sim::Sim;

use test_support::explore::explore;

use crate::limited::Live;

#[test]
fn places_are_given_on_whatever_becomes_of_those_who_have_them() {
    explore(1000, |rt| async move {
        let limited = Limited::new(rt.clone(), 2);
        let live = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..5)
            .map(|number| {
                let live = Live::new(&live);
                limited.spawn_with_handle(async move {
                    live.enter(2);
                    yield_now().await;
                    number
                })
            })
            .collect();
        // At some moment: before it has a place, with it, or after its end.
        tasks[1].abort();
        yield_now().await;
        tasks[3].abort();
        let mut cancelled = 0;
        for (expected, task) in tasks.into_iter().enumerate() {
            match task.await {
                Ok(number) => assert_eq!(number, expected),
                Err(error) => {
                    assert!(error.is_cancelled(), "{error}");
                    cancelled += 1;
                }
            }
        }
        assert!(cancelled <= 2);
        assert_eq!((limited.running(), limited.waiting()), (0, 0));
    });
}

#[test]
fn permits_against_tasks_against_aborts() {
    explore(1000, |rt| async move {
        let limited = Limited::new(rt.clone(), 1);
        let producers = [0, 1].map(|_| {
            let limited = limited.clone();
            rt.spawn_with_handle(async move {
                for _ in 0..2 {
                    limited.acquire().await.spawn_with_handle(yield_now()).await.unwrap();
                }
            })
        });
        let gives_up = {
            let limited = limited.clone();
            rt.spawn_with_handle(async move { drop(limited.acquire().await) })
        };
        let task = limited.spawn_with_handle(yield_now());
        yield_now().await;
        gives_up.abort();
        let _ = gives_up.await;
        for producer in producers {
            producer.await.unwrap();
        }
        task.await.unwrap();
        assert_eq!((limited.running(), limited.waiting()), (0, 0));
    });
}

#[test]
fn group_shuts_down_what_waits() {
    explore(1000, |rt| async move {
        let counted = Counted::new(rt.clone());
        let group = TaskGroup::new(Arc::new(Limited::new(counted.clone(), 1)));
        for _ in 0..3 {
            group.spawn_detached(std::future::pending());
        }
        let report = group.shutdown(&rt, Duration::from_secs(1)).await;
        assert_eq!((report.aborted, report.finished, report.panicked), (3, 0, 0));
        let counts = counted.counts();
        assert_eq!((counts.spawned, counts.aborted, counts.live()), (3, 3, 0));
    });
}

/// Two tasks that wait for children without a place: the report names who waits, by their new names.
#[test]
fn tasks_that_wait_for_each_other_are_found_and_named() {
    let failure = Sim::new(1)
        .run(|rt| async move {
            let named = Named::with_prefix(rt, "crawl.");
            let limited = Limited::new(named, 1);
            let inner = limited.clone();
            let parent = limited.spawn_named("parent", async move {
                inner.spawn_named("child", async {}).await.unwrap();
            });
            parent.await.unwrap();
        })
        .unwrap_err()
        .to_string();
    for name in ["'crawl.parent'", "'crawl.child'", "tests/decorators/sim.rs"] {
        assert!(failure.contains(name), "no {name} in: {failure}");
    }
}

#[test]
fn limits_keep_virtual_time() {
    let report = Sim::new(1).run(|rt| async move {
        let limited = Limited::new(rt.clone(), 2);
        let tasks: Vec<_> = (0..6)
            .map(|_| {
                let rt = rt.clone();
                limited.spawn_with_handle(async move { rt.sleep(Duration::from_secs(10)).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!(report.unwrap().elapsed, Duration::from_secs(30));
}
