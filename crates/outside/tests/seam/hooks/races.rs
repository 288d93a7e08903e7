//! The end that a hook is told agrees with the join, whoever comes first.

use std::collections::HashMap;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use async_runtime_compat::TaskGroup;
use async_runtime_compat::hook::{Hooked, SpawnHook, Spawning};
use async_runtime_compat::prelude::*;
use async_runtime_compat_test_support::on_all_runtimes;
use async_runtime_compat_test_support::runtimes::Running;

use super::{End, said};
use crate::support::{polls, quiet_panic};

on_all_runtimes! {
    abort_against_completion,
    abort_against_panic,
    group_against_completion_and_handle,
}

const ROUNDS: usize = 40;
const TASKS: usize = 24;
const THREADS: usize = 4;

/// Keeps the end of each task by its name.
#[derive(Clone, Default)]
struct Register(Arc<Mutex<HashMap<String, Arc<End>>>>);

impl SpawnHook for Register {
    fn spawn(&self, spawning: &mut Spawning<'_>) {
        let end = Arc::new(End::default());
        let name = spawning.meta().name().expect("each has a name").to_owned();
        assert!(self.0.lock().unwrap().insert(name, end.clone()).is_none());
        spawning.add(end);
    }
}

impl Register {
    fn end_of(&self, name: &str) -> Arc<End> {
        self.0.lock().unwrap().remove(name).expect("it was spawned")
    }
}

/// Spawns tasks that end after different numbers of polls, while other threads abort them, and
/// compares.
async fn race<F>(
    spawner: &dyn Spawner,
    ends: &Register,
    abort_all: &(dyn Fn() + Sync),
    task: impl Fn(u32) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    for round in 0..ROUNDS {
        let tasks: Vec<_> = (0..TASKS)
            .map(|index| {
                let polls = u32::try_from((round + index) % 7).expect("it is below 7");
                spawner.spawn_named(index.to_string(), task(polls))
            })
            .collect();
        let aborts: Vec<_> = tasks.iter().map(JoinHandle::abort_handle).collect();
        let start = Barrier::new(THREADS);
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let (aborts, start) = (&aborts, &start);
                scope.spawn(move || {
                    start.wait();
                    // From different ends, so that they meet.
                    for at in 0..TASKS {
                        aborts[(at * 5 + thread * TASKS / THREADS) % TASKS].abort();
                        if at == TASKS / 2 && thread == 0 {
                            abort_all();
                        }
                    }
                });
            }
        });
        for (index, task) in tasks.into_iter().enumerate() {
            let join = task.await;
            let end = ends.end_of(&index.to_string());
            assert_eq!(end.0.get(), Some(&said(&join)), "round {round}, task {index}");
        }
    }
}

fn abort_against_completion(running: &Running) {
    running.run(|runtime| async move {
        let ends = Register::default();
        let spawner = Hooked::new(runtime, ends.clone());
        race(&spawner, &ends, &|| (), polls).await;
    });
}

fn abort_against_panic(running: &Running) {
    running.run(|runtime| async move {
        let ends = Register::default();
        let spawner = Hooked::new(runtime, ends.clone());
        let panics = |number| async move {
            polls(number).await;
            quiet_panic("on purpose");
        };
        race(&spawner, &ends, &|| (), panics).await;
    });
}

fn group_against_completion_and_handle(running: &Running) {
    running.run(|runtime| async move {
        let ends = Register::default();
        let group = TaskGroup::new(Arc::new(Hooked::new(runtime, ends.clone())));
        race(&group, &ends, &|| group.abort_all(), polls).await;
    });
}
