//! The whole contract, through the bridges to `futures` and back.

use async_runtime_compat::Spawner;
use async_runtime_compat::futures::{FuturesSpawn, FuturesSpawner};
use async_runtime_compat_conformance::{Load, Subject};
use futures::executor::ThreadPool;
use test_support::subjects;

/// Less than the bare backends bear: each task is a box or two.
const LOAD: Load = Load { live: 20_000, chain: 5_000, threads: 16, each: 200 };

/// The subject as a `Spawn`, as a `Spawner`.
fn there_and_back(subject: Subject) -> Subject {
    subject.decorated_by(|spawner| FuturesSpawner::new(FuturesSpawn::new(spawner)))
}

fn thread_pool() -> Subject {
    // Those tests that block a thread until another one comes need more than a machine may have.
    let pool = ThreadPool::builder().pool_size(8).create().unwrap();
    let spawner: std::sync::Arc<dyn Spawner> = std::sync::Arc::new(FuturesSpawner::new(pool));
    Subject::new(spawner).load(LOAD)
}

macro_rules! stamp {
    ($($(#[$gate:meta])* $name:ident: $subject:expr;)*) => {$(
        $(#[$gate])*
        mod $name {
            use super::*;

            async_runtime_compat_conformance::conformance_tests!($subject);
        }
    )*};
}

stamp! {
    #[cfg(feature = "tokio")]
    tokio_multi_thread: there_and_back(subjects::tokio_multi_thread().load(LOAD));
    #[cfg(feature = "tokio")]
    tokio_current_thread: there_and_back(subjects::tokio_current_thread().load(LOAD));
    #[cfg(feature = "smol")]
    smol: there_and_back(subjects::smol().load(LOAD));
    #[cfg(feature = "async-std")]
    async_std: there_and_back(subjects::async_std().load(LOAD));
    #[cfg(feature = "async-executor")]
    async_executor: there_and_back(subjects::async_executor(4).load(LOAD));
    own_spawner: there_and_back(subjects::threads());
    thread_pool: thread_pool();
}
