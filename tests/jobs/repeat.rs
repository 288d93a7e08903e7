//! How often the work of an action is done, and the list of runs.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{Outcome, Repeat, Run, RunRecord, TaskState, TaskWrapper};
use async_runtime_compat::yield_now;

use crate::kit::{Job, everywhere, job, once};

everywhere! {
    job_that_does_not_say_is_run_on_each_start,
    completed_job_is_not_run_again,
    each_key_is_done_once,
    key_that_failed_is_done_again,
    once_and_each_key_are_apart,
    completed_key_is_told_while_another_runs,
    panic_about_the_repetition_is_a_failure,
    runs_are_listed_with_their_states,
    list_of_runs_is_bounded,
    starts_of_one_key_against_each_other,
    error_may_look_at_the_wrapper_when_it_is_forgotten,
}

/// A job that counts its runs: of each action those that are even succeed.
fn counting(
    rt: &Arc<dyn Runtime>,
    repeat: fn(u32) -> Repeat,
) -> (TaskWrapper<Job>, Arc<AtomicU32>) {
    let runs = Arc::new(AtomicU32::new(0));
    let count = runs.clone();
    let job = Job::new(move |action, _| {
        count.fetch_add(1, Ordering::SeqCst);
        async move { if action % 2 == 0 { Ok(action) } else { Err("it is odd".into()) } }
    });
    let job = TaskWrapper::builder(rt.clone(), job.repeat(repeat)).name("the job").build();
    (job, runs)
}

async fn job_that_does_not_say_is_run_on_each_start(rt: Arc<dyn Runtime>) {
    let job = job(&rt, |action, _| async move { Ok(action) });
    for action in [1, 1, 2, 1] {
        assert_eq!(job.start(action).unwrap().await.unwrap(), Outcome::Completed(action));
        assert!(job.is_completed());
    }
}

