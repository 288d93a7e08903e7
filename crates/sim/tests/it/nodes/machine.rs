//! What is outside of a node: hooks, crashes and frozen machines.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use async_runtime_compat::prelude::*;
use async_runtime_compat::yield_now;
use async_runtime_compat_sim::{FailureKind, Node, Sim};

use super::super::everywhere;
use super::SECOND;

type Log = Arc<Mutex<Vec<String>>>;

fn log(log: &Log, what: impl Into<String>) {
    log.lock().unwrap().push(what.into());
}

/// Notes each death and each birth of the node.
fn watch(node: &Node) -> Log {
    let events = Log::default();
    let (deaths, births) = (events.clone(), events.clone());
    node.on_kill(move |death| log(&deaths, format!("{death:?}")));
    node.on_restart(move |rt| {
        log(&births, format!("life {}", rt.host().unwrap().incarnation()));
    });
    events
}

#[test]
fn hooks_hear_of_each_end_and_each_beginning() {
    everywhere(20, |rt| async move {
        let node = rt.node("a");
        let events = watch(&node);
        let mains = events.clone();
        let main = move |_| {
            log(&mains, "main");
            async {}
        };
        let heard = || std::mem::take(&mut *events.lock().unwrap());
        node.start(main.clone());
        rt.sleep(SECOND).await;
        assert_eq!(heard(), ["main"]);
        node.kill();
        node.kill();
        assert_eq!(heard(), ["Killed"]);
        node.restart();
        node.restart();
        rt.sleep(SECOND).await;
        assert_eq!(heard(), ["life 2", "Killed", "life 3", "main"]);
        node.crash();
        node.crash();
        node.kill();
        assert_eq!(heard(), ["Crashed"]);
        node.start(main);
        rt.sleep(SECOND).await;
        assert_eq!(heard(), ["life 4", "main"]);
        node.kill();
        // What the process wrote may be lost now.
        node.crash();
        assert_eq!(heard(), ["Killed", "Crashed"]);
    });
}

#[test]
fn a_crashed_node_is_dead_until_it_is_restarted() {
    everywhere(20, |rt| async move {
        let node = rt.node("a");
        let task = node.runtime().spawn_with_handle(pending::<()>());
        assert!(node.is_alive() && !node.is_crashed());
        node.pause();
        node.freeze();
        node.crash();
        assert!(!node.is_alive() && node.is_crashed() && !node.is_paused() && !node.is_frozen());
        assert!(task.await.unwrap_err().is_shutdown());
        node.freeze();
        assert!(!node.is_frozen(), "it is off");
        node.restart();
        assert!(node.is_alive() && !node.is_crashed());
        assert_eq!(node.incarnation(), 2);
        node.kill();
        assert!(!node.is_crashed());
        node.crash();
        assert!(node.is_crashed() && node.incarnation() == 2);
    });
}

/// Sends in its destructor.
struct Goodbye(Arc<Mutex<Option<Log>>>);

impl Drop for Goodbye {
    fn drop(&mut self) {
        if let Some(mailbox) = &*self.0.lock().unwrap() {
            log(mailbox, "goodbye");
        }
    }
}

#[test]
fn hooks_come_before_destructors() {
    everywhere(20, |rt| async move {
        let node = rt.node("a");
        let (mailbox, kept) = (Arc::new(Mutex::new(Some(Log::default()))), Log::default());
        *mailbox.lock().unwrap() = Some(kept.clone());
        let (outside, alive) = (mailbox.clone(), node.clone());
        node.on_kill(move |_| {
            assert!(!alive.is_alive());
            outside.lock().unwrap().take();
        });
        let goodbye = Goodbye(mailbox);
        let task = node.runtime().spawn_with_handle(async move {
            let _goodbye = goodbye;
            pending::<()>().await;
        });
        yield_now().await;
        node.kill();
        assert!(task.await.is_err());
        assert!(kept.lock().unwrap().is_empty(), "a dead node has sent");
    });
}

