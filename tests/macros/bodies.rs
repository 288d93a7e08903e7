//! Bodies that pass, on whatever they are to run on.

use std::cell::Cell;
use std::collections::HashSet;
use std::error::Error;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use async_runtime_compat::prelude::*;

/// Where a body runs, as the runner shows it: `macros::…::function::backend`.
fn here() -> String {
    thread::current().name().expect("a test's thread has a name").to_owned()
}

#[async_runtime_compat::test]
async fn without_an_argument() {
    assert!(here().starts_with("bodies::without_an_argument::"), "{}", here());
    // There is no other way to the runtime.
    let runtime = async_runtime_compat::current().unwrap();
    assert_eq!(runtime.spawn_with_handle(async { 7 }).await.unwrap(), 7);
}

#[async_runtime_compat::test]
async fn with_a_runtime(rt: Arc<dyn Runtime>) {
    assert_eq!(rt.spawn_with_handle(async { 7 }).await.unwrap(), 7);
    assert_eq!(rt.spawn_blocking(|| 7).await.unwrap(), 7);
    rt.sleep(Duration::from_millis(1)).await;
}

#[async_runtime_compat::test]
async fn with_a_spawner(spawner: Arc<dyn Spawner>) {
    assert_eq!(spawner.spawn_with_handle(async { 7 }).await.unwrap(), 7);
}

#[async_runtime_compat::test]
async fn with_a_timer(mut timer: Arc<dyn Timer>) {
    timer.sleep(Duration::from_millis(1)).await;
    timer = timer.clone();
    timer.sleep(Duration::ZERO).await;
}

type Pool = dyn Blocking;

#[async_runtime_compat::test]
async fn with_blocking_by_an_alias(pool: Arc<Pool>) {
    assert_eq!(pool.spawn_blocking(|| 7).await.unwrap(), 7);
}

#[async_runtime_compat::test]
async fn argument_may_be_ignored(_: Arc<dyn Runtime>) {}

#[async_runtime_compat::test]
async fn tasks_find_the_runtime_as_well(rt: Arc<dyn Runtime>) {
    let found = rt.spawn_with_handle(async {
        let nested = async_runtime_compat::current().unwrap();
        nested.spawn_with_handle(async { async_runtime_compat::current().is_ok() }).await
    });
    assert!(found.await.unwrap().unwrap());
}

/// The body's future need not be `Send`.
#[async_runtime_compat::test]
async fn body_may_keep_what_is_not_send(rt: Arc<dyn Runtime>) {
    let cell = Rc::new(Cell::new(1));
    rt.spawn_with_handle(async {}).await.unwrap();
    cell.set(2);
    assert_eq!(cell.get(), 2);
}

/// Neither need what it returns.
#[async_runtime_compat::test]
async fn result(rt: Arc<dyn Runtime>) -> Result<(), Box<dyn Error>> {
    rt.spawn_with_handle(async {}).await?;
    Ok(())
}

#[rustfmt::skip]
#[async_runtime_compat::test]
async fn unit_result() -> () {}

#[async_runtime_compat::test]
async fn exit_code() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}

#[async_runtime_compat::test]
async fn r#match() {
    assert!(here().contains("match::"), "{}", here());
}

mod with_names_of_its_own {
    // None of these may get in the way.
    #![allow(dead_code, unused_macros, reason = "they only have to be there")]

    use ::std::sync::Arc;

    struct Option;
    struct Result;
    struct Runtime;
    mod core {}
    mod std {}
    mod tokio {}
    fn smol() {}
    macro_rules! concat {
        ($($any:tt)*) => {
            compile_error!("not this one")
        };
    }

    #[async_runtime_compat::test(tokio, smol, timeout = "5m")]
    async fn hygiene(runtime: Arc<dyn async_runtime_compat::Runtime>) {
        drop(runtime);
        smol();
    }
}

#[async_runtime_compat::test(
    async_std(timeout = "2m"),
    tokio(flavor = "multi_thread", timeout = "never"),
    async_executor,
    worker_threads = 3,
    timeout = "90s"
)]
async fn options_at_both_levels(rt: Arc<dyn Runtime>) {
    rt.spawn_with_handle(async {}).await.unwrap();
}

