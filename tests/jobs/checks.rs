//! Asking a job whether its work is done, without a start.

use std::collections::BTreeSet;
use std::future::{Future as _, pending};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{
    Outcome, Repeat, Task, TaskContext, TaskState, TaskWrapper, full_message,
};
use async_runtime_compat::{TaskGroup, yield_now};

use crate::kit::{Alive, everywhere, inside};

everywhere! {
    start_asks_first,
    check_starts_nothing,
    check_that_fails_changes_nothing,
    check_ends_what_it_has_spawned,
    dropped_check_is_cancelled,
    check_may_be_made_while_the_job_runs,
    answer_of_a_completed_run_needs_no_check,
    new_process_knows_what_was_done,
    work_that_is_undone_is_not_listed_any_more,
    actions_that_share_an_entry_have_done_work_if_one_has,
    check_is_refused_by_a_closed_group,
    check_against_a_start,
}

const ODD: u32 = 1;
const PANIC: u32 = 13;
const ENDLESS: u32 = 99;

/// Writes numbers that outlive it.
struct Writer {
    written: Arc<Mutex<BTreeSet<u32>>>,
    asked: Arc<AtomicU32>,
    alive: Alive,
    repeat: fn(u32) -> Repeat,
}

impl Writer {
    fn new() -> Writer {
        let (written, asked) = Default::default();
        Writer { written, asked, alive: Alive::default(), repeat: |_| Repeat::Always }
    }

    /// The same in another process: what is written stays.
    fn restarted(&self) -> Writer {
        Writer { written: self.written.clone(), ..Writer::new() }
    }

    fn wrap(self, rt: &Arc<dyn Runtime>) -> TaskWrapper<Writer> {
        TaskWrapper::builder(rt.clone(), self).name("writer").build()
    }
}

impl Task for Writer {
    type Action = u32;
    type Event = u32;
    type Output = u32;
    type Error = String;

    fn repeat(&self, number: &u32) -> Repeat {
        (self.repeat)(*number)
    }

    fn known_actions(&self) -> Vec<u32> {
        vec![2, ODD, 4]
    }

    async fn is_completed(&self, number: &u32, cx: &TaskContext<u32>) -> Result<bool, String> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let held = self.alive.clone();
        cx.spawner().spawn_detached(async move {
            pending::<()>().await;
            drop(held);
        });
        // A start reads the events, and a check does not wait for room.
        for _ in 0..100 {
            cx.emit(*number).await;
        }
        match *number {
            ODD => Err("it is odd".to_owned()),
            PANIC => std::panic::resume_unwind(Box::new("asked in vain")),
            ENDLESS => {
                let held = self.alive.clone();
                pending::<()>().await;
                drop(held);
                Ok(true)
            }
            number => Ok(self.written.lock().unwrap().contains(&number)),
        }
    }

    async fn run(&self, number: u32, cx: TaskContext<u32>) -> Result<u32, String> {
        if number == 8 {
            cx.cancel_token().cancelled().await;
        }
        assert!(self.written.lock().unwrap().insert(number), "it was done before");
        Ok(number)
    }
}

async fn start_asks_first(rt: Arc<dyn Runtime>) {
    let writer = Writer::new();
    writer.written.lock().unwrap().insert(6);
    let asked = writer.asked.clone();
    let writer = writer.wrap(&rt);
    let start = async |number| {
        let mut run = writer.start(number).unwrap();
        while run.events.next().await.is_some() {}
        run.await
    };
    let error = start(ODD).await.unwrap_err();
    assert_eq!(full_message(&error), "task 'writer' failed: it is odd");
    let error = start(PANIC).await.unwrap_err();
    assert_eq!(error.to_string(), "task 'writer' panicked: asked in vain");
    for _ in 0..2 {
        assert_eq!(start(6).await.unwrap(), Outcome::AlreadyCompleted);
        assert!(writer.is_completed());
    }
    assert_eq!(start(2).await.unwrap(), Outcome::Completed(2));
    assert_eq!(start(2).await.unwrap(), Outcome::AlreadyCompleted, "as the job says");
    assert_eq!(asked.load(Ordering::SeqCst), 6);
}

