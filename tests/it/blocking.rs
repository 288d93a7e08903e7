//! The pool for spawners that have none, and what the backends' own pools do at their limits.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use async_runtime_compat::BlockingPool;
use async_runtime_compat::prelude::*;
use futures_lite::future::block_on;
use test_support::pools::{Blocked, aborted_in_the_queue};

fn pool(max_threads: usize) -> BlockingPool {
    BlockingPool::builder().max_threads(max_threads).build()
}

#[test]
fn job_aborted_in_the_queue_never_runs() {
    aborted_in_the_queue(&pool(1), 1);
    aborted_in_the_queue(&pool(3), 3);
}

#[cfg(feature = "tokio")]
fn tokio_with(threads: usize) -> ::tokio::runtime::Runtime {
    let mut builder = ::tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).max_blocking_threads(threads).build().unwrap()
}

#[cfg(feature = "tokio")]
#[test]
fn job_aborted_in_tokios_queue_never_runs() {
    use async_runtime_compat::tokio::TokioSpawner;

    let tokio = tokio_with(1);
    aborted_in_the_queue(&TokioSpawner::new(tokio.handle().clone()), 1);
}

#[cfg(feature = "tokio")]
#[test]
fn jobs_in_the_queue_of_a_tokio_runtime_that_shuts_down_are_run_or_dropped() {
    use async_runtime_compat::tokio::TokioSpawner;

    for watched in [false, true] {
        let tokio = tokio_with(1);
        let spawner = TokioSpawner::new(tokio.handle().clone());
        let blocked = Blocked::new(&spawner, 1);
        let owned = Arc::new(());
        let is_dropped = Arc::downgrade(&owned);
        let queued = spawner.spawn_blocking(move || drop(owned));
        let aborted = spawner.spawn_blocking(|| ());
        aborted.abort();
        let handle = watched.then(|| queued.abort_handle());
        tokio.shutdown_background();
        // The one that runs keeps the only thread, which then sees to the queue.
        blocked.release();
        if let Err(error) = block_on(queued) {
            assert!(error.is_shutdown(), "{error}");
        }
        assert!(is_dropped.upgrade().is_none());
        assert!(handle.is_none_or(|handle| handle.is_finished()));
        assert!(block_on(aborted).unwrap_err().is_cancelled());
        assert!(block_on(spawner.spawn_blocking(|| ())).unwrap_err().is_shutdown());
    }
}

#[cfg(feature = "async-executor")]
#[test]
fn jobs_of_an_executor_that_is_gone() {
    use ::async_executor::Executor;
    use async_runtime_compat::async_executor::ExecutorSpawner;

    let executor = Arc::new(Executor::new());
    let spawner = ExecutorSpawner::new(executor.clone());
    let (go, wait) = std::sync::mpsc::channel();
    let before = spawner.spawn_blocking(move || wait.recv().is_ok());
    drop(executor);
    // The pool is not the executor's.
    go.send(()).unwrap();
    assert!(block_on(before).unwrap());
    let error = block_on(spawner.spawn_blocking(|| ())).unwrap_err();
    assert!(error.is_shutdown(), "{error}");
}

#[test]
fn pool_has_as_many_threads_as_are_needed_and_no_more() {
    const MAX: usize = 4;
    let pool = pool(MAX);
    // All of them at once, or the barrier keeps them.
    let barrier = Arc::new(Barrier::new(MAX));
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let jobs: Vec<_> = (0..MAX * 25)
        .map(|_| {
            let (barrier, running, most) = (barrier.clone(), running.clone(), most.clone());
            pool.spawn_blocking(move || {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                barrier.wait();
                running.fetch_sub(1, Ordering::SeqCst);
            })
        })
        .collect();
    for job in jobs {
        block_on(job).unwrap();
    }
    assert_eq!(most.load(Ordering::SeqCst), MAX);
}

#[test]
fn one_thread_runs_jobs_in_order() {
    let pool = pool(1);
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let jobs: Vec<_> = (0..100)
        .map(|n| {
            let order = order.clone();
            pool.spawn_blocking(move || order.lock().unwrap().push(n))
        })
        .collect();
    for job in jobs {
        block_on(job).unwrap();
    }
    assert!(order.lock().unwrap().iter().copied().eq(0..100));
}

