//! What a job tells and gives, and what a wrapper makes of it.

use std::error::Error;
use std::fmt;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{Outcome, Run, TaskState, TaskWrapper};
use async_runtime_compat::yield_now;

use crate::kit::{Alive, everywhere, job};

everywhere! {
    events_come_in_order_and_then_the_result,
    no_more_events_wait_than_the_channel_takes,
    consumer_that_goes_away_does_not_stop_the_job,
    second_start_while_running_is_an_error,
    failure_has_its_reason_and_can_be_retried,
    panic_is_a_failure_with_its_message,
    cancel_drops_the_job_and_says_so,
    cancel_leaves_what_does_not_run,
    cancel_is_requested_also_if_nobody_waits,
    handle_cancels_too,
    job_that_follows_its_token_in_the_grace_period_is_cancelled,
    job_that_ignores_its_token_is_dropped_when_the_grace_period_is_over,
    job_may_cancel_itself,
    states_can_be_watched,
}

async fn events_come_in_order_and_then_the_result(rt: Arc<dyn Runtime>) {
    let job = job(&rt, |count, cx| async move {
        for number in 0..count {
            assert!(cx.emit(number).await);
        }
        Ok(count)
    });
    assert!(matches!(job.state(), TaskState::NotStarted));
    let Run { mut events, handle, .. } = job.start(100).unwrap();
    let mut next = 0;
    while let Some(number) = events.next().await {
        assert_eq!(number, next);
        next += 1;
    }
    assert_eq!(next, 100);
    assert!(events.next().await.is_none(), "the end is the end");
    assert_eq!(handle.await.unwrap(), Outcome::Completed(100));
    assert!(job.is_completed());
}

async fn no_more_events_wait_than_the_channel_takes(rt: Arc<dyn Runtime>) {
    for capacity in [0, 1, 3] {
        let emitted = Arc::new(AtomicU32::new(0));
        let count = emitted.clone();
        let task = crate::kit::Job::new(move |tasks, cx| {
            let count = count.clone();
            async move {
                // However many emit.
                let emitting: Vec<_> = (0..tasks)
                    .map(|_| {
                        let (cx, count) = (cx.clone(), count.clone());
                        cx.spawner().spawn_with_handle(async move {
                            for _ in 0..5 {
                                assert!(cx.emit(1).await);
                                count.fetch_add(1, Ordering::SeqCst);
                            }
                        })
                    })
                    .collect();
                for task in emitting {
                    task.await?;
                }
                Ok(0)
            }
        });
        let job = TaskWrapper::builder(rt.clone(), task).event_capacity(capacity).build();
        let Run { mut events, handle, .. } = job.start(4).unwrap();
        let room = u32::try_from(capacity.max(1)).unwrap();
        let mut read = 0;
        loop {
            yield_now().await;
            let emitted = emitted.load(Ordering::SeqCst);
            assert!(emitted <= read + room, "{emitted} of {read} that were read, room {room}");
            if events.next().await.is_none() {
                break;
            }
            read += 1;
        }
        assert_eq!(read, 20);
        handle.await.unwrap();
    }
}

async fn consumer_that_goes_away_does_not_stop_the_job(rt: Arc<dyn Runtime>) {
    for read in [0, 1, 5] {
        let task = crate::kit::Job::new(|count, cx| async move {
            let mut unread = 0;
            for number in 0..count {
                unread += u32::from(!cx.emit(number).await);
            }
            let error = cx.try_emit(0).unwrap_err();
            assert!(error.is_closed());
            Ok(unread)
        });
        let job = TaskWrapper::builder(rt.clone(), task).event_capacity(2).build();
        let Run { mut events, handle, .. } = job.start(20).unwrap();
        for _ in 0..read {
            events.next().await.unwrap();
        }
        drop(events);
        let unread = handle.await.unwrap().output().unwrap();
        assert!((20 - read - 2..=20 - read).contains(&unread), "{unread} after {read}");
    }
}

