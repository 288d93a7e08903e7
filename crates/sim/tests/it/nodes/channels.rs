//! Tasks that wait for each other through a channel which holds its lock while it wakes them.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::yield_now;
use async_runtime_compat_sim::{Sim, SimRuntime};

/// Far more than it takes. A simulation that waits for itself has no limit of its own that would end it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs on a thread of its own, so that one that hangs fails.
fn ends<F: Future<Output = ()> + 'static>(program: fn(SimRuntime) -> F) {
    let (sender, ended) = mpsc::channel();
    let runs = thread::spawn(move || {
        for seed in 0..20 {
            Sim::new(seed).allow_leaks(true).run(program).unwrap();
        }
        sender.send(()).unwrap();
    });
    let ended = ended.recv_timeout(PATIENCE);
    assert_ne!(ended, Err(mpsc::RecvTimeoutError::Timeout), "the simulation waits for itself");
    runs.join().unwrap();
}

/// A task with the only sender, and one that waits for it; in that order, and the other way round.
async fn couples(spawner: &dyn Spawner) {
    for first in [true, false] {
        let (sender, receiver) = async_channel::unbounded::<()>();
        let keeps = || {
            spawner.spawn_detached(async move {
                std::future::pending::<()>().await;
                drop(sender);
            });
        };
        let waits = async move {
            let _ = receiver.recv().await;
        };
        if first {
            keeps();
            spawner.spawn_detached(waits);
        } else {
            spawner.spawn_detached(waits);
            keeps();
        }
    }
    for _ in 0..20 {
        yield_now().await;
    }
}

#[test]
fn a_kill_drops_a_sender_and_its_receiver() {
    ends(|rt| async move {
        let node = rt.node("a");
        couples(&node.runtime()).await;
        node.kill();
    });
}

#[test]
fn a_hook_closes_the_channel_that_a_killed_task_waits_for() {
    ends(|rt| async move {
        let node = rt.node("a");
        let (sender, receiver) = async_channel::unbounded::<()>();
        node.runtime().spawn_detached(async move {
            let _ = receiver.recv().await;
        });
        yield_now().await;
        node.on_kill(move |_| {
            sender.close();
        });
        yield_now().await;
        node.kill();
    });
}

#[test]
fn the_end_of_a_run_with_a_kill_drops_a_sender_and_its_receiver() {
    ends(|rt| async move {
        rt.node("a").kill();
        couples(&rt).await;
    });
}
