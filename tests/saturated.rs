//! The pool that smol, async-std and async-executor share, at its limit. It is the whole process's,
//! so this is a process of its own.
#![cfg(any(feature = "smol", feature = "async-std", feature = "async-executor"))]

use async_runtime_compat::Blocking;

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
        println!("{name}");
        test_support::pools::aborted_in_the_queue(&*blocking, 1);
    }
}