async fn second_start_while_running_is_an_error(rt: Arc<dyn Runtime>) {
    let runs = Arc::new(AtomicU32::new(0));
    let count = runs.clone();
    let job = job(&rt, move |_, cx| {
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            cx.cancel_token().cancelled().await;
            pending().await
        }
    });
    let run = job.start(1).unwrap();
    assert!(job.state().is_running());
    let error = job.clone().start(2).unwrap_err();
    assert!(error.is_running());
    assert!(error.to_string().starts_with("task 'the job' is already running"), "{error}");
    assert_eq!(error.into_action(), 2);
    job.cancel().await;
    drop(run);
    assert!(runs.load(Ordering::SeqCst) <= 1);
}

#[derive(Debug)]
struct NoDisk;

impl fmt::Display for NoDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no disk")
    }
}

impl Error for NoDisk {}

async fn failure_has_its_reason_and_can_be_retried(rt: Arc<dyn Runtime>) {
    let tries = AtomicU32::new(0);
    let job = job(&rt, move |action, _| {
        let first = tries.fetch_add(1, Ordering::SeqCst) == 0;
        async move { if first { Err(io::Error::other(NoDisk).into()) } else { Ok(action) } }
    });
    let error = job.start(1).unwrap().await.unwrap_err();
    assert!(!error.is_cancelled() && !error.is_panic() && !error.is_shutdown());
    assert!(error.source().unwrap().downcast_ref::<io::Error>().is_some());
    assert_eq!(error.to_string(), "task 'the job' failed");
    assert_eq!(format!("{error:#}"), "task 'the job' failed: there is no disk");
    assert_eq!(error.message(), "there is no disk");
    assert_eq!(job.state().to_string(), "failed: there is no disk");
    assert_eq!(job.start(2).unwrap().await.unwrap(), Outcome::Completed(2));
    assert!(job.is_completed());
}

async fn panic_is_a_failure_with_its_message(rt: Arc<dyn Runtime>) {
    struct PanicsWhenDropped;

    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new("in the destructor"));
        }
    }

    let job = job(&rt, |action, _| async move {
        match action {
            0 => std::panic::resume_unwind(Box::new("a slice")),
            1 => std::panic::resume_unwind(Box::new("a string".to_owned())),
            2 => std::panic::resume_unwind(Box::new(7)),
            _ => {
                let _held = PanicsWhenDropped;
                pending().await
            }
        }
    });
    for (action, message) in [
        (0, "task 'the job' panicked: a slice"),
        (1, "task 'the job' panicked: a string"),
        (2, "task 'the job' panicked with a payload that is not a string"),
    ] {
        let error = job.start(action).unwrap().await.unwrap_err();
        assert!(error.is_panic());
        assert_eq!(error.to_string(), message);
        assert_eq!(job.state().error().unwrap().to_string(), message);
    }
    let run = job.start(3).unwrap();
    // Until it is polled, it does not hold anything that panics.
    for _ in 0..3 {
        yield_now().await;
    }
    let state = job.cancel().await;
    let error = state.error().unwrap();
    assert!(error.is_panic() || error.is_cancelled(), "{error}");
    assert_eq!(run.await.unwrap_err().to_string(), error.to_string());
}

async fn cancel_drops_the_job_and_says_so(rt: Arc<dyn Runtime>) {
    let alive = Alive::default();
    let held = alive.clone();
    let job = job(&rt, move |_, cx| {
        let held = held.clone();
        async move {
            cx.emit(0).await;
            pending::<()>().await;
            drop(held);
            Ok(0)
        }
    });
    let Run { mut events, handle, .. } = job.start(0).unwrap();
    assert_eq!(events.next().await, Some(0));
    let (one, two) = (job.cancel(), job.cancel());
    let state = two.await;
    assert!(state.error().unwrap().is_cancelled(), "{state}");
    assert_eq!(alive.count(), 1, "only the wrapper's own is left");
    assert!(one.await.is_failed());
    assert_eq!(events.next().await, None);
    let error = handle.await.unwrap_err();
    assert!(error.is_cancelled() && error.source().is_none());
    assert_eq!(error.to_string(), "task 'the job' was cancelled");
    assert!(job.start(1).is_ok(), "it can be started again");
    job.cancel().await;
}

async fn cancel_leaves_what_does_not_run(rt: Arc<dyn Runtime>) {
    let job = job(&rt, |_, _| async { Ok(0) });
    assert!(matches!(job.cancel().await, TaskState::NotStarted));
    let unpolled = job.cancel();
    job.start(0).unwrap().await.unwrap();
    assert!(job.cancel().await.is_completed());
    assert!(unpolled.await.is_completed(), "it concerns no later run");
}