async fn check_starts_nothing(rt: Arc<dyn Runtime>) {
    let writer = Writer::new();
    let written = writer.written.clone();
    let writer = writer.wrap(&rt);
    let mut watch = writer.watch();
    assert!(!writer.check_completed(2).await.unwrap());
    assert!(matches!(writer.state(), TaskState::NotStarted));
    written.lock().unwrap().insert(2);
    assert!(writer.check_completed(2).await.unwrap());
    assert!(writer.state().is_completed());
    assert!(watch.changed().await.unwrap().is_completed(), "it never was running");
    assert_eq!(writer.runs().len(), 1);
    assert_eq!(writer.runs()[0].number, None);
    assert_eq!(written.lock().unwrap().len(), 1);
}

async fn check_that_fails_changes_nothing(rt: Arc<dyn Runtime>) {
    let writer = Writer::new().wrap(&rt);
    let error = writer.check_completed(ODD).await.unwrap_err();
    assert_eq!(full_message(&error), "the completion check of task 'writer' failed: it is odd");
    let error = writer.check_completed(PANIC).await.unwrap_err();
    assert_eq!(error.to_string(), "the completion check of task 'writer' panicked: asked in vain");
    assert!(matches!(writer.state(), TaskState::NotStarted) && writer.runs().is_empty());
}

async fn check_ends_what_it_has_spawned(rt: Arc<dyn Runtime>) {
    let writer = Writer::new();
    let alive = writer.alive.counter();
    let writer = writer.wrap(&rt);
    for number in [2, ODD, PANIC] {
        let _ = writer.check_completed(number).await;
        assert_eq!(alive(), 0);
    }
}

