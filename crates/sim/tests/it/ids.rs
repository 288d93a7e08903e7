//! The ids of simulated tasks: their numbers, the same in each run.

use std::future::pending;
use std::sync::{Arc, Mutex};

use async_runtime_compat::decorate::Identified;
use async_runtime_compat::prelude::*;
use async_runtime_compat::{TaskGroup, TaskId, TaskInfo, task, yield_now};
use async_runtime_compat_sim::{FailureKind, Sim, Strategy};

fn numbers(ids: &[Option<TaskId>]) -> Vec<u64> {
    ids.iter().map(|id| id.map_or(0, TaskId::as_u64)).collect()
}

#[test]
fn every_task_has_its_number_as_an_id() {
    let run = Sim::new(1).run(|rt| async move {
        assert_eq!(task::try_id(), None);
        let first = rt.spawn_with_handle(async {
            yield_now().await;
            task::id()
        });
        let second = rt.spawn_named("b", async { task::id() });
        let third = rt.spawn_blocking(task::id);
        let handles = [first.id(), second.id(), third.id()];
        assert_eq!(numbers(&handles), [1, 2, 3]);
        assert_eq!(first.abort_handle().id(), first.id());
        let inside = [first.await.ok(), second.await.ok(), third.await.ok()];
        assert_eq!(inside, handles);
        // The root is not a task, also after it waited.
        assert_eq!(task::try_id(), None);
    });
    run.unwrap();
}

#[test]
fn reports_errors_and_handles_name_the_same_task() {
    let errors = Arc::new(Mutex::new(Vec::new()));
    let seen = errors.clone();
    let failure = Sim::new(1)
        .run(|rt| async move {
            let stopped = rt.spawn_with_handle(pending::<()>());
            stopped.abort();
            let error = stopped.await.unwrap_err();
            seen.lock().unwrap().push((error.id(), error.to_string()));
            let stuck = rt.spawn_named("reader", pending::<()>());
            seen.lock().unwrap().push((stuck.id(), format!("{stuck:?}")));
            stuck.await.ok();
        })
        .unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Stall);
    let [root, reader] = failure.tasks() else { panic!("{failure}") };
    assert_eq!((root.id(), root.number()), (None, 0));
    let [(stopped, error), (stuck, handle)] = &errors.lock().unwrap()[..] else { panic!() };
    assert_eq!(numbers(&[*stopped, *stuck]), [1, 2]);
    assert!(error.starts_with("task 1 spawned at "), "{error}");
    assert!(handle.starts_with("JoinHandle(task 2 'reader' spawned at "), "{handle}");
    assert_eq!((reader.id(), reader.number()), (*stuck, 2));
    assert!(failure.to_string().contains("task 2 'reader', spawned at "), "{failure}");
}

/// The ids of a program that uses the decorator here and there, as the tasks and the listing of their group have
/// them, and the hash of the run.
fn program(seed: u64) -> (Vec<Option<TaskId>>, u64) {
    let report = Sim::new(seed)
        .run(|rt| async move {
            let group = TaskGroup::new(Arc::new(Identified::new(rt.clone())));
            let tasks: Vec<_> = (0..6_u32)
                .map(|number| {
                    let task = async {
                        yield_now().await;
                        task::try_id()
                    };
                    if number % 2 == 0 {
                        group.spawn_with_handle(task)
                    } else {
                        rt.spawn_with_handle(task)
                    }
                })
                .collect();
            let mut ids: Vec<_> = group.tasks().iter().map(TaskInfo::id).collect();
            for task in tasks {
                let id = task.id();
                assert_eq!(task.await.unwrap(), id);
                ids.push(id);
            }
            ids
        })
        .unwrap();
    (report.value, report.trace_hash)
}

#[test]
fn ids_are_the_same_in_each_run_with_the_decorator_as_well() {
    for seed in 0..20 {
        let (ids, hash) = program(seed);
        assert_eq!(numbers(&ids), [1, 3, 5, 1, 2, 3, 4, 5, 6]);
        // Ids that are given outside meanwhile make no difference.
        let _ = TaskId::next();
        assert_eq!(program(seed), (ids, hash));
    }
}

#[test]
fn a_refused_task_leaves_a_gap() {
    let (result, timeline) = Sim::new(1).strategy(Strategy::RoundRobin).timeline(|rt| async move {
        let group = TaskGroup::new(Arc::new(rt.clone()));
        let spawner = Identified::new(group.clone());
        let first = spawner.spawn_named("first", async {});
        group.close();
        let refused = spawner.spawn_named("refused", async {});
        let last = rt.spawn_named("last", async { task::id() });
        assert_eq!(numbers(&[first.id(), refused.id(), last.id()]), [1, 2, 3]);
        first.await.unwrap();
        assert!(refused.await.unwrap_err().is_shutdown());
        assert_eq!(last.await.unwrap().as_u64(), 3);
    });
    result.unwrap();
    let text = timeline.to_string();
    assert!(text.contains("1 first") && text.contains("3 last"), "{text}");
    assert!(!text.contains("refused"), "{text}");
}

#[test]
fn ids_of_other_threads_stay_what_they_are() {
    let run = Sim::new(1).foreign_threads(true).run(|rt| async move {
        let spawner = Identified::new(rt.clone());
        let (sender, receiver) = async_channel::bounded(1);
        let thread = std::thread::spawn(move || {
            let task = spawner.spawn_with_handle(async { task::id() });
            sender.send_blocking(task).unwrap();
        });
        let task = receiver.recv().await.unwrap();
        thread.join().unwrap();
        let id = task.id();
        assert!(id.is_some());
        assert_eq!(task.await.ok(), id);
        // It took a number, which is not its id.
        let next = rt.spawn_with_handle(async { task::id() });
        assert_eq!(numbers(&[next.id()]), [2]);
        assert_eq!(next.await.unwrap().as_u64(), 2);
    });
    run.unwrap();
}
