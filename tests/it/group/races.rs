//! What happens at the same time, many times over.

use std::future::pending;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::{TaskGroup, yield_now};
use futures_lite::future::block_on;

use super::{Alive, spawners};
use test_support::thread_timer::ThreadTimer;

/// The simulation explores the same races schedule by schedule; these are for the memory orderings.
const ROUNDS: usize = 100;

#[test]
fn shutdown_against_spawn() {
    for (name, spawner, _running) in spawners() {
        for _ in 0..ROUNDS {
            let (group, alive) = (TaskGroup::new(spawner.clone()), Alive::default());
            let (barrier, refused) = (Barrier::new(4), AtomicUsize::new(0));
            thread::scope(|scope| {
                for _ in 0..3 {
                    let (group, alive) = (&group, &alive);
                    let (barrier, refused) = (&barrier, &refused);
                    scope.spawn(move || {
                        barrier.wait();
                        for _ in 0..10 {
                            let owned = alive.clone();
                            let task = group.spawn_with_handle(async move {
                                pending::<()>().await;
                                drop(owned);
                            });
                            if task.is_finished() && block_on(task).unwrap_err().is_shutdown() {
                                refused.fetch_add(1, Ordering::Relaxed);
                            }
                        }
                    });
                }
                barrier.wait();
                let report = block_on(group.shutdown(&ThreadTimer::new(), Duration::ZERO));
                assert!(group.is_empty(), "on {name}, something was taken after the shutdown");
                assert_eq!((report.finished, report.panicked), (0, 0));
            });
            assert!(group.is_empty());
            assert_eq!(alive.count(), 0, "on {name}");
        }
    }
}

#[test]
fn abort_all_against_completion() {
    for (name, spawner, _running) in spawners() {
        for round in 0..ROUNDS {
            let (group, alive) = (TaskGroup::new(spawner.clone()), Alive::default());
            let tasks: Vec<_> = (0..8)
                .map(|number| {
                    let owned = alive.clone();
                    group.spawn_with_handle(async move {
                        for _ in 0..(number + round) % 4 {
                            yield_now().await;
                        }
                        owned
                    })
                })
                .collect();
            group.abort_all();
            block_on(group.wait());
            for task in tasks {
                match block_on(task) {
                    Ok(output) => drop(output),
                    Err(error) => assert!(error.is_cancelled(), "on {name}: {error}"),
                }
            }
            assert_eq!(alive.count(), 0, "on {name}, an output was lost or kept");
        }
    }
}

#[test]
fn wait_against_the_end_of_the_last_task() {
    for (name, spawner, _running) in spawners() {
        for round in 0..ROUNDS {
            let group = TaskGroup::new(spawner.clone());
            let inner = group.spawner();
            group.spawn_detached(async move {
                // On whatever thread this is: the one that ends last is not the one that began.
                for _ in 0..round % 3 {
                    yield_now().await;
                    inner.spawn_detached(yield_now());
                }
            });
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| block_on(group.wait()));
                }
                block_on(group.wait());
            });
            assert!(group.is_empty(), "on {name}");
        }
    }
}

#[test]
fn drop_of_the_group_against_spawn() {
    for (name, spawner, _running) in spawners() {
        for _ in 0..ROUNDS {
            let (group, alive) = (TaskGroup::new(spawner.clone()), Alive::default());
            let barrier = Barrier::new(3);
            let tasks: Vec<_> = thread::scope(|scope| {
                let threads: Vec<_> = (0..2)
                    .map(|_| {
                        let (inner, alive, barrier) = (group.spawner(), &alive, &barrier);
                        scope.spawn(move || {
                            barrier.wait();
                            let spawn = || {
                                let owned = alive.clone();
                                inner.spawn_with_handle(async move {
                                    pending::<()>().await;
                                    drop(owned);
                                })
                            };
                            (0..10).map(|_| spawn()).collect::<Vec<_>>()
                        })
                    })
                    .collect();
                barrier.wait();
                drop(group);
                threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
            });
            for task in tasks {
                let error = block_on(task).unwrap_err();
                assert!(error.is_cancelled() || error.is_shutdown(), "on {name}: {error}");
            }
            assert_eq!(alive.count(), 0, "on {name}");
        }
    }
}

/// The one who waits is just about to while the one who ends is just about to tell.
#[test]
fn join_next_against_the_end() {
    for (name, spawner, _running) in spawners() {
        let mut tasks = JoinGroup::new(spawner);
        let rounds = if name == "threads" { 200 } else { 5_000 };
        for round in 0..rounds {
            tasks.spawn(async move {
                for _ in 0..round % 64 {
                    std::hint::spin_loop();
                }
                round
            });
            assert_eq!(block_on(tasks.join_next()).unwrap().unwrap(), round, "on {name}");
        }
    }
}

#[test]
fn join_next_against_abort() {
    for (name, spawner, _running) in spawners() {
        for round in 0..ROUNDS {
            let group = TaskGroup::new(spawner.clone());
            let mut tasks = group.join_group();
            for number in 0..10 {
                tasks.spawn(async move {
                    for _ in 0..(number + round) % 4 {
                        yield_now().await;
                    }
                    number
                });
            }
            let mut ended = 0;
            thread::scope(|scope| {
                scope.spawn(|| group.abort_all());
                block_on(async {
                    while let Some(result) = tasks.join_next().await {
                        if let Err(error) = result {
                            assert!(error.is_cancelled(), "on {name}: {error}");
                        }
                        ended += 1;
                    }
                });
            });
            assert_eq!(ended, 10, "on {name}");
            assert!(group.is_empty());
        }
    }
}