async fn dropped_check_is_cancelled(rt: Arc<dyn Runtime>) {
    let group = TaskGroup::new(rt.clone());
    let writer = Writer::new();
    let alive = writer.alive.counter();
    let writer = writer.wrap(&inside(&group, &rt));
    for polls in 0..3 {
        let mut check = Box::pin(writer.check_completed(ENDLESS));
        for _ in 0..polls {
            assert!(check.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            yield_now().await;
        }
        drop(check);
        group.wait().await;
        assert_eq!(alive(), 0);
    }
    assert!(matches!(writer.state(), TaskState::NotStarted));
}

async fn check_may_be_made_while_the_job_runs(rt: Arc<dyn Runtime>) {
    let writer = Writer::new();
    writer.written.lock().unwrap().insert(2);
    let writer = writer.wrap(&rt);
    let run = writer.start(8).unwrap();
    drop(run.events);
    assert!(writer.check_completed(2).await.unwrap());
    assert!(!writer.check_completed(8).await.unwrap(), "it is not done yet");
    assert!(writer.state().is_running());
    writer.cancel().await;
    assert!(writer.check_completed(2).await.unwrap());
    assert!(writer.state().is_failed(), "it is the state of the latest run");
}

async fn answer_of_a_completed_run_needs_no_check(rt: Arc<dyn Runtime>) {
    let writer = Writer { repeat: Repeat::once_per, ..Writer::new() };
    let asked = writer.asked.clone();
    let writer = writer.wrap(&rt);
    writer.start(2).unwrap().await.unwrap();
    assert!(writer.check_completed(2).await.unwrap());
    assert_eq!(asked.load(Ordering::SeqCst), 1, "only before the run");
    assert!(!writer.check_completed(4).await.unwrap());
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

async fn new_process_knows_what_was_done(rt: Arc<dyn Runtime>) {
    let first = Writer::new();
    let second = first.restarted();
    let first = first.wrap(&rt);
    assert_eq!(first.start(4).unwrap().await.unwrap(), Outcome::Completed(4));
    drop(first);

    let second = Writer { repeat: Repeat::once_per, ..second }.wrap(&rt);
    assert!(matches!(second.state(), TaskState::NotStarted), "nobody has asked");
    let error = second.check_known_actions().await.unwrap_err();
    assert_eq!(
        error.message(),
        "it is odd",
        "the one that fails does not keep others from being asked"
    );
    assert!(second.state().is_completed());
    let runs = second.runs();
    assert_eq!(runs.len(), 1);
    assert_eq!((runs[0].number, runs[0].repeat.key()), (None, Some("4")));
    assert!(runs[0].state.is_completed());
    assert_eq!(second.start(4).unwrap().await.unwrap(), Outcome::AlreadyCompleted);
    assert_eq!(second.runs()[0].number, Some(1), "now it was started");
}

async fn work_that_is_undone_is_not_listed_any_more(rt: Arc<dyn Runtime>) {
    let writer = Writer { repeat: Repeat::once_per, ..Writer::new() };
    let written = writer.written.clone();
    let writer = writer.wrap(&rt);
    written.lock().unwrap().extend([2, 4]);
    writer.check_known_actions().await.unwrap_err();
    assert_eq!(writer.runs().len(), 2);
    written.lock().unwrap().clear();
    assert!(!writer.check_completed(2).await.unwrap());
    assert!(writer.state().is_completed(), "there is another one");
    // A start asks again.
    assert_eq!(writer.start(4).unwrap().await.unwrap(), Outcome::Completed(4));
    assert!(!writer.check_completed(2).await.unwrap());
    assert_eq!(writer.runs().len(), 1);

    let writer = writer.task().restarted().wrap(&rt);
    assert!(writer.check_completed(4).await.unwrap());
    written.lock().unwrap().clear();
    assert!(!writer.check_completed(4).await.unwrap());
    assert!(matches!(writer.state(), TaskState::NotStarted) && writer.runs().is_empty());
}

async fn actions_that_share_an_entry_have_done_work_if_one_has(rt: Arc<dyn Runtime>) {
    let writer = Writer::new();
    let written = writer.written.clone();
    let writer = writer.wrap(&rt);
    // The first of the known actions, and then the last.
    for number in [2, 4] {
        written.lock().unwrap().insert(number);
        writer.check_known_actions().await.unwrap_err();
        assert!(writer.state().is_completed(), "{number}");
        assert_eq!(writer.runs().len(), 1);
        written.lock().unwrap().clear();
        writer.check_known_actions().await.unwrap_err();
        assert!(matches!(writer.state(), TaskState::NotStarted) && writer.runs().is_empty());
    }
}

async fn check_is_refused_by_a_closed_group(rt: Arc<dyn Runtime>) {
    let group = TaskGroup::new(rt.clone());
    let writer = Writer::new().wrap(&inside(&group, &rt));
    group.close();
    let error = writer.check_completed(2).await.unwrap_err();
    assert!(error.is_shutdown(), "{error}");
    assert!(writer.check_known_actions().await.unwrap_err().is_shutdown());
}

async fn check_against_a_start(rt: Arc<dyn Runtime>) {
    let writer = Writer { repeat: |_| Repeat::Once, ..Writer::new() }.wrap(&rt);
    let checker = rt.spawn_with_handle({
        let writer = writer.clone();
        async move {
            let mut answers = [false; 3];
            for answer in &mut answers {
                *answer = pin!(writer.check_completed(2)).await.unwrap();
            }
            answers
        }
    });
    let run = writer.start(2).unwrap();
    drop(run.events);
    assert_eq!(run.handle.await.unwrap(), Outcome::Completed(2));
    let answers = checker.await.unwrap();
    assert!(answers.is_sorted(), "once it is done it is done: {answers:?}");
    assert!(writer.check_completed(2).await.unwrap());
    let runs = writer.runs();
    assert_eq!(runs.len(), 1, "it is listed once: {runs:?}");
    assert!(writer.state().is_completed() && runs[0].number == Some(1));
}
