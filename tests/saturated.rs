//! The pool that smol, async-std and async-executor share, at its limit. It is the whole process's,
//! so this is a process of its own.
#![cfg(any(feature = "smol", feature = "async-std", feature = "async-executor"))]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use async_runtime_compat::prelude::*;
use futures_lite::future::block_on;

/// The backends that are enabled.
fn backends() -> Vec<(&'static str, Box<dyn Blocking>)> {
    #[cfg(feature = "async-executor")]
    static EXECUTOR: async_executor::Executor<'static> = async_executor::Executor::new();

    vec![
        #[cfg(feature = "smol")]
        ("smol", Box::new(async_runtime_compat::smol::SmolSpawner)),
        #[cfg(feature = "async-std")]
        ("async-std", Box::new(async_runtime_compat::async_std::AsyncStdSpawner)),
        #[cfg(feature = "async-executor")]
        (
            "async-executor",
            Box::new(async_runtime_compat::async_executor::ExecutorSpawner::from_static(&EXECUTOR)),
        ),
    ]
}

// One test: another one would wait for the same thread.
#[test]
fn job_aborted_in_the_queue_never_runs() {
    blocking::set_max_blocking_threads(1.try_into().unwrap());
    for (name, blocking) in backends() {
        for by_handle in [false, true] {
            let (started, is_running) = mpsc::channel();
            let (release, released) = mpsc::channel::<()>();
            let busy = blocking.spawn_blocking(move || {
                started.send(()).unwrap();
                let _ = released.recv();
            });
            is_running.recv().unwrap();

            let ran = Arc::new(AtomicBool::new(false));
            let (set, owned) = (ran.clone(), Arc::new(()));
            let is_dropped = Arc::downgrade(&owned);
            let job = blocking.spawn_blocking(move || {
                drop(owned);
                set.store(true, Ordering::SeqCst);
            });
            let last = blocking.spawn_blocking(|| ());
            assert!(!job.is_finished(), "{name}");
            if by_handle {
                job.abort_handle().abort();
            } else {
                job.abort();
            }
            drop(release);
            block_on(busy).unwrap();
            let error = block_on(job).unwrap_err();
            assert!(error.is_cancelled(), "{name}: {error}");
            assert!(is_dropped.upgrade().is_none(), "{name}: it was not dropped by then");
            block_on(last).unwrap();
            assert!(!ran.load(Ordering::SeqCst), "{name}: it ran");
        }
    }
}
