//! What a simulation finds wrong, and what it says then.

use std::future::pending;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::yield_now;
use async_runtime_compat_sim::{FailureKind, Sim, Strategy, Waking};

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

#[test]
fn a_year_of_sleeping_is_two_steps() {
    let report = Sim::new(1)
        .run(|rt| async move {
            let (start, day) = (rt.now(), rt.system_time());
            rt.sleep(YEAR).await;
            assert_eq!(rt.now() - start, YEAR);
            assert_eq!(rt.system_time().duration_since(day).unwrap(), YEAR);
        })
        .unwrap();
    assert_eq!((report.steps, report.elapsed), (2, YEAR));
}

#[test]
fn a_stall_names_each_task_that_waits() {
    let failure = Sim::new(1)
        .run(|rt| async move {
            let (sender, receiver) = async_channel::bounded::<()>(1);
            let sleeper = rt.clone();
            let task = rt.spawn_named("reader", async move {
                sleeper.sleep(Duration::from_secs(5)).await;
                receiver.recv().await.ok();
            });
            task.await.unwrap();
            drop(sender);
        })
        .unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Stall);
    assert_eq!(failure.elapsed(), Duration::from_secs(5));
    let [root, reader] = failure.tasks() else { panic!("{failure}") };
    assert_eq!((root.number(), root.steps(), root.is_ready()), (0, 1, false));
    assert_eq!((reader.name(), reader.steps()), (Some("reader"), 2));
    assert_eq!(reader.woken_by(), Waking::Timer);
    assert_eq!(reader.woken_at(), Duration::from_secs(5));
    assert!(reader.spawned_at().file().ends_with("catches.rs"));
    let text = failure.to_string();
    assert!(text.contains("deadlock: nothing is ready and no timer is pending"), "{text}");
    assert!(text.contains("task 1 'reader', spawned at "), "{text}");
    assert!(text.contains("blocked after 2 steps, last woken by a timer at 5s"), "{text}");
}

#[test]
fn a_spinning_task_meets_the_step_limit() {
    let failure = Sim::new(1)
        .max_steps(1000)
        .run(|_| async {
            loop {
                yield_now().await;
            }
        })
        .map(|_: async_runtime_compat_sim::Report<()>| ())
        .unwrap_err();
    assert_eq!((failure.kind(), failure.steps()), (FailureKind::StepLimit, 1000));
}

#[test]
fn a_long_sleep_meets_the_time_limit() {
    let failure =
        Sim::new(1).max_time(YEAR / 2).run(|rt| async move { rt.sleep(YEAR).await }).unwrap_err();
    assert_eq!(failure.kind(), FailureKind::TimeLimit);
    assert_eq!(failure.elapsed(), Duration::ZERO);
}

#[test]
fn a_task_left_over_is_a_leak_unless_that_is_allowed() {
    let program = |rt: async_runtime_compat_sim::SimRuntime| async move {
        rt.spawn_detached(pending());
        rt.spawn_detached(async { yield_now().await });
    };
    let failure = Sim::new(1).run(program).unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Leak);
    assert_eq!(failure.tasks().len(), 1, "the other one came to its end: {failure}");
    assert!(Sim::new(1).allow_leaks(true).run(program).is_ok());
}

#[test]
fn what_is_left_is_dropped() {
    let token = Arc::new(());
    let held = token.clone();
    let run = Sim::new(1).allow_leaks(true).run(|rt| async move {
        let rt2 = rt.clone();
        rt.spawn_detached(async move {
            let _held = (held, rt2);
            pending::<()>().await;
        });
        // Handed out, to be joined afterwards.
        Some(rt.spawn_with_handle(pending::<()>()))
    });
    let task = run.unwrap().value.unwrap();
    assert_eq!(Arc::strong_count(&token), 1);
    let error = futures_lite::future::block_on(task).unwrap_err();
    assert!(error.is_shutdown(), "{error}");
}

#[test]
fn a_panic_of_the_future_is_the_failure() {
    let failure = Sim::new(1).run(|_| async { panic!("on purpose") }).map(drop).unwrap_err();
    assert_eq!((failure.kind(), failure.message()), (FailureKind::Panic, "on purpose"));
}

#[test]
fn a_panic_that_is_joined_is_the_joiners_business() {
    let report = Sim::new(1).run(|rt| async move {
        let task = rt.spawn_with_handle(async { panic!("on purpose") });
        let error = task.await.unwrap_err();
        assert_eq!(error.panic_message().as_deref(), Some("on purpose"));
    });
    report.unwrap();
}

#[test]
fn a_panic_that_nobody_joins_is_the_failure() {
    for detached in [true, false] {
        let program = |rt: async_runtime_compat_sim::SimRuntime| async move {
            let task = rt.spawn_named("worker", async { panic!("on purpose") });
            if detached {
                task.detach();
            } else {
                yield_now().await;
                drop(task);
            }
        };
        let failure = Sim::new(1).run(program).unwrap_err();
        assert_eq!(failure.kind(), FailureKind::Panic, "{failure}");
        assert!(failure.message().contains("task 1 'worker', spawned at "), "{failure}");
        assert!(failure.message().ends_with("nobody joined it: on purpose"), "{failure}");
        assert!(Sim::new(1).allow_panics(true).run(program).is_ok());
    }
}

#[test]
fn a_wake_from_another_thread_is_a_failure_with_its_place() {
    // The reader waits by the time that the thread sends.
    let failure = Sim::new(1)
        .strategy(Strategy::RoundRobin)
        .run(|rt| async move {
            let (sender, receiver) = async_channel::bounded::<()>(1);
            let task = rt.spawn_named("reader", async move { receiver.recv().await.ok() });
            yield_now().await;
            let sender = thread::Builder::new().name("intruder".into()).spawn(move || {
                sender.send_blocking(()).ok();
            });
            sender.unwrap().join().unwrap();
            task.await.ok();
        })
        .unwrap_err();
    assert_eq!(failure.kind(), FailureKind::ForeignThread, "{failure}");
    assert!(failure.message().contains("'reader'"), "{failure}");
    assert!(failure.message().contains("the thread `intruder`"), "{failure}");
}

#[test]
fn other_threads_are_waited_for_where_they_are_allowed() {
    let run = Sim::new(1).foreign_threads(true).run(|rt| async move {
        let (sender, receiver) = async_channel::bounded(1);
        let rt2 = rt.clone();
        let thread = thread::spawn(move || {
            let task = rt2.spawn_with_handle(async { 7 });
            sender.send_blocking(futures_lite::future::block_on(task).unwrap()).unwrap();
        });
        let value = rt.spawn_with_handle(async move { receiver.recv().await }).await.unwrap();
        thread.join().unwrap();
        value
    });
    assert_eq!(run.unwrap().value, Ok(7));
}

#[test]
fn simulations_run_inside_of_each_other() {
    let report = Sim::new(1).run(|rt| async move {
        let task = rt.spawn_with_handle(async {
            Sim::new(2).run(|rt| async move { rt.sleep(YEAR).await }).unwrap().elapsed
        });
        task.await.unwrap()
    });
    let report = report.unwrap();
    assert_eq!((report.value, report.elapsed), (YEAR, Duration::ZERO));
}
