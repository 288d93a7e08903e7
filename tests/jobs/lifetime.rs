//! What is gone when a job has ended, and what ends it from outside.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{Outcome, Run, TaskState, TaskWrapper};
use async_runtime_compat::yield_now;

use crate::kit::{Alive, Cx, Given, Job, everywhere, inside, job};

everywhere! {
    what_a_job_has_spawned_is_gone_when_it_has_ended,
    what_a_job_has_spawned_may_end_by_itself_in_the_grace_period,
    blocking_work_is_waited_for,
    context_that_outlives_its_job_does_nothing,
    dropping_the_wrapper_stops_nothing,
    group_around_a_job_lists_it,
    group_around_a_job_aborts_it,
    group_around_a_job_shuts_it_down,
    closed_group_refuses_a_job,
}

/// Spawns tasks that never end, at some depth and in all ways.
fn spawn_all(cx: &Cx, alive: &Alive) {
    let never = || {
        let held = alive.clone();
        async move {
            pending::<()>().await;
            drop(held);
        }
    };
    cx.spawner().spawn_detached(never());
    cx.runtime().spawn_named("inner", never()).detach();
    let (deep, deeper) = (cx.runtime(), never());
    let spawner: Arc<dyn Spawner> = cx.runtime();
    spawner.spawn(Box::pin(async move {
        deep.spawn_detached(deeper);
        pending::<()>().await;
    }));
}

async fn what_a_job_has_spawned_is_gone_when_it_has_ended(rt: Arc<dyn Runtime>) {
    let alive = Alive::default();
    let held = alive.clone();
    let job = job(&rt, move |action, cx| {
        let held = held.clone();
        async move {
            spawn_all(&cx, &held);
            yield_now().await;
            match action {
                0 => Err("it fails".into()),
                1 => std::panic::resume_unwind(Box::new("it panics")),
                2 => pending().await,
                _ => Ok(0),
            }
        }
    });
    for action in 0..4 {
        let Run { mut events, handle, .. } = job.start(action).unwrap();
        let mut watch = job.watch();
        let count = alive.counter();
        let watching = rt.spawn_with_handle(async move {
            watch.wait_for(TaskState::is_ended).await.unwrap();
            assert_eq!(count(), 1, "only the wrapper's own is left");
        });
        if action == 2 {
            yield_now().await;
            drop(job.cancel());
        }
        assert!(events.next().await.is_none());
        assert_eq!(alive.count(), 1, "at the end of the events it is gone");
        assert_eq!(handle.await.is_ok(), action == 3);
        watching.await.unwrap();
    }
}

async fn what_a_job_has_spawned_may_end_by_itself_in_the_grace_period(rt: Arc<dyn Runtime>) {
    let task = Job::new(|_, cx| async move {
        let (token, events) = (cx.cancel_token(), cx.clone());
        cx.spawner().spawn_detached(async move {
            token.cancelled().await;
            yield_now().await;
            events.emit(7).await;
        });
        Ok(1)
    });
    let job = TaskWrapper::builder(rt, task).grace(Duration::MAX).build();
    let Run { mut events, handle, .. } = job.start(0).unwrap();
    assert_eq!(events.next().await, Some(7), "it cleans up");
    assert_eq!(events.next().await, None);
    assert_eq!(handle.await.unwrap(), Outcome::Completed(1), "that is not being cancelled");
}

async fn blocking_work_is_waited_for(rt: Arc<dyn Runtime>) {
    let (go, wait) = async_channel::bounded::<()>(1);
    let alive = Alive::default();
    let held = alive.clone();
    let job = job(&rt, move |_, cx| {
        let (held, wait) = (held.clone(), wait.clone());
        async move {
            // Before it is spawned, so that nothing blocks but what was begun.
            wait.recv().await?;
            cx.runtime().spawn_blocking(move || drop(held)).detach();
            Ok(1)
        }
    });
    let run = job.start(0).unwrap();
    go.send(()).await.unwrap();
    run.await.unwrap();
    assert_eq!(alive.count(), 1);
}

