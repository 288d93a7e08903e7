//! Sums that are read while tasks are spawned and end.

use loom::thread;

use super::*;
use crate::sync::models::{check, on_shard, with_shards};

const ENDS: [TaskEnd; 4] =
    [TaskEnd::Completed, TaskEnd::Panicked, TaskEnd::Aborted, TaskEnd::Shutdown];

fn ends(sums: &Sums) -> u64 {
    sums.finished + sums.panicked + sums.aborted
}

/// A task is spawned on one shard and ends on another, while a third thread reads: there are never more ends than
/// spawns.
#[test]
fn sums_with_an_end_have_its_spawn() {
    for how in ENDS {
        for end_on in [0, 1] {
            check(move || {
                with_shards(2);
                let counters = Counters::new();
                let spawner = thread::spawn({
                    let counters = counters.clone();
                    move || {
                        on_shard(1);
                        counters.spawned();
                        on_shard(end_on);
                        counters.ended(how);
                    }
                });
                let sums = counters.sums();
                assert!(ends(&sums) <= sums.spawned);
                spawner.join().expect("it does not panic");
                let sums = counters.sums();
                assert_eq!((sums.spawned, ends(&sums)), (1, 1));
            });
        }
    }
}

/// The same for a task that is spawned on one thread and ends on another one.
#[test]
fn sums_with_an_end_have_a_spawn_on_another_thread() {
    check(|| {
        with_shards(2);
        let counters = Counters::new();
        let spawner = thread::spawn({
            let counters = counters.clone();
            move || {
                on_shard(1);
                counters.spawned();
                let task = thread::spawn(move || counters.ended(TaskEnd::Completed));
                task.join().expect("it does not panic");
            }
        });
        let sums = counters.sums();
        assert!(ends(&sums) <= sums.spawned);
        spawner.join().expect("it does not panic");
    });
}

/// No spawn and no end is lost between two threads on one shard.
#[test]
fn no_task_is_lost() {
    for (first, second) in ENDS.into_iter().flat_map(|first| ENDS.map(|second| (first, second))) {
        check(move || {
            let counters = Counters::new();
            let other = thread::spawn({
                let counters = counters.clone();
                move || {
                    counters.spawned();
                    counters.ended(first);
                }
            });
            counters.spawned();
            counters.ended(second);
            other.join().expect("it does not panic");
            let sums = counters.sums();
            assert_eq!((sums.spawned, ends(&sums)), (2, 2));
        });
    }
}