async fn completed_job_is_not_run_again(rt: Arc<dyn Runtime>) {
    let runs = Arc::new(AtomicU32::new(0));
    let count = runs.clone();
    let job = once(&rt, move |_, _| {
        let run = count.fetch_add(1, Ordering::SeqCst);
        async move { Ok(run) }
    });
    assert_eq!(job.start(0).unwrap().await.unwrap(), Outcome::Completed(0));
    for action in 0..3 {
        let Run { mut events, handle, .. } = job.start(action).unwrap();
        assert!(handle.is_finished());
        assert_eq!(handle.number(), None, "there is no such run");
        assert!(events.next().await.is_none());
        assert!(handle.await.unwrap().is_already_completed());
        assert!(job.is_completed());
    }
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

async fn each_key_is_done_once(rt: Arc<dyn Runtime>) {
    let (job, runs) = counting(&rt, Repeat::once_per);
    for action in [0, 2, 4] {
        assert_eq!(job.start(action).unwrap().await.unwrap(), Outcome::Completed(action));
    }
    for action in [4, 0, 2] {
        assert!(job.start(action).unwrap().await.unwrap().is_already_completed());
    }
    assert_eq!(runs.load(Ordering::SeqCst), 3);
}

async fn key_that_failed_is_done_again(rt: Arc<dyn Runtime>) {
    let (job, runs) = counting(&rt, |action| Repeat::once_per(action / 2));
    assert!(job.start(7).unwrap().await.is_err());
    assert!(job.start(7).unwrap().await.is_err());
    // The same key by another action.
    assert_eq!(job.start(6).unwrap().await.unwrap(), Outcome::Completed(6));
    assert!(job.start(7).unwrap().await.unwrap().is_already_completed());
    assert_eq!(runs.load(Ordering::SeqCst), 3);
    assert_eq!(job.runs().len(), 1, "one key, one run");
}

async fn once_and_each_key_are_apart(rt: Arc<dyn Runtime>) {
    let (job, runs) = counting(&rt, |action| match action {
        0..10 => Repeat::Once,
        10..20 => Repeat::OncePer(String::new()),
        20..30 => Repeat::once_per("once"),
        _ => Repeat::Always,
    });
    for first in [0, 10, 20, 30] {
        assert_eq!(job.start(first).unwrap().await.unwrap(), Outcome::Completed(first));
    }
    for second in [2, 12, 22] {
        assert!(job.start(second).unwrap().await.unwrap().is_already_completed());
    }
    assert_eq!(job.start(32).unwrap().await.unwrap(), Outcome::Completed(32));
    assert_eq!(runs.load(Ordering::SeqCst), 5);
}

async fn completed_key_is_told_while_another_runs(rt: Arc<dyn Runtime>) {
    let task = Job::new(|action, cx| async move {
        if action == 1 {
            cx.cancel_token().cancelled().await;
        }
        Ok(action)
    });
    let job = TaskWrapper::new(rt, task.repeat(Repeat::once_per));
    job.start(0).unwrap().await.unwrap();
    let running = job.start(1).unwrap();
    assert!(job.start(0).unwrap().await.unwrap().is_already_completed());
    assert!(job.state().is_running(), "it is the state of the other run");
    assert_eq!(job.start(1).unwrap_err().into_action(), 1);
    assert_eq!(job.start(2).unwrap_err().into_action(), 2, "one runs at a time");
    job.cancel().await;
    assert!(running.await.unwrap_err().is_cancelled());
    assert!(job.start(0).unwrap().await.unwrap().is_already_completed());
}

async fn panic_about_the_repetition_is_a_failure(rt: Arc<dyn Runtime>) {
    let (job, runs) = counting(&rt, |action| match action {
        0 => std::panic::resume_unwind(Box::new("it does not know")),
        _ => Repeat::Once,
    });
    let Run { mut events, handle, .. } = job.start(0).unwrap();
    assert_eq!(events.next().await, None);
    let error = handle.await.unwrap_err();
    assert_eq!(error.to_string(), "task 'the job' panicked: it does not know");
    assert!(job.state().is_failed());
    assert_eq!(runs.load(Ordering::SeqCst), 0);
    assert!(job.check_completed(0).await.unwrap_err().is_panic());
    assert_eq!(job.start(2).unwrap().await.unwrap(), Outcome::Completed(2));
}

/// The numbers, keys and states of the runs, as text.
fn listed(job: &TaskWrapper<Job>) -> Vec<String> {
    let text = |run: RunRecord| {
        let number = run.number.map_or("-".to_owned(), |number| number.to_string());
        format!("{number} {} {}", run.repeat, run.state)
    };
    job.runs().into_iter().map(text).collect()
}

async fn runs_are_listed_with_their_states(rt: Arc<dyn Runtime>) {
    let (go, wait) = async_channel::bounded::<()>(1);
    let task = Job::new(move |action, _| {
        let wait = wait.clone();
        async move {
            match action {
                0 => Ok(0),
                1 => Err("it is odd".into()),
                _ => {
                    wait.recv().await?;
                    Ok(2)
                }
            }
        }
    });
    let task = task.repeat(|action| match action {
        0 => Repeat::Always,
        1 => Repeat::Once,
        action => Repeat::once_per(action),
    });
    let job = TaskWrapper::new(rt, task);
    assert!(listed(&job).is_empty());
    for action in [0, 1, 0, 1] {
        let before = job.runs().last().and_then(|run| run.number).unwrap_or(0);
        let run = job.start(action).unwrap();
        assert_eq!(run.handle.number(), Some(before + 1));
        let _ = run.await;
    }
    let run = job.start(2).unwrap();
    let past = ["1 always completed", "3 always completed", "4 once failed: it is odd"];
    assert_eq!(listed(&job), [&past[..], &["5 once per '2' running"]].concat());
    go.send(()).await.unwrap();
    run.await.unwrap();
    assert_eq!(listed(&job), [&past[..], &["5 once per '2' completed"]].concat());
    assert!(job.start(2).unwrap().await.unwrap().is_already_completed());
    assert_eq!(listed(&job).len(), 4, "what does not run is no run");
}

async fn list_of_runs_is_bounded(rt: Arc<dyn Runtime>) {
    let (job, _) = counting(&rt, |action| match action {
        0..100 => Repeat::once_per(action),
        _ => Repeat::Always,
    });
    // The even ones complete and are kept, and the odd ones fail.
    for action in 0..80 {
        let _ = job.start(action).unwrap().await;
    }
    assert_eq!(job.runs().len(), 40 + 32);
    for _ in 0..40 {
        job.start(100).unwrap().await.unwrap();
    }
    let runs = job.runs();
    assert_eq!(runs.len(), 40 + 32);
    assert!(runs.is_sorted_by_key(|run| run.number));
    assert_eq!(runs.last().unwrap().number, Some(120));
    assert!(runs[40..].iter().all(|run| run.repeat == Repeat::Always));
    assert!(job.start(0).unwrap().await.unwrap().is_already_completed(), "it is not forgotten");
}

async fn starts_of_one_key_against_each_other(rt: Arc<dyn Runtime>) {
    let runs = Arc::new(AtomicU32::new(0));
    let count = runs.clone();
    let task = Job::new(move |action, _| {
        let count = count.clone();
        async move {
            yield_now().await;
            count.fetch_add(1, Ordering::SeqCst);
            Ok(action)
        }
    });
    let job = TaskWrapper::new(rt.clone(), task.repeat(Repeat::once_per));
    let starters: Vec<_> = (0..3)
        .map(|number: u32| {
            let job = job.clone();
            rt.spawn_with_handle(async move {
                let key = number / 2;
                loop {
                    match job.start(key) {
                        Ok(run) => return run.await.unwrap(),
                        Err(error) => assert_eq!(error.into_action(), key),
                    }
                    job.watch().wait_for(TaskState::is_ended).await.unwrap();
                }
            })
        })
        .collect();
    let mut completed = 0;
    for starter in starters {
        completed += u32::from(!starter.await.unwrap().is_already_completed());
    }
    assert_eq!((completed, runs.load(Ordering::SeqCst)), (2, 2), "two keys, whoever starts them");
}

async fn error_may_look_at_the_wrapper_when_it_is_forgotten(rt: Arc<dyn Runtime>) {
    #[derive(Debug)]
    struct Looks(Arc<OnceLock<TaskWrapper<Job>>>, Arc<AtomicU32>);

    impl std::fmt::Display for Looks {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("it looks")
        }
    }

    impl std::error::Error for Looks {}

    impl Drop for Looks {
        fn drop(&mut self) {
            let job = self.0.get().unwrap();
            assert!(job.state().is_running() && !job.runs().is_empty());
            self.1.fetch_add(1, Ordering::SeqCst);
        }
    }

    let cell = Arc::new(OnceLock::new());
    let looked = Arc::new(AtomicU32::new(0));
    let task = {
        let (cell, looked) = (Arc::clone(&cell), looked.clone());
        Job::new(move |action, cx| {
            let (cell, looked) = (cell.clone(), looked.clone());
            async move {
                if action == 0 {
                    return Err(Looks(cell, looked).into());
                }
                cx.cancel_token().cancelled().await;
                Ok(action)
            }
        })
    };
    let job = TaskWrapper::new(rt, task.repeat(|_| Repeat::Once));
    cell.set(job.clone()).ok().unwrap();
    drop(job.start(0).unwrap().await.unwrap_err());
    let run = job.start(1).unwrap();
    // The thread on which the first run ended may hold its state for a little longer.
    while looked.load(Ordering::SeqCst) == 0 {
        yield_now().await;
    }
    run.handle.cancel().await.unwrap_err();
}
