//! Groups in the simulation: races over many schedules, and virtual ages.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::{TaskGroup, yield_now};
use async_runtime_compat_sim::{Sim, SimRuntime};

use crate::group::Alive;
use test_support::explore::explore;

fn group(rt: &SimRuntime) -> TaskGroup {
    TaskGroup::new(Arc::new(rt.clone()))
}

async fn yields(times: u32) {
    for _ in 0..times {
        yield_now().await;
    }
}

#[test]
fn shutdown_against_spawn() {
    explore(1000, |rt| async move {
        let (group, alive) = (group(&rt), Alive::default());
        let spawners: Vec<_> = (0..2)
            .map(|number| {
                let (inner, alive, token) = (group.spawner(), alive.clone(), group.cancel_token());
                rt.spawn_with_handle(async move {
                    let mut refused = 0;
                    for count in 0..3 {
                        let (owned, token) = (alive.clone(), token.clone());
                        let task = inner.spawn_with_handle(async move {
                            if (number + count) % 2 == 0 {
                                token.cancelled().await;
                            } else {
                                pending::<()>().await;
                            }
                            drop(owned);
                        });
                        if task.is_finished() && task.await.is_err_and(|it| it.is_shutdown()) {
                            refused += 1;
                        }
                        yield_now().await;
                    }
                    refused
                })
            })
            .collect();
        yield_now().await;
        let report = group.shutdown(&rt, Duration::from_secs(1)).await;
        assert!(group.is_empty(), "something outlives the shutdown, or came after it");
        let mut refused = 0;
        for spawner in spawners {
            refused += spawner.await.unwrap();
        }
        assert_eq!(report.finished + report.aborted + refused, 6, "{report}, {refused} refused");
        assert_eq!((report.panicked, alive.count()), (0, 0));
    });
}

#[test]
fn abort_all_against_completion() {
    explore(1000, |rt| async move {
        let (group, alive) = (group(&rt), Alive::default());
        let tasks: Vec<_> = (0..3)
            .map(|number| {
                let owned = alive.clone();
                group.spawn_with_handle(async move {
                    yields(number).await;
                    owned
                })
            })
            .collect();
        let aborter = rt.spawn_with_handle({
            let group = group.clone();
            async move {
                group.abort_all();
                group.wait().await;
                assert!(group.is_empty());
            }
        });
        for task in tasks {
            match task.await {
                Ok(owned) => drop(owned),
                Err(error) => assert!(error.is_cancelled(), "{error}"),
            }
        }
        // What a join says to be over has left the group.
        assert!(group.is_empty());
        aborter.await.unwrap();
        assert_eq!(alive.count(), 0);
    });
}

#[test]
fn what_is_aborted_before_its_first_poll_is_never_polled() {
    explore(1000, |rt| async move {
        let group = group(&rt);
        let polled = Arc::new(AtomicBool::new(false));
        // Not by a panic, which an abort swallows.
        let notes_a_poll = || {
            let polled = polled.clone();
            async move { polled.store(true, Ordering::Relaxed) }
        };
        let task = group.spawn_with_handle(notes_a_poll());
        let inner = group.child();
        let nested = inner.spawn_with_handle(notes_a_poll());
        group.abort_all();
        for task in [task, nested] {
            assert!(task.await.unwrap_err().is_cancelled());
        }
        assert!(!polled.load(Ordering::Relaxed));
    });
}

#[test]
fn wait_against_the_end_of_the_last_task() {
    explore(1000, |rt| async move {
        let group = group(&rt);
        let inner = group.spawner();
        group.spawn_detached(async move {
            yield_now().await;
            inner.spawn_detached(yields(1));
        });
        let waiting: Vec<_> = (0..2).map(|_| rt.spawn_with_handle(group.wait())).collect();
        yield_now().await;
        drop(group.wait());
        group.wait().await;
        assert!(group.is_empty());
        for wait in waiting {
            wait.await.unwrap();
        }
    });
}

#[test]
fn drop_of_the_group_against_spawn() {
    explore(1000, |rt| async move {
        let (group, alive) = (group(&rt), Alive::default());
        let (inner, token) = (group.spawner(), group.cancel_token());
        let spawning = rt.spawn_with_handle({
            let alive = alive.clone();
            async move {
                let mut tasks = Vec::new();
                for _ in 0..3 {
                    let owned = alive.clone();
                    tasks.push(inner.spawn_with_handle(async move {
                        pending::<()>().await;
                        drop(owned);
                    }));
                    yield_now().await;
                }
                tasks
            }
        });
        yield_now().await;
        drop(group);
        assert!(token.is_cancelled());
        for task in spawning.await.unwrap() {
            let error = task.await.unwrap_err();
            assert!(error.is_cancelled() || error.is_shutdown(), "{error}");
        }
        assert_eq!(alive.count(), 0);
    });
}

