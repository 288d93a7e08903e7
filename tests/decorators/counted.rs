//! Counting, and how the counts are told.

use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::thread;

use async_runtime_compat::decorate::{Counted, Counts, Exposition, Metric, MetricKind};
use async_runtime_compat::prelude::*;
use async_runtime_compat::{FnSpawner, TaskGroup};
use futures_lite::future::block_on;
use test_support::runtimes::{Running, on_all_runtimes};

on_all_runtimes! {
    each_end_is_counted,
    work_that_blocks_is_counted_for_itself,
    what_a_group_refuses_is_counted_outside_of_it,
    no_count_is_lost_between_threads,
}

fn numbers(counts: Counts) -> [u64; 5] {
    [counts.spawned, counts.live(), counts.finished, counts.aborted, counts.panicked]
}

fn each_end_is_counted(running: &Running) {
    let counted = Counted::new(running.runtime.clone());
    // It is a runtime, and its clones are the same.
    let runtime: Arc<dyn Runtime> = Arc::new(counted.clone());
    block_on(runtime.spawn_with_handle(async {})).unwrap();
    assert_eq!(numbers(counted.counts()), [1, 0, 1, 0, 0]);
    let panics = runtime.spawn_with_handle(async { std::panic::resume_unwind(Box::new(())) });
    assert!(block_on::<Result<(), _>>(panics).unwrap_err().is_panic());
    assert_eq!(numbers(counted.counts()), [2, 0, 1, 0, 1]);
    let waits = runtime.spawn_named("waits", pending::<()>());
    assert_eq!(numbers(counted.counts()), [3, 1, 1, 0, 1]);
    assert!(block_on(waits.cancel()).is_err());
    assert_eq!(numbers(counted.counts()), [3, 0, 1, 1, 1]);

    let (sender, receiver) = async_channel::bounded::<()>(1);
    for raw in [true, false] {
        let sender = sender.clone();
        let task = async move { sender.send(()).await.unwrap() };
        if raw {
            runtime.spawn(Box::pin(task));
        } else {
            runtime.spawn_detached(task);
        }
        block_on(receiver.recv()).unwrap();
    }
    while counted.counts().live() > 0 {
        thread::yield_now();
    }
    assert_eq!(numbers(counted.counts()), [5, 0, 3, 1, 1]);
    assert_eq!(numbers(counted.blocking_counts()), [0; 5]);
}

fn work_that_blocks_is_counted_for_itself(running: &Running) {
    let counted = Counted::new(running.runtime.clone());
    block_on(counted.spawn_blocking(|| ())).unwrap();
    let panics = counted.spawn_blocking(|| std::panic::resume_unwind(Box::new(())));
    assert!(block_on::<Result<(), _>>(panics).unwrap_err().is_panic());
    let (sender, receiver) = std::sync::mpsc::channel();
    counted.execute(Box::new(move || sender.send(()).unwrap()));
    receiver.recv().unwrap();
    while counted.blocking_counts().live() > 0 {
        thread::yield_now();
    }
    assert_eq!(numbers(counted.blocking_counts()), [3, 0, 2, 0, 1]);
    assert_eq!(numbers(counted.counts()), [0; 5]);
}

fn what_a_group_refuses_is_counted_outside_of_it(running: &Running) {
    let inner = Counted::new(running.runtime.clone());
    let group = TaskGroup::new(Arc::new(inner.clone()));
    let outer = Counted::new(group.clone());
    block_on(outer.spawn_with_handle(async {})).unwrap();
    group.close();
    assert!(block_on(outer.spawn_with_handle(async {})).unwrap_err().is_shutdown());
    outer.spawn_detached(async {});
    assert_eq!(numbers(inner.counts()), [1, 0, 1, 0, 0]);
    assert_eq!(numbers(outer.counts()), [3, 0, 1, 2, 0]);
}

