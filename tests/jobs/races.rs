//! What meets what, in whichever order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{Outcome, Run, TaskState, TaskWrapper};
use async_runtime_compat::{TaskGroup, yield_now};

use crate::kit::{Alive, Job, everywhere, inside, job, once};

everywhere! {
    cancel_against_completion,
    cancel_against_the_next_start,
    start_against_completion,
    start_against_start,
    dropped_consumer_against_a_full_channel,
    one_who_gives_up_against_room,
    dropped_wrapper_against_a_start_and_an_end,
    abort_from_outside_against_completion,
    job_that_spawns_against_its_end,
}

async fn yields(times: u32) {
    for _ in 0..times {
        yield_now().await;
    }
}

async fn cancel_against_completion(rt: Arc<dyn Runtime>) {
    let (alive, runs) = (Alive::default(), Arc::new(AtomicU32::new(0)));
    let (held, count) = (alive.clone(), runs.clone());
    let job = once(&rt, move |times, _| {
        count.fetch_add(1, Ordering::SeqCst);
        let held = held.clone();
        async move {
            yields(times).await;
            drop(held);
            Ok(times)
        }
    });
    let run = job.start(2).unwrap();
    let canceller = rt.spawn_with_handle({
        let (job, count) = (job.clone(), alive.counter());
        async move {
            yields(1).await;
            let state = job.cancel().await;
            assert_eq!(count(), 1, "it waits for the end");
            state
        }
    });
    let result = run.await;
    let state = job.state();
    let told = canceller.await.unwrap();
    assert_eq!(told.to_string(), state.to_string(), "there is one end");
    match result {
        Ok(outcome) => {
            assert_eq!(outcome, Outcome::Completed(2));
            assert!(state.is_completed());
            assert!(job.start(0).unwrap().await.unwrap().is_already_completed());
        }
        Err(error) => {
            assert!(error.is_cancelled() && state.error().unwrap().is_cancelled());
            let before = runs.load(Ordering::SeqCst);
            assert_eq!(job.start(0).unwrap().await.unwrap(), Outcome::Completed(0));
            assert_eq!(runs.load(Ordering::SeqCst), before + 1);
        }
    }
}

async fn cancel_against_the_next_start(rt: Arc<dyn Runtime>) {
    let job = job(&rt, |action, _| async move {
        yields(1).await;
        if action == 0 { Err("the first one fails".into()) } else { Ok(action) }
    });
    let first = job.start(0).unwrap();
    let canceller = rt.spawn_with_handle({
        let job = job.clone();
        async move {
            // What it requests concerns the run that there is then.
            let ended = job.cancel();
            let was = job.state();
            (was, ended.await)
        }
    });
    let first = first.await.unwrap_err();
    let second = job.start(1).unwrap().await;
    let (_, told) = canceller.await.unwrap();
    if first.is_cancelled() {
        assert_eq!(told.error().unwrap().to_string(), first.to_string());
        assert_eq!(second.unwrap(), Outcome::Completed(1), "one request, one run");
    } else if let Err(error) = second {
        assert!(error.is_cancelled() && told.error().unwrap().is_cancelled());
    } else {
        assert!(job.is_completed());
    }
}

async fn start_against_completion(rt: Arc<dyn Runtime>) {
    let runs = Arc::new(AtomicU32::new(0));
    let count = runs.clone();
    let job = once(&rt, move |times, _| {
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            yields(times).await;
            Ok(times)
        }
    });
    let run = job.start(2).unwrap();
    let starter = rt.spawn_with_handle({
        let job = job.clone();
        async move {
            for _ in 0..4 {
                match job.start(9) {
                    Ok(run) => {
                        assert!(job.is_completed(), "nothing was started twice");
                        assert!(run.await.unwrap().is_already_completed());
                    }
                    Err(error) => assert_eq!(error.into_action(), 9),
                }
                yield_now().await;
            }
        }
    });
    assert_eq!(run.await.unwrap(), Outcome::Completed(2));
    starter.await.unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

async fn start_against_start(rt: Arc<dyn Runtime>) {
    let running = Arc::new(AtomicU32::new(0));
    let count = running.clone();
    let job = job(&rt, move |number, _| {
        let count = count.clone();
        async move {
            assert_eq!(count.fetch_add(1, Ordering::SeqCst), 0, "two at a time");
            yields(1).await;
            count.fetch_sub(1, Ordering::SeqCst);
            // It fails, so that it can be started again.
            Err(number.to_string().into())
        }
    });
    let starters: Vec<_> = (0..3)
        .map(|number: u32| {
            let job = job.clone();
            rt.spawn_with_handle(async move {
                match job.start(number) {
                    Ok(run) => {
                        assert_eq!(run.await.unwrap_err().message(), number.to_string());
                        1
                    }
                    Err(error) => {
                        assert_eq!(error.into_action(), number);
                        0
                    }
                }
            })
        })
        .collect();
    let mut started = 0;
    for starter in starters {
        started += starter.await.unwrap();
    }
    assert!(started >= 1);
    assert_eq!(running.load(Ordering::SeqCst), 0);
}

