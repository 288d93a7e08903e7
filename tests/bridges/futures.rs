//! `futures::task::Spawn`, in both directions.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use async_runtime_compat::futures::{FuturesSpawn, FuturesSpawner};
use async_runtime_compat::prelude::*;
use async_runtime_compat::{BlockingPool, FnSpawner};
use futures::executor::{ThreadPool, block_on};
use futures::future::FutureObj;
use futures::task::{Spawn, SpawnError, SpawnExt};
use static_assertions::{assert_impl_all, assert_not_impl_any};

use crate::{on_all_runtimes, run};

assert_impl_all!(FuturesSpawn<Arc<dyn Spawner>>: Spawn, Clone, Send, Sync, Unpin);
assert_impl_all!(FuturesSpawn<&dyn Spawner>: Spawn, Copy);
assert_impl_all!(FuturesSpawner<ThreadPool>: Spawner, Clone);
assert_impl_all!(FuturesSpawner<Arc<dyn Spawn + Send + Sync>>: Spawner);
assert_not_impl_any!(FuturesSpawner<futures::executor::LocalSpawner>: Spawner);

mod backends {
    use super::*;

    on_all_runtimes! {
        tasks_run_and_give_their_outputs,
        dropped_remote_handle_cancels,
        panic_unwinds_into_the_awaiter,
        closed_group_is_a_shutdown,
    }

    fn tasks_run_and_give_their_outputs(runtime: &Arc<dyn Runtime>) {
        let spawn = FuturesSpawn::new(runtime.clone());
        run(async {
            let (sender, receiver) = async_channel::unbounded();
            for number in 0..100 {
                let sender = sender.clone();
                spawn.spawn(async move { sender.send(number).await.unwrap() }).unwrap();
            }
            let sum = async move {
                let mut sum = 0;
                for _ in 0..100 {
                    sum += receiver.recv().await.unwrap();
                }
                sum
            };
            assert_eq!(spawn.spawn_with_handle(sum).unwrap().await, 4_950);
            assert!(spawn.status().is_ok());
        });
    }

    fn dropped_remote_handle_cancels(runtime: &Arc<dyn Runtime>) {
        let spawn: Arc<dyn Spawn> = Arc::new(FuturesSpawn::new(runtime.clone()));
        let (token, dropped) = (CancelToken::new(), CancelToken::new());
        let (started, guard) = (token.clone(), dropped.clone().cancel_on_drop());
        let handle = spawn.spawn_with_handle(async move {
            let _guard = guard;
            started.cancel();
            std::future::pending::<()>().await;
        });
        run(async {
            token.cancelled().await;
            drop(handle);
            dropped.cancelled().await;
        });
    }

    fn panic_unwinds_into_the_awaiter(runtime: &Arc<dyn Runtime>) {
        let spawn = FuturesSpawn::new(&runtime);
        let handle = spawn.spawn_with_handle(async { panic!("bad frame") }).unwrap();
        let awaiting = AssertUnwindSafe(|| run(handle));
        let payload = catch_unwind(awaiting).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"bad frame"));
        // The panic has not ended a thread of the runtime.
        run(async { spawn.spawn_with_handle(async {}).unwrap().await });
    }

    fn closed_group_is_a_shutdown(runtime: &Arc<dyn Runtime>) {
        let group = TaskGroup::new(runtime.clone());
        let spawn = FuturesSpawn::new(group.clone());
        spawn.spawn(async {}).unwrap();
        group.close();
        refuses(&spawn);
    }
}

/// Checks that every way to spawn is refused.
#[track_caller]
fn refuses(spawn: &impl Spawn) {
    assert!(spawn.status().unwrap_err().is_shutdown());
    let witness = Arc::new(());
    let held = witness.clone();
    let refused = spawn.spawn(async move { drop(held) });
    assert!(refused.unwrap_err().is_shutdown());
    assert_eq!(Arc::strong_count(&witness), 1, "the future is still there");
    assert!(spawn.spawn_with_handle(async { 1 }).unwrap_err().is_shutdown());
}

