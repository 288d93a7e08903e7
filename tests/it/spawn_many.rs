//! Many tasks by one call.

use std::future::Future;
use std::pin::Pin;

use async_runtime_compat::prelude::*;
use test_support::on_all_runtimes;
use test_support::runtimes::Running;

on_all_runtimes! {
    handles_are_in_the_order_of_the_futures,
    the_iterator_may_spawn,
    a_task_that_panics_or_is_aborted_does_not_concern_the_others,
}

fn handles_are_in_the_order_of_the_futures(running: &Running) {
    running.run(|runtime| async move {
        let here = std::panic::Location::caller().line() + 1;
        let tasks = runtime.spawn_many((0..100).map(|number| async move { number }));
        assert_eq!(tasks.len(), 100);
        for (number, task) in tasks.into_iter().enumerate() {
            assert_eq!((task.spawned_at().file(), task.spawned_at().line()), (file!(), here));
            assert_eq!(task.await.unwrap(), number);
        }
        assert!(runtime.spawn_many(std::iter::empty::<std::future::Ready<()>>()).is_empty());
    });
}

fn the_iterator_may_spawn(running: &Running) {
    running.run(|runtime| async move {
        let tasks = runtime.spawn_many((0..3).map(|number| {
            let inner = runtime.spawn_with_handle(async move { number });
            async move { inner.await.unwrap() }
        }));
        for (number, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), number);
        }
    });
}

fn a_task_that_panics_or_is_aborted_does_not_concern_the_others(running: &Running) {
    type Task = Pin<Box<dyn Future<Output = u8> + Send>>;

    running.run(|runtime| async move {
        let tasks: [Task; 3] = [
            Box::pin(std::future::pending()),
            Box::pin(async { std::panic::resume_unwind(Box::new("why")) }),
            Box::pin(async { 7 }),
        ];
        let mut tasks = runtime.spawn_many(tasks).into_iter();
        assert!(tasks.next().unwrap().cancel().await.unwrap_err().is_cancelled());
        let error = tasks.next().unwrap().await.unwrap_err();
        assert_eq!(error.panic_message().as_deref(), Some("why"));
        assert_eq!(tasks.next().unwrap().await.unwrap(), 7);
    });
}

#[cfg(feature = "async-executor")]
#[test]
fn an_executor_that_is_gone_refuses_them() {
    use std::sync::Arc;

    use async_runtime_compat::async_executor::ExecutorSpawner;

    let owned = Arc::new(());
    let spawner = ExecutorSpawner::new(Arc::new(::async_executor::Executor::new()));
    let tasks = spawner.spawn_many((0..3).map(|_| {
        let owned = owned.clone();
        async move { drop(owned) }
    }));
    assert_eq!((Arc::strong_count(&owned), tasks.len()), (1, 3));
    for task in tasks {
        assert!(futures_lite::future::block_on(task).unwrap_err().is_shutdown());
    }
}