/// Every job is run, while threads come and go all the time.
#[test]
fn no_job_is_lost_between_threads_that_start_and_end() {
    for max_threads in [1, 2, 8] {
        let pool = BlockingPool::builder()
            .max_threads(max_threads)
            // A thread ends as soon as the queue is empty, or nearly.
            .idle_timeout(Duration::from_nanos(1))
            .build();
        let ran = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for n in 0..500 {
                        // One after the other: the pool runs dry each time.
                        assert_eq!(block_on(pool.spawn_blocking(move || n)).unwrap(), n);
                        ran.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(ran.load(Ordering::SeqCst), 4 * 500);
    }
}

#[test]
fn dropped_pool_runs_what_it_has() {
    for max_threads in [1, 4] {
        for _ in 0..100 {
            let pool = pool(max_threads);
            let jobs: Vec<_> = (0..20).map(|n| pool.spawn_blocking(move || n)).collect();
            drop(pool);
            for (n, job) in jobs.into_iter().enumerate() {
                assert_eq!(block_on(job).unwrap(), n);
            }
        }
    }
}

#[test]
fn pool_may_be_dropped_by_its_own_job() {
    let pool = Arc::new(pool(1));
    let own = pool.clone();
    let job = pool.spawn_blocking(move || drop(own));
    let last = pool.spawn_blocking(|| 7);
    drop(pool);
    block_on(job).unwrap();
    assert_eq!(block_on(last).unwrap(), 7);
}

#[test]
fn pool_that_is_shut_down_drops_its_queue() {
    let pool = pool(2);
    let blocked = Blocked::new(&pool, 2);
    let queued: Vec<_> = (0..10).map(|_| pool.spawn_blocking(|| ())).collect();
    let aborted = pool.spawn_blocking(|| ());
    aborted.abort();
    assert!(!pool.shutdown_timeout(Duration::ZERO), "two jobs are still running");
    for job in queued {
        assert!(job.is_finished());
        assert!(block_on(job).unwrap_err().is_shutdown());
    }
    assert!(block_on(aborted).unwrap_err().is_cancelled());
    assert!(block_on(pool.spawn_blocking(|| ())).unwrap_err().is_shutdown());
    // Those that run are not disturbed.
    blocked.release();
    assert!(pool.shutdown_timeout(Duration::MAX));
}

/// What is handed over while the pool is shut down runs or is refused; nothing hangs.
#[test]
fn shutdown_against_handing_over() {
    for _ in 0..200 {
        let pool = pool(2);
        let (ran, start) = (Arc::new(AtomicUsize::new(0)), Barrier::new(3));
        let ended: usize = thread::scope(|scope| {
            let hand_over = || {
                start.wait();
                let job = |_| {
                    let ran = ran.clone();
                    pool.spawn_blocking(move || ran.fetch_add(1, Ordering::SeqCst))
                };
                let jobs: Vec<_> = (0..20).map(job).collect();
                jobs.into_iter().filter_map(|job| block_on(job).ok()).count()
            };
            let (first, second) = (scope.spawn(hand_over), scope.spawn(hand_over));
            start.wait();
            pool.shutdown();
            first.join().unwrap() + second.join().unwrap()
        });
        assert!(pool.shutdown_timeout(Duration::MAX));
        assert_eq!(ended, ran.load(Ordering::SeqCst));
    }
}

#[test]
fn system_that_refuses_threads_is_reported_to_the_caller() {
    // No system has room for such a stack.
    let pool = BlockingPool::builder().stack_size(1 << 56).build();
    let owned = Arc::new(());
    let is_dropped = Arc::downgrade(&owned);
    let hand_over = || drop(pool.spawn_blocking(move || drop(owned)));
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(hand_over)).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.starts_with("cannot start the first thread of a blocking pool"), "{message}");
    assert!(is_dropped.upgrade().is_none());
    assert!(pool.shutdown_timeout(Duration::MAX));
}

#[test]
fn settings_that_cannot_be_are_refused_at_once() {
    let refuses = |set: fn() -> async_runtime_compat::BlockingPoolBuilder| {
        assert!(std::panic::catch_unwind(set).is_err());
    };
    refuses(|| BlockingPool::builder().max_threads(0));
    refuses(|| BlockingPool::builder().thread_name("a\0b"));
}
