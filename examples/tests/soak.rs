//! A short soak on each backend.
//!
//! This is a test binary of its own because it measures the memory usage of the whole process.

use std::alloc::System;
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use async_runtime_compat_examples::backend::Backend;
use async_runtime_compat_examples::cli;
use async_runtime_compat_examples::soak::{self, Plan};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Held by a running soak: each measures the memory usage, so there is only one at a time.
static TURN: Mutex<()> = Mutex::new(());

fn soak(name: &str) {
    static HOOK: Once = Once::new();
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    HOOK.call_once(|| cli::silence_panics(soak::PANIC));
    let plan = Plan { time: Duration::from_secs(3), connections: 24, seed: 7 };
    let outcome = soak::soak(Backend::find(name).unwrap(), plan).unwrap();
    assert!(outcome.is_clean(), "\n{outcome}");
    println!("{outcome}");
}

macro_rules! soaks {
    ($($test:ident: $backend:literal;)*) => {$(
        #[test]
        fn $test() {
            soak($backend);
        }
    )*};
}

soaks! {
    tokio: "tokio";
    tokio_current_thread: "tokio-current-thread";
    smol: "smol";
    async_std: "async-std";
    async_executor: "async-executor";
}
