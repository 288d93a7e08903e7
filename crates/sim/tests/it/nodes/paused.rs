//! Nodes that are paused.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::yield_now;
use async_runtime_compat_sim::{FailureKind, Sim};

use super::super::everywhere;
use super::SECOND;
use super::busy::{Counts, busy};

#[test]
fn a_paused_node_stands_still() {
    everywhere(100, |rt| async move {
        let node = rt.node("a");
        let on_node = node.runtime();
        let steps = Arc::new(AtomicUsize::new(0));
        let count = steps.clone();
        let busy = on_node.spawn_with_handle(async move {
            // Not without an end: by its priority it could starve the others.
            for _ in 0..50 {
                count.fetch_add(1, SeqCst);
                yield_now().await;
            }
            pending::<()>().await;
        });
        let sleeper = on_node.spawn_with_handle({
            let rt = on_node.clone();
            async move {
                let start = rt.now();
                rt.sleep(SECOND).await;
                rt.now() - start
            }
        });
        for _ in 0..rt.rng("root").below(20) {
            yield_now().await;
        }
        node.pause();
        node.pause();
        assert!(node.is_paused() && node.is_alive());
        let before = steps.load(SeqCst);
        let abort_paused = rt.rng("abort").chance(0.5);
        let late = on_node.spawn_with_handle(async { 7 });
        rt.sleep(SECOND * 10).await;
        assert_eq!(steps.load(SeqCst), before);
        assert!(!late.is_finished() && !sleeper.is_finished());
        if abort_paused {
            busy.abort();
            yield_now().await;
            assert!(!busy.is_finished(), "it is dropped on its node, which stands still");
        }
        node.resume();
        yield_now().await;
        busy.abort();
        assert!(busy.await.unwrap_err().is_cancelled());
        assert_eq!(late.await.unwrap(), 7);
        // By now the sleep was due for long, if it had begun.
        let slept = sleeper.await.unwrap();
        assert!(slept == SECOND * 10 || slept == SECOND, "{slept:?}");
    });
}

#[test]
fn a_paused_node_can_be_killed_and_restarted() {
    everywhere(100, |rt| async move {
        let counts = Counts::default();
        let node = rt.node("a");
        node.start({
            let counts = counts.clone();
            move |rt| busy(rt, counts.clone(), 1)
        });
        rt.sleep(Duration::from_millis(30)).await;
        node.pause();
        rt.sleep(SECOND).await;
        node.restart();
        assert!(!node.is_paused());
        rt.sleep(Duration::from_millis(30)).await;
        node.pause();
        node.kill();
        node.resume();
        counts.all_dropped_once();
        assert!(!node.is_alive() && !node.is_paused());
    });
}

#[test]
fn a_stall_on_a_paused_node_says_so() {
    let failure = Sim::new(1)
        .run(|rt| async move {
            let node = rt.node("a");
            let task = node.runtime().spawn_named("worker", async {});
            node.pause();
            task.await.ok();
        })
        .unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Stall, "{failure}");
    assert!(failure.message().ends_with("still paused: 'a'"), "{failure}");
    let worker = &failure.tasks()[1];
    assert_eq!((worker.node(), worker.is_paused(), worker.is_ready()), (Some("a"), true, true));
    let text = failure.to_string();
    assert!(text.contains("task 1 'worker' on node 'a', spawned at "), "{text}");
    assert!(text.contains("paused, ready after 0 steps"), "{text}");
}