fn no_count_is_lost_between_threads(running: &Running) {
    const THREADS: u64 = 4;
    const EACH: u64 = 100;
    let counted = Counted::new(running.runtime.clone());
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        // It fails if more have ended than were spawned.
        let watch = scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                let counts = counted.counts();
                assert!(counts.live() <= counts.spawned);
                thread::yield_now();
            }
        });
        let spawn = || {
            for number in 0..EACH {
                let task = counted.spawn_with_handle(async move {
                    if number % 2 == 0 {
                        pending::<()>().await;
                    }
                });
                if number % 2 == 0 {
                    block_on(task.cancel()).unwrap_err();
                } else {
                    block_on(task).unwrap();
                }
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(spawn)).collect();
        for thread in threads {
            thread.join().unwrap();
        }
        stop.store(true, Ordering::SeqCst);
        watch.join().unwrap();
    });
    let half = THREADS * EACH / 2;
    assert_eq!(numbers(counted.counts()), [2 * half, 0, half, half, 0]);
}

#[test]
fn tasks_that_a_spawner_drops_are_aborted() {
    let counted = Counted::new(FnSpawner::new(drop));
    assert!(block_on(counted.spawn_with_handle(async {})).unwrap_err().is_shutdown());
    assert_eq!(counted.counts().to_string(), "0 live of 1: 0 finished, 1 aborted, 0 panicked");
}

#[test]
fn spawner_that_panics_leaves_no_live_task() {
    let counted = Counted::new(FnSpawner::new(|_task| panic!("no more tasks")));
    let spawn = || counted.spawn_with_handle(async {});
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(spawn)).is_err());
    assert_eq!(numbers(counted.counts()), [1, 0, 0, 1, 0]);
}

/// Counts with each number another one.
fn different() -> Counts {
    let tasks = Arc::new(Mutex::new(Vec::new()));
    let kept = tasks.clone();
    let counted = Counted::new(FnSpawner::new(move |task| kept.lock().unwrap().push(task)));
    for _ in 0..2 {
        counted.spawn_detached(async {});
    }
    for _ in 0..3 {
        counted.spawn_detached(pending());
    }
    counted.spawn_detached(async { std::panic::resume_unwind(Box::new(())) });
    for task in tasks.lock().unwrap().iter_mut() {
        let _ = task.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
    counted.counts()
}

#[test]
fn metrics_are_all_numbers_by_name() {
    let metrics: Vec<_> = different()
        .metrics()
        .map(|(metric, value)| (metric.name(), metric.kind(), value))
        .collect();
    let counter = MetricKind::Counter;
    let expected = [
        ("tasks_spawned", counter, 6),
        ("tasks_live", MetricKind::Gauge, 3),
        ("tasks_finished", counter, 2),
        ("tasks_aborted", counter, 0),
        ("tasks_panicked", counter, 1),
    ];
    assert_eq!(metrics, expected);
    assert!(Metric::ALL.iter().all(|metric| metric.help().ends_with('.')));
}

#[test]
fn exposition_is_as_prometheus_reads_it() {
    let text = Exposition::new("myapp")
        .with(&[("part", "api"), ("host", "a \"b\"\\\n")], different())
        .with(&[], Counts::default())
        .to_string();
    let labels = r#"{part="api",host="a \"b\"\\\n"}"#;
    let metrics = [
        ("spawned_total", "Tasks that were spawned.", "counter", 6),
        ("live", "Tasks that have not ended.", "gauge", 3),
        ("finished_total", "Tasks that completed.", "counter", 2),
        ("aborted_total", "Tasks that were dropped before they completed.", "counter", 0),
        ("panicked_total", "Tasks that panicked.", "counter", 1),
    ];
    let expected: String = metrics
        .map(|(name, help, kind, value)| {
            format!(
                "# HELP myapp_tasks_{name} {help}\n# TYPE myapp_tasks_{name} {kind}\n\
                 myapp_tasks_{name}{labels} {value}\nmyapp_tasks_{name} 0\n"
            )
        })
        .concat();
    assert_eq!(text, expected);
    assert!(Exposition::new("").to_string().starts_with("# HELP tasks_spawned_total "));
}

#[test]
fn names_that_the_format_does_not_allow_are_refused() {
    fn panics(f: impl FnOnce()) -> bool {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).is_err()
    }

    for prefix in ["my-app", "1app", "my app", "é"] {
        assert!(panics(|| drop(Exposition::new(prefix))), "{prefix}");
    }
    for label in ["", "a-b", "1", "a:b"] {
        let with = || drop(Exposition::new("").with(&[(label, "")], Counts::default()));
        assert!(panics(with), "{label}");
    }
    drop(Exposition::new("a:b_1").with(&[("_a1", "")], Counts::default()));
}