/// As many tasks as workers block at once, each until all are there.
async fn meet(spawner: &dyn Spawner, workers: usize) {
    let barrier = Arc::new(Barrier::new(workers));
    let threads = Arc::new(Mutex::new(HashSet::new()));
    let tasks: Vec<_> = (0..workers)
        .map(|_| {
            let (barrier, threads) = (barrier.clone(), threads.clone());
            spawner.spawn_with_handle(async move {
                threads.lock().unwrap().insert(thread::current().id());
                barrier.wait();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(threads.lock().unwrap().len(), workers);
    assert!(!threads.lock().unwrap().contains(&thread::current().id()));
}

#[async_runtime_compat::test(tokio, async_executor, worker_threads = 3)]
async fn worker_threads(spawner: Arc<dyn Spawner>) {
    meet(&spawner, 3).await;
}

#[async_runtime_compat::test(tokio(worker_threads = 2), async_executor(worker_threads = 2))]
async fn worker_threads_of_a_backend(spawner: Arc<dyn Spawner>) {
    meet(&spawner, 2).await;
}

#[async_runtime_compat::test(tokio, async_executor, flavor = "multi_thread")]
async fn multi_thread(spawner: Arc<dyn Spawner>) {
    let other = spawner.spawn_with_handle(async { thread::current().id() });
    assert_ne!(other.await.unwrap(), thread::current().id());
}

#[async_runtime_compat::test(tokio, async_executor)]
async fn current_thread_unless_told_otherwise(spawner: Arc<dyn Spawner>) {
    let same = spawner.spawn_with_handle(async { thread::current().id() });
    assert_eq!(same.await.unwrap(), thread::current().id());
}

#[async_runtime_compat::test(
    tokio(flavor = "current_thread"),
    async_executor(flavor = "current_thread"),
    worker_threads = 2
)]
async fn what_is_nearer_wins(spawner: Arc<dyn Spawner>) {
    let same = spawner.spawn_with_handle(async { thread::current().id() });
    assert_eq!(same.await.unwrap(), thread::current().id());
}

#[async_runtime_compat::test(tokio, start_paused = true)]
async fn paused(rt: Arc<dyn Runtime>) {
    let start = rt.now();
    rt.sleep(Duration::from_secs(1_000_000)).await;
    assert_eq!((rt.now() - start).as_secs(), 1_000_000);
    tokio::time::advance(Duration::from_secs(1)).await;
}

#[async_runtime_compat::test(tokio, start_paused = false)]
async fn not_paused() {
    // Panics if it is.
    tokio::time::pause();
}

#[async_runtime_compat::test(tokio)]
async fn tokio_is_current() {
    tokio::task::yield_now().await;
    assert!(tokio::runtime::Handle::try_current().is_ok());
}

#[async_runtime_compat::test(async_std)]
async fn async_std_is_current() {
    assert!(async_std::task::try_current().is_some());
}

/// Counts the test that it is dropped in.
struct Left(&'static AtomicUsize);

impl Drop for Left {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// What is left on a runtime of the test's own is dropped with it.
fn leave_tasks(spawner: &dyn Spawner, dropped: &'static AtomicUsize) {
    for _ in 0..10 {
        let left = Left(dropped);
        spawner.spawn_detached(async move {
            let _left = left;
            pending::<()>().await;
        });
    }
}

#[test]
fn tasks_that_are_left_are_dropped() {
    use async_runtime_compat::__testing as support;

    fn check(backend: impl support::Backend + Send + 'static, dropped: &'static AtomicUsize) {
        let test = support::Test::new("macros::left", "one of its own");
        let _ = support::run(test, backend, move |rt| {
            leave_tasks(&*rt, dropped);
            let mut polls = 0;
            poll_fn(move |cx| {
                polls += 1;
                cx.waker().wake_by_ref();
                // Some are polled by then, and some need not be.
                if polls > 4 { Poll::Ready(std::process::ExitCode::SUCCESS) } else { Poll::Pending }
            })
        });
        assert_eq!(dropped.load(Ordering::SeqCst), 10);
    }

    static DROPPED: [AtomicUsize; 4] = [const { AtomicUsize::new(0) }; 4];
    check(support::AsyncExecutor::current_thread(), &DROPPED[0]);
    check(support::AsyncExecutor::worker_threads(3), &DROPPED[1]);
    check(support::Tokio(support::TokioBuilder::new_current_thread), &DROPPED[2]);
    check(support::Tokio(support::TokioBuilder::new_multi_thread), &DROPPED[3]);
}