async fn cancel_is_requested_also_if_nobody_waits(rt: Arc<dyn Runtime>) {
    let job = job(&rt, |_, _| pending());
    let run = job.start(0).unwrap();
    drop(job.cancel());
    assert!(run.await.unwrap_err().is_cancelled());
}

async fn handle_cancels_too(rt: Arc<dyn Runtime>) {
    let job =
        job(&rt, |action, _| async move { if action == 0 { pending().await } else { Ok(action) } });
    let run = job.start(0).unwrap();
    assert!(run.handle.cancel().await.unwrap_err().is_cancelled());
    assert!(job.state().is_failed());
    let run = job.start(1).unwrap();
    job.watch().wait_for(TaskState::is_ended).await.unwrap();
    assert_eq!(run.handle.cancel().await.unwrap(), Outcome::Completed(1), "it came first");
}

async fn job_that_follows_its_token_in_the_grace_period_is_cancelled(rt: Arc<dyn Runtime>) {
    let task = crate::kit::Job::new(|action, cx| async move {
        cx.cancel_token().cancelled().await;
        for number in 0..3 {
            yield_now().await;
            cx.emit(number).await;
        }
        if action == 0 { Ok(7) } else { Err(NoDisk.into()) }
    });
    let job = TaskWrapper::builder(rt, task).grace(Duration::MAX).build();
    for action in [0, 1] {
        let Run { mut events, handle, .. } = job.start(action).unwrap();
        let ended = job.cancel();
        for number in 0..3 {
            assert_eq!(events.next().await, Some(number), "it may still tell something");
        }
        assert!(ended.await.error().unwrap().is_cancelled());
        let error = handle.await.unwrap_err();
        assert!(error.is_cancelled(), "whatever it gives");
        let own = error.source().map(|source| source.downcast_ref::<NoDisk>().is_some());
        assert_eq!(own, (action == 1).then_some(true));
    }
}

async fn job_that_ignores_its_token_is_dropped_when_the_grace_period_is_over(rt: Arc<dyn Runtime>) {
    if rt.system_time() == SystemTime::UNIX_EPOCH {
        return; // This clock stands still, and the grace period is never over.
    }
    let grace = Duration::from_millis(5);
    let alive = Alive::default();
    let held = alive.clone();
    let task = crate::kit::Job::new(move |_, cx| {
        let (held, deep) = (held.clone(), held.clone());
        cx.spawner().spawn_detached(async move {
            pending::<()>().await;
            drop(deep);
        });
        async move {
            pending::<()>().await;
            drop(held);
            Ok(0)
        }
    });
    let job = TaskWrapper::builder(rt.clone(), task).grace(grace).build();
    let run = job.start(0).unwrap();
    let start = rt.now();
    assert!(job.cancel().await.error().unwrap().is_cancelled());
    assert!(rt.now() - start >= grace, "it had time");
    assert_eq!(alive.count(), 1);
    assert!(run.await.unwrap_err().is_cancelled());
}

async fn job_may_cancel_itself(rt: Arc<dyn Runtime>) {
    let job = job(&rt, |_, cx| async move {
        cx.cancel_token().cancel();
        yield_now().await;
        Ok(1)
    });
    assert!(job.start(0).unwrap().await.unwrap_err().is_cancelled());
}

async fn states_can_be_watched(rt: Arc<dyn Runtime>) {
    let (go, wait) = async_channel::bounded::<()>(1);
    let job = job(&rt, move |_, _| {
        let wait = wait.clone();
        async move {
            wait.recv().await?;
            Ok(1)
        }
    });
    let mut watch = job.watch();
    let run = job.start(0).unwrap();
    assert!(watch.changed().await.unwrap().is_running());
    let watchers: Vec<_> = (0..3)
        .map(|_| {
            let mut watch = watch.clone();
            rt.spawn_with_handle(async move { watch.wait_for(TaskState::is_ended).await })
        })
        .collect();
    go.send(()).await.unwrap();
    for watcher in watchers {
        assert!(watcher.await.unwrap().unwrap().is_completed());
    }
    assert!(watch.changed().await.unwrap().is_completed());
    run.await.unwrap();
    drop(job);
    assert!(watch.changed().await.is_none(), "there is nobody to change it");
}
