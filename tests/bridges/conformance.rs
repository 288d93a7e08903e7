//! The contract, through the bridges to `futures` and back.
//!
//! Everywhere this is the boxed path of a spawner that the crate does not know, so it is run where the
//! shutdown, the threads and the panics differ. The traits of `futures` have no room for names and
//! locations (C14), nor for time and blocking work (C12, C15).

use async_runtime_compat::futures::{FuturesSpawn, FuturesSpawner};
use async_runtime_compat_conformance::{Load, Subject};
use futures::executor::ThreadPool;
use test_support::subjects;

/// Less than the bare backends have: each task is a box or two.
const LOAD: Load = Load { live: 20_000, chain: 5_000, threads: 16, each: 200 };

/// The subject as a `Spawn`, as a `Spawner`.
fn there_and_back(subject: Subject) -> Subject {
    subject.decorated_by(|spawner| FuturesSpawner::new(FuturesSpawn::new(spawner))).load(LOAD)
}

fn thread_pool() -> Subject {
    // Some tests block a thread until another one comes; a machine may have fewer.
    let pool = ThreadPool::builder().pool_size(8).create().unwrap();
    Subject::new(FuturesSpawner::new(pool)).load(LOAD).skips(["c5"])
}

macro_rules! stamp {
    ($name:ident: $subject:expr) => {
        test_support::stamp! {
            clauses: [C1, C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C13];
            $name: $subject;
        }
    };
}

test_support::with_tokio! { stamp! { tokio: there_and_back(subjects::tokio_multi_thread()) } }
test_support::with_async_executor! {
    stamp! { async_executor: there_and_back(subjects::async_executor(1)) }
}
stamp! { thread_pool: thread_pool() }