async fn context_that_outlives_its_job_does_nothing(rt: Arc<dyn Runtime>) {
    let (out, context) = async_channel::bounded(1);
    let job = job(&rt, move |_, cx| {
        let out = out.clone();
        async move {
            out.send(cx).await?;
            Ok(1)
        }
    });
    let Run { mut events, handle, .. } = job.start(0).unwrap();
    handle.await.unwrap();
    let cx = context.recv().await.unwrap();
    assert!(events.next().await.is_none(), "the events end with the job");
    assert!(!cx.emit(1).await);
    assert!(cx.try_emit(1).unwrap_err().is_closed());
    assert!(cx.cancel_token().is_cancelled());
    assert!(cx.spawner().spawn_with_handle(async {}).await.unwrap_err().is_shutdown());
    assert!(cx.runtime().spawn_with_handle(async {}).await.unwrap_err().is_shutdown());
    assert!(cx.runtime().spawn_blocking(|| {}).await.unwrap_err().is_shutdown());
}

async fn dropping_the_wrapper_stops_nothing(rt: Arc<dyn Runtime>) {
    let (go, wait) = async_channel::bounded::<()>(1);
    let job = job(&rt, move |_, _| {
        let wait = wait.clone();
        async move {
            wait.recv().await?;
            Ok(1)
        }
    });
    let mut watch = job.watch();
    drop(job.start(0).unwrap());
    drop(job);
    assert!(watch.changed().await.unwrap().is_running());
    go.send(()).await.unwrap();
    assert!(watch.changed().await.unwrap().is_completed());
    assert!(watch.changed().await.is_none());
}

/// Spawns what never ends, and never ends.
async fn never(cx: Cx, alive: Alive) -> Given {
    spawn_all(&cx, &alive);
    cx.emit(0).await;
    pending().await
}

async fn group_around_a_job_lists_it(rt: Arc<dyn Runtime>) {
    let group = async_runtime_compat::TaskGroup::new(rt.clone());
    let alive = Alive::default();
    let job = job(&inside(&group, &rt), move |_, cx| never(cx, alive.clone()));
    let mut run = job.start(0).unwrap();
    let line = line!() - 1;
    run.events.next().await;
    let tasks = group.tasks();
    let listed = tasks.iter().find(|task| task.task_name() == Some("the job")).unwrap();
    assert_eq!(listed.spawned_at().line(), line, "it is where `start` was called");
    assert!(listed.spawned_at().file().ends_with("lifetime.rs"));
    assert!(tasks.iter().any(|task| task.task_name() == Some("inner")), "{tasks:?}");
    job.cancel().await;
    group.wait().await;
}

async fn group_around_a_job_aborts_it(rt: Arc<dyn Runtime>) {
    let group = async_runtime_compat::TaskGroup::new(rt.clone());
    let alive = Alive::default();
    let held = alive.clone();
    let job = job(&inside(&group, &rt), move |_, cx| never(cx, held.clone()));
    for polled in [true, false] {
        let Run { mut events, handle, .. } = job.start(0).unwrap();
        if polled {
            events.next().await;
        }
        group.abort_all();
        let state = job.watch().wait_for(TaskState::is_ended).await.unwrap();
        assert_eq!(alive.count(), 1, "only the wrapper's own is left");
        assert!(state.error().unwrap().is_cancelled(), "{state}");
        assert!(handle.await.unwrap_err().is_cancelled());
        assert!(job.cancel().await.is_failed(), "there is nothing to wait for");
    }
}

async fn group_around_a_job_shuts_it_down(rt: Arc<dyn Runtime>) {
    let group = async_runtime_compat::TaskGroup::new(rt.clone());
    let job = job(&inside(&group, &rt), |_, cx| async move {
        cx.cancel_token().cancelled().await;
        Ok(1)
    });
    let run = job.start(0).unwrap();
    yield_now().await;
    let report = group.shutdown(&*rt, Duration::MAX).await;
    assert!(report.is_clean(), "it has followed its token: {report}");
    assert!(run.await.unwrap_err().is_cancelled());
}

async fn closed_group_refuses_a_job(rt: Arc<dyn Runtime>) {
    let group = async_runtime_compat::TaskGroup::new(rt.clone());
    let job = job(&inside(&group, &rt), |_, _| async { Ok(1) });
    group.close();
    let run = job.start(0).unwrap();
    let error = run.await.unwrap_err();
    assert!(error.is_shutdown(), "{error}");
    assert!(job.state().is_failed());
}

