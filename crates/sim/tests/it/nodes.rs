//! Nodes that are killed and restarted.

mod busy;
mod channels;
mod chaos;
mod machine;
mod paused;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::{current, yield_now};
use async_runtime_compat_sim::{FailureKind, Sim, SimRuntime};

use self::busy::Counts;
use super::everywhere;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn sleeps_of_a_dead_node_never_end() {
    everywhere(50, |rt| async move {
        let node = rt.node("a");
        let dead = node.runtime();
        let mut polled = dead.sleep(SECOND);
        let mut due = dead.sleep(Duration::ZERO);
        let reset = dead.sleep(SECOND * 100);
        assert!(futures_lite::future::poll_once(&mut polled).await.is_none());
        node.kill();
        node.restart();
        let mut limited = Box::pin(dead.timeout(SECOND, pending::<()>()));
        let mut never = reset;
        never.reset(dead.now());
        rt.sleep(SECOND * 1000).await;
        assert!(futures_lite::future::poll_once(&mut polled).await.is_none());
        assert!(futures_lite::future::poll_once(&mut due).await.is_none());
        assert!(futures_lite::future::poll_once(&mut limited).await.is_none());
        assert!(futures_lite::future::poll_once(&mut never).await.is_none());
        // What needs no clock still works, as the future is polled first.
        assert_eq!(dead.timeout(SECOND, async { 7 }).await, Ok(7));
        // The next life has sleeps of its own.
        node.runtime().sleep(SECOND).await;
        node.kill();
    });
}

#[test]
fn a_dead_nodes_sleep_is_a_stall_elsewhere() {
    let failure = Sim::new(1)
        .run(|rt| async move {
            let node = rt.node("a");
            let sleep = node.runtime().sleep(SECOND);
            node.kill();
            sleep.await;
        })
        .unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Stall, "{failure}");
}

#[test]
fn a_task_that_kills_its_own_node_finishes_its_poll() {
    #[derive(Clone, Copy)]
    enum Then {
        Returns,
        Waits,
        Panics,
        Spawns,
    }
    for then in [Then::Returns, Then::Waits, Then::Panics, Then::Spawns] {
        everywhere(30, move |rt| async move {
            let (counts, went_on) = (Counts::default(), Arc::new(AtomicUsize::new(0)));
            let node = rt.node("a");
            let on_node = node.runtime();
            let task = on_node.clone().spawn_with_handle({
                let (token, went_on, node) = (counts.token(), went_on.clone(), node.clone());
                async move {
                    let _token = token;
                    yield_now().await;
                    node.kill();
                    went_on.fetch_add(1, SeqCst);
                    match then {
                        Then::Returns => {}
                        Then::Waits => yield_now().await,
                        Then::Panics => std::panic::resume_unwind(Box::new("on purpose")),
                        Then::Spawns => {
                            let late = on_node.spawn_with_handle(async {});
                            assert!(late.await.unwrap_err().is_shutdown());
                            yield_now().await;
                            went_on.fetch_add(100, SeqCst);
                        }
                    }
                    if matches!(then, Then::Waits) {
                        went_on.fetch_add(100, SeqCst);
                    }
                }
            });
            let error = task.await.unwrap_err();
            assert!(error.is_shutdown(), "{error}");
            assert_eq!(went_on.load(SeqCst), 1);
            assert_eq!(counts.all_dropped_once(), 1);
        });
    }
}

#[test]
fn a_task_may_restart_its_own_node() {
    everywhere(50, |rt| async move {
        let (done, is_done) = async_channel::bounded(1);
        let node = rt.node("a");
        node.start(move |rt| {
            let done = done.clone();
            async move {
                let node = rt.host().unwrap();
                if node.incarnation() < 5 {
                    node.restart();
                    yield_now().await;
                    unreachable!("it is dropped when the poll is over");
                }
                done.send(node.incarnation()).await.unwrap();
            }
        });
        assert_eq!(is_done.recv().await, Ok(5));
    });
}

#[test]
fn a_panic_on_a_node_names_it() {
    let program = |rt: SimRuntime| async move {
        rt.node("a").start(|_| async { panic!("on purpose") });
    };
    let failure = Sim::new(1).run(program).unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Panic);
    assert!(failure.message().contains("task 1 'main' on node 'a', spawned at "), "{failure}");
}

#[test]
fn a_node_that_is_left_running_is_a_leak() {
    let program = |rt: SimRuntime| async move { rt.node("a").start(|_| pending()) };
    let failure = Sim::new(1).run(program).unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Leak);
    assert!(Sim::new(1).allow_leaks(true).run(program).is_ok());
}

#[test]
fn tasks_find_the_runtime_of_their_node() {
    /// Spawns when it is dropped, as something does that has nothing else to go by.
    struct Goodbye(Arc<AtomicUsize>);

    impl Drop for Goodbye {
        fn drop(&mut self) {
            let ran = self.0.clone();
            let task = current().unwrap().spawn_with_handle(async move {
                ran.fetch_add(1, SeqCst);
            });
            task.detach();
        }
    }

    /// What a task sees whose grandparent was told nothing but its own clock's drift.
    async fn second_by_current(rt: SimRuntime) -> Duration {
        let (send, receive) = async_channel::bounded(1);
        let start = rt.now();
        current().unwrap().spawn_detached(async move {
            current().unwrap().spawn_detached(async move {
                current().unwrap().sleep(SECOND).await;
                send.send(()).await.unwrap();
            });
        });
        receive.recv().await.unwrap();
        rt.now() - start
    }

    everywhere(30, |rt| async move {
        let ran = Arc::new(AtomicUsize::new(0));
        let node = rt.node("a");
        // Twice as fast as the simulation's.
        node.set_drift(1_000_000);
        assert_eq!(second_by_current(rt.clone()).await, SECOND);
        let on_node = node.runtime().spawn_with_handle(second_by_current(rt.clone()));
        assert_eq!(on_node.await.unwrap(), SECOND / 2);
        let goodbye = Goodbye(ran.clone());
        let (started, has_started) = async_channel::bounded(1);
        node.runtime().spawn_detached(async move {
            let _goodbye = goodbye;
            current().unwrap().spawn_detached(pending());
            started.send(()).await.unwrap();
            pending::<()>().await;
        });
        has_started.recv().await.unwrap();
        node.kill();
        yield_now().await;
        assert_eq!(ran.load(SeqCst), 0, "a dead node has spawned");
        drop(Goodbye(ran.clone()));
        rt.sleep(SECOND).await;
        assert_eq!(ran.load(SeqCst), 1, "after the kill the killer is itself again");
    });
}

#[test]
fn a_timeline_and_a_difference_name_the_node_of_a_task() {
    let (result, timeline) = Sim::new(1).timeline(|rt| async move {
        let node = rt.node("left");
        let worker = node.runtime().spawn_named("worker", yield_now());
        let nameless = node.runtime().spawn_with_handle(async {});
        worker.await.unwrap();
        nameless.await.unwrap();
    });
    result.unwrap();
    for text in [timeline.to_string(), timeline.svg()] {
        assert!(text.contains("1 worker@left"), "{text}");
        assert!(text.contains("2 @left"), "{text}");
        assert!(text.contains("0 main"), "{text}");
    }
}