async fn dropped_consumer_against_a_full_channel(rt: Arc<dyn Runtime>) {
    let task = Job::new(|tasks, cx| async move {
        let emitting: Vec<_> = (0..tasks)
            .map(|number| {
                let cx = cx.clone();
                cx.spawner().spawn_with_handle(async move {
                    let mut emitted = 0;
                    for _ in 0..2 {
                        emitted += u32::from(cx.emit(number).await);
                    }
                    emitted
                })
            })
            .collect();
        let mut emitted = 0;
        for task in emitting {
            emitted += task.await?;
        }
        Ok(emitted)
    });
    let job = TaskWrapper::builder(rt.clone(), task).event_capacity(1).build();
    let Run { mut events, handle, .. } = job.start(3).unwrap();
    let reader = rt.spawn_with_handle(async move {
        for _ in 0..2 {
            events.next().await.unwrap();
        }
        yield_now().await;
        drop(events);
    });
    let emitted = handle.await.unwrap().output().unwrap();
    reader.await.unwrap();
    assert!((2..=3).contains(&emitted), "two were read, and one fits in: {emitted}");
    assert!(job.is_completed());
}

async fn one_who_gives_up_against_room(rt: Arc<dyn Runtime>) {
    let task = Job::new(|_, cx| async move {
        let mut emitting: Vec<_> = (0..3)
            .map(|number| {
                let cx = cx.clone();
                cx.spawner().spawn_with_handle(async move {
                    for _ in 0..2 {
                        cx.emit(number).await;
                    }
                })
            })
            .collect();
        // It may have got room and not know of it. Then the room is the next one's.
        let gives_up = emitting.remove(0);
        yields(2).await;
        gives_up.abort();
        for task in emitting {
            task.await?;
        }
        Ok(0)
    });
    let job = TaskWrapper::builder(rt.clone(), task).event_capacity(1).build();
    let Run { mut events, handle, .. } = job.start(0).unwrap();
    let mut read = [0; 3];
    while let Some(number) = events.next().await {
        read[number as usize] += 1;
    }
    assert!(read[0] <= 2 && read[1..] == [2, 2], "{read:?}");
    handle.await.unwrap();
}

async fn dropped_wrapper_against_a_start_and_an_end(rt: Arc<dyn Runtime>) {
    let alive = Alive::default();
    let held = alive.clone();
    let job = job(&rt, move |times, _| {
        let held = held.clone();
        async move {
            yields(times).await;
            drop(held);
            Ok(times)
        }
    });
    let mut watch = job.watch();
    let starter = rt.spawn_with_handle({
        let job = job.clone();
        async move {
            let run = job.start(1).unwrap();
            drop(job);
            run
        }
    });
    yield_now().await;
    drop(job);
    let Run { mut events, handle, .. } = starter.await.unwrap();
    drop(handle);
    assert!(watch.wait_for(TaskState::is_ended).await.unwrap().is_completed());
    assert!(watch.changed().await.is_none(), "the wrapper is gone, and the job is");
    assert!(events.next().await.is_none());
    assert_eq!(alive.count(), 0, "and with it what it was made of");
}

async fn abort_from_outside_against_completion(rt: Arc<dyn Runtime>) {
    let group = TaskGroup::new(rt.clone());
    let alive = Alive::default();
    let held = alive.clone();
    let job = job(&inside(&group, &rt), move |times, cx| {
        let held = held.clone();
        async move {
            cx.spawner().spawn_detached(async move {
                yields(1).await;
                drop(held);
            });
            yields(times).await;
            Ok(times)
        }
    });
    let run = job.start(1).unwrap();
    let aborter = rt.spawn_with_handle({
        let group = group.clone();
        async move {
            yield_now().await;
            group.abort_all();
        }
    });
    let state = job.watch().wait_for(TaskState::is_ended).await.unwrap();
    assert_eq!(alive.count(), 1, "only the wrapper's own is left");
    match run.await {
        Ok(outcome) => assert!(outcome == Outcome::Completed(1) && state.is_completed()),
        Err(error) => assert!(error.is_cancelled(), "{error}"),
    }
    aborter.await.unwrap();
    group.wait().await;
}

async fn job_that_spawns_against_its_end(rt: Arc<dyn Runtime>) {
    let alive = Alive::default();
    let held = alive.clone();
    let job = job(&rt, move |_, cx| {
        let held = held.clone();
        async move {
            let deep = cx.runtime();
            cx.spawner().spawn_detached(async move {
                for _ in 0..3 {
                    let held = held.clone();
                    deep.spawn_detached(async move {
                        yields(2).await;
                        drop(held);
                    });
                    yield_now().await;
                }
            });
            yields(2).await;
            Ok(0)
        }
    });
    job.start(0).unwrap().await.unwrap();
    assert_eq!(alive.count(), 1, "nothing slips through");
}