/// One of several that are alive.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

#[test]
fn a_hook_may_act_on_its_node_and_is_dropped_at_the_end() {
    let alive = Arc::new(AtomicUsize::new(0));
    let count = || {
        alive.fetch_add(1, SeqCst);
        Counted(alive.clone())
    };
    let run = Sim::new(1).run(|rt| {
        let (one, other) = (count(), count());
        async move {
            let node = rt.node("a");
            let own = node.clone();
            node.on_kill(move |_| {
                let _counted = &one;
                // As a supervisor of machines does.
                own.restart();
            });
            let own = node.clone();
            node.on_restart(move |rt| {
                let _counted = &other;
                assert!(own.is_alive());
                let timer = rt.clone();
                rt.spawn_detached(async move { timer.sleep(SECOND).await });
            });
            node.kill();
            assert_eq!((node.is_alive(), node.incarnation()), (true, 2));
            node.restart();
            assert_eq!((node.is_alive(), node.incarnation()), (true, 3));
            rt.sleep(SECOND * 2).await;
        }
    });
    run.unwrap();
    assert_eq!(alive.load(SeqCst), 0, "the hooks hold the simulation, and it holds them");
}

#[test]
fn a_panic_in_a_hook_fails_the_run() {
    for (restart, hook) in [(false, "on_kill"), (true, "on_restart")] {
        let failure = Sim::new(1).run(|rt| async move {
            let node = rt.node("a");
            if restart {
                node.on_restart(|_| panic!("no disk"));
            } else {
                node.on_kill(|_| panic!("no disk"));
            }
            node.restart();
            rt.sleep(SECOND).await;
        });
        let failure = failure.unwrap_err();
        assert_eq!(failure.kind(), FailureKind::Panic);
        let expected = format!("a hook of `{hook}` of the node 'a' panicked: no disk");
        assert_eq!(failure.message(), expected);
    }
}

#[test]
fn a_frozen_node_does_everything_late() {
    everywhere(50, |rt| async move {
        let node = rt.node("a");
        let timer = node.runtime();
        let (sender, receiver) = async_channel::unbounded();
        let ticks = node.runtime().spawn_with_handle(async move {
            for _ in 0..3 {
                timer.sleep(SECOND).await;
                sender.send(timer.now()).await.unwrap();
            }
        });
        // On its first step the task begins to sleep, unless the machine is frozen before.
        rt.sleep(SECOND / 2).await;
        let start = rt.now();
        node.freeze();
        assert!(node.is_frozen() && node.is_alive() && !node.is_paused());
        rt.sleep(SECOND * 10).await;
        assert!(receiver.is_empty());
        node.resume();
        rt.sleep(SECOND).await;
        assert!(node.is_frozen() && receiver.is_empty(), "it was not paused");
        node.pause();
        node.thaw();
        rt.sleep(SECOND).await;
        assert!(!node.is_frozen() && receiver.is_empty(), "it is paused");
        node.resume();
        assert_eq!(receiver.recv().await.unwrap() - start, SECOND * 12);
        ticks.await.unwrap();
    });
}

#[test]
fn a_frozen_node_is_named_where_nothing_goes_on() {
    let failure = Sim::new(1).run(|rt| async move {
        let node = rt.node("a");
        node.freeze();
        node.runtime().spawn_with_handle(async {}).await.unwrap();
    });
    let failure = failure.unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Stall);
    assert!(failure.message().contains("still paused: 'a'"), "{failure}");
    assert!(failure.tasks()[1].is_paused());
}

#[test]
fn kinds_of_death_are_different_runs() {
    let hash = |crash: bool| {
        let run = Sim::new(1).run(|rt| async move {
            let node = rt.node("a");
            if crash { node.crash() } else { node.kill() }
        });
        run.unwrap().trace_hash
    };
    assert_ne!(hash(true), hash(false));
}