/// A crash: nothing on the node is polled any more, and all of it is dropped.
#[test]
fn job_ends_with_its_node() {
    crate::explore::explore(1000, |rt| async move {
        let node = rt.node("server");
        let runtime: Arc<dyn Runtime> = Arc::new(node.runtime());
        let alive = Alive::default();
        let held = alive.clone();
        let job = job(&runtime, move |_, cx| never(cx, held.clone()));
        let Run { mut events, handle, .. } = job.start(0).unwrap();
        yield_now().await;
        node.kill();
        let state = job.watch().wait_for(TaskState::is_ended).await.unwrap();
        assert!(state.error().unwrap().is_shutdown(), "{state}");
        assert_eq!(alive.count(), 1, "only the wrapper's own is left");
        while events.next().await.is_some() {}
        assert!(handle.await.unwrap_err().is_shutdown());
    });
}

/// Has a job running when its runtime goes, and looks at what becomes of it.
#[cfg(any(feature = "tokio", feature = "async-executor"))]
fn shut_down(runtime: &Arc<dyn Runtime>, end: impl FnOnce()) {
    use futures_lite::future::block_on;

    let alive = Alive::default();
    let held = alive.clone();
    let job = job(runtime, move |_, cx| never(cx, held.clone()));
    let Run { mut events, handle, .. } = job.start(0).unwrap();
    block_on(events.next()).unwrap();
    end();
    let state = block_on(job.watch().wait_for(TaskState::is_ended)).unwrap();
    assert!(state.error().unwrap().is_shutdown(), "{state}");
    assert_eq!(alive.count(), 1, "only the wrapper's own is left");
    assert!(block_on(events.next()).is_none());
    assert!(block_on(handle).unwrap_err().is_shutdown());
    // There is nothing to run on.
    assert!(block_on(job.start(0).unwrap().handle).unwrap_err().is_shutdown());
    assert!(block_on(job.cancel()).is_failed());
}

#[cfg(feature = "tokio")]
#[test]
fn job_ends_with_a_tokio_runtime() {
    use async_runtime_compat::tokio::TokioSpawner;

    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let runtime: Arc<dyn Runtime> = Arc::new(TokioSpawner::new(tokio.handle().clone()));
    shut_down(&runtime, || drop(tokio));
}

#[cfg(feature = "async-executor")]
#[test]
fn job_ends_with_an_executor() {
    use async_runtime_compat::async_executor::ExecutorSpawner;

    let executor = Arc::new(async_executor::Executor::new());
    let runtime: Arc<dyn Runtime> = Arc::new(ExecutorSpawner::new(executor.clone()));
    let (stop, stopped) = async_channel::bounded::<()>(1);
    let thread = std::thread::spawn(move || {
        let _ = futures_lite::future::block_on(executor.run(stopped.recv()));
    });
    shut_down(&runtime, || {
        drop(stop);
        thread.join().unwrap();
    });
}

/// A grace period needs a timer, and this runtime has none: it is over at once.
#[cfg(feature = "tokio")]
#[test]
fn grace_period_on_a_runtime_without_a_timer_is_over_at_once() {
    use async_runtime_compat::tokio::TokioSpawner;
    use futures_lite::future::block_on;

    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let runtime = Arc::new(TokioSpawner::new(tokio.handle().clone()));
    let task = Job::new(|_, _| pending());
    let job = TaskWrapper::builder(runtime, task).grace(Duration::from_secs(3600)).build();
    let run = job.start(0).unwrap();
    assert!(block_on(job.cancel()).error().unwrap().is_cancelled());
    assert!(block_on(run.handle).unwrap_err().is_cancelled());
}

#[cfg(feature = "tokio")]
#[test]
fn job_that_uses_up_its_budget_is_stopped_at_the_end_of_the_grace_period() {
    use async_runtime_compat::tokio::TokioSpawner;

    let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    tokio.block_on(async {
        let runtime: Arc<dyn Runtime> = Arc::new(TokioSpawner::current().unwrap());
        let busy = Job::new(|_, _| async {
            loop {
                // As one that reads what is always there.
                tokio::task::coop::consume_budget().await;
            }
        });
        let grace = Duration::from_millis(20);
        let busy = TaskWrapper::builder(runtime, busy).grace(grace).build();
        let run = busy.start(1).unwrap();
        yield_now().await;
        assert!(run.handle.cancel().await.unwrap_err().is_cancelled());
    });
}