#[cfg(feature = "tokio")]
#[test]
fn runtime_of_tokio_that_is_gone() {
    use async_runtime_compat::tokio::TokioSpawner;

    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let spawn = FuturesSpawn::new(TokioSpawner::new(tokio.handle().clone()));
    assert!(spawn.status().is_ok());
    drop(tokio);
    refuses(&spawn);
}

#[cfg(feature = "async-executor")]
#[test]
fn executor_that_is_dropped() {
    use async_runtime_compat::async_executor::ExecutorSpawner;

    let executor = Arc::new(async_executor::Executor::new());
    let spawn = FuturesSpawn::new(ExecutorSpawner::new(executor.clone()));
    assert!(spawn.status().is_ok());
    drop(executor);
    refuses(&spawn);
}

#[test]
fn spawner_that_drops_what_it_gets() {
    refuses(&FuturesSpawn::new(FnSpawner::new(drop)));
}

#[test]
fn task_that_panicked_by_then_is_no_error() {
    // Not what a spawner should do; so the task is sure to have ended.
    let inline = FuturesSpawn::new(FnSpawner::new(block_on));
    inline.spawn(async { panic!("at once") }).unwrap();
    inline.spawn(async {}).unwrap();
}

#[test]
fn task_that_is_dropped_by_a_shutdown_makes_its_awaiter_panic() {
    let pool = BlockingPool::new();
    let (sender, receiver) = async_channel::unbounded();
    let kept = FnSpawner::new(move |task| sender.try_send(task).unwrap());
    let handle = FuturesSpawn::new(kept).spawn_with_handle(async { 1 }).unwrap();
    drop(receiver.try_recv().unwrap());
    drop(pool);
    assert!(catch_unwind(AssertUnwindSafe(|| block_on(handle))).is_err());
}

/// An executor of `futures` that has been shut down.
struct Gone;

impl Spawn for Gone {
    fn spawn_obj(&self, _: FutureObj<'static, ()>) -> Result<(), SpawnError> {
        Err(SpawnError::shutdown())
    }
}

#[test]
fn spawn_error_is_a_shutdown() {
    let spawner = FuturesSpawner::new(Gone);
    spawner.spawn_detached(async { unreachable!("it was refused") });
    let error = block_on(spawner.spawn_with_handle(async {})).unwrap_err();
    assert!(error.is_shutdown(), "{error}");
    refuses(&FuturesSpawn::new(spawner));
}

#[test]
fn panic_takes_no_thread_of_the_pool_with_it() {
    let pool = ThreadPool::builder().pool_size(1).create().unwrap();
    let spawner = FuturesSpawner::new(pool);
    spawner.spawn(Box::pin(async { panic!("without a handle") }));
    spawner.spawn_detached(async { panic!("detached") });
    assert_eq!(run(spawner.spawn_with_handle(async { 1 })).unwrap(), 1);
}

#[test]
fn pool_lives_for_as_long_as_its_tasks() {
    let (sender, receiver) = async_channel::bounded(1);
    let spawner = FuturesSpawner::new(ThreadPool::builder().pool_size(1).create().unwrap());
    let task = spawner.spawn_with_handle(async move { receiver.recv().await });
    drop(spawner.into_inner());
    run(async {
        sender.send(7).await.unwrap();
        assert_eq!(task.await.unwrap(), Ok(7));
    });
}

#[test]
fn spawn_ext_in_a_simulation() {
    use std::time::Duration;

    use async_runtime_compat_sim::Sim;

    let report = Sim::new(7).run(|sim| async move {
        let timer = sim.clone();
        let spawn = FuturesSpawn::new(sim);
        let sleep = async move { timer.sleep(Duration::from_secs(60)).await };
        spawn.spawn_with_handle(sleep).unwrap().await;
        assert!(spawn.status().is_ok());
    });
    assert_eq!(report.unwrap().elapsed, Duration::from_secs(60));
}