#[test]
fn join_next_against_abort() {
    explore(1000, |rt| async move {
        let group = group(&rt);
        let mut tasks = group.join_group();
        for number in 0..3 {
            tasks.spawn(async move {
                yields(number).await;
                number
            });
        }
        let aborter = rt.spawn_with_handle({
            let group = group.clone();
            async move { group.abort_all() }
        });
        let mut ended = 0;
        while let Some(result) = tasks.join_next().await {
            ended += 1;
            if let Err(error) = result {
                assert!(error.is_cancelled(), "{error}");
            }
        }
        assert_eq!(ended, 3);
        assert!(group.is_empty());
        aborter.await.unwrap();
    });
}

#[test]
fn inner_and_outer_shutdown_at_the_same_time() {
    explore(1000, |rt| async move {
        let outer = group(&rt);
        let inner = outer.child();
        for _ in 0..2 {
            inner.spawn_detached(pending());
            outer.spawn_detached(yields(2));
        }
        let one = rt.spawn_with_handle({
            let (inner, rt) = (inner.clone(), rt.clone());
            async move { inner.shutdown(&rt, Duration::from_secs(1)).await }
        });
        let report = outer.shutdown(&rt, Duration::from_secs(1)).await;
        assert_eq!(report.aborted + one.await.unwrap().aborted, 4, "each counts its own");
        assert!(inner.is_empty() && outer.is_empty());
    });
}

#[test]
fn results_are_in_the_order_of_the_ends_also_if_nobody_waits() {
    explore(1000, |rt| async move {
        let mut tasks = JoinGroup::new(Arc::new(rt.clone()));
        for seconds in [4, 2, 5, 1, 3] {
            let sleep = rt.sleep(Duration::from_secs(seconds));
            tasks.spawn(async move {
                sleep.await;
                seconds
            });
        }
        rt.sleep(Duration::from_secs(10)).await;
        for seconds in 1..=5 {
            assert_eq!(tasks.try_join_next().unwrap().unwrap(), seconds);
        }
    });
}

#[test]
fn ages_and_grace_are_virtual_time() {
    let report = Sim::new(1)
        .run(|rt| async move {
            let runtime: Arc<dyn Runtime> = Arc::new(rt);
            let group = TaskGroup::builder(runtime.clone()).timer(runtime.clone()).build();
            group.spawn_named("old", pending::<()>()).detach();
            runtime.sleep(Duration::from_secs(3600)).await;
            group.child().spawn_named("gone with its group", pending::<()>()).detach();
            group.spawn_named("young", pending::<()>()).detach();
            runtime.sleep(Duration::from_secs(5)).await;
            let ages: Vec<_> =
                group.tasks().iter().map(|task| (task.to_string(), task.age().unwrap())).collect();
            assert_eq!(ages.len(), 2);
            assert!(ages[0].0.starts_with("task 'old'") && ages[1].0.ends_with(", 5s old"));
            assert_eq!([ages[0].1, ages[1].1], [3605, 5].map(Duration::from_secs));
            group.shutdown(&*runtime, Duration::from_secs(60)).await
        })
        .unwrap();
    assert_eq!(report.elapsed, Duration::from_secs(3665));
    assert_eq!(report.value.aborted, 2);
}

#[test]
fn panic_in_a_group_is_a_panic_of_the_simulation_unless_it_is_joined() {
    let panics = || async { std::panic::resume_unwind(Box::new("unseen")) };
    let detached = Sim::new(1).run(|rt| async move {
        group(&rt)
            .spawn_with_handle(async move {
                panics().await;
            })
            .detach();
    });
    assert!(detached.is_ok(), "it was aborted before it ran");
    let detached = Sim::new(1).run(|rt| async move {
        let group = group(&rt);
        group.spawn_detached(async move { panics().await });
        group.wait().await;
    });
    assert!(detached.unwrap_err().to_string().contains("panicked, and nobody joined it: unseen"));
    let joined = Sim::new(1).run(|rt| async move {
        let group = group(&rt);
        let joined = group.spawn_with_handle(async move {
            panics().await;
        });
        joined.await.unwrap_err().panic_message()
    });
    assert_eq!(joined.unwrap().value.as_deref(), Some("unseen"));
}
