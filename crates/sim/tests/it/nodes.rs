//! Nodes that are killed, paused and restarted, in the middle of everything.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::{BoxFuture, current, yield_now};
use async_runtime_compat_sim::{FailureKind, Sim, SimRuntime, Strategy};

use super::everywhere;

const SECOND: Duration = Duration::from_secs(1);

/// Counts what was made, and how often each of it was dropped.
#[derive(Clone, Default)]
struct Counts(Arc<Mutex<Vec<u32>>>);

struct Token(Counts, usize);

impl Counts {
    fn token(&self) -> Token {
        let mut counts = self.0.lock().unwrap();
        counts.push(0);
        Token(self.clone(), counts.len() - 1)
    }

    /// How many there are; each must have been dropped once.
    #[track_caller]
    fn all_dropped_once(&self) -> usize {
        let counts = self.0.lock().unwrap();
        assert!(counts.iter().all(|drops| *drops == 1), "dropped so often: {counts:?}");
        counts.len()
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.0.lock().unwrap()[self.1] += 1;
    }
}

/// A tree of tasks that never come to an end, and do a bit of everything.
fn busy(rt: SimRuntime, counts: Counts, depth: u32) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let _token = counts.token();
        let mut rng = rt.rng("busy");
        for round in 0.. {
            if depth > 0 && round < 2 {
                rt.spawn_detached(busy(rt.clone(), counts.clone(), depth - 1));
            }
            match rng.below(5) {
                0 => rt.sleep(Duration::from_millis(rng.below(20))).await,
                1 => drop(rt.timeout(Duration::from_millis(rng.below(20)), pending::<()>()).await),
                2 => {
                    let token = counts.token();
                    let job = rt.spawn_blocking(move || drop(token));
                    job.await.unwrap();
                }
                3 => {
                    let token = counts.token();
                    let task = rt.spawn_with_handle(async move {
                        let _token = token;
                        pending::<()>().await;
                    });
                    yield_now().await;
                    task.abort();
                    assert!(task.await.unwrap_err().is_cancelled());
                }
                _ => yield_now().await,
            }
        }
    })
}

#[test]
fn killed_in_the_middle_of_everything() {
    everywhere(300, |rt| async move {
        let counts = Counts::default();
        let node = rt.node("a");
        let (on_node, tokens) = (node.runtime(), counts.clone());
        let waits = on_node.spawn_with_handle(pending::<()>());
        let main = on_node.spawn_with_handle(busy(on_node.clone(), tokens, 2));
        let joiner = rt.spawn_with_handle(async move { main.await.unwrap_err().is_shutdown() });
        let mut rng = rt.rng("killer");
        for _ in 0..rng.below(30) {
            yield_now().await;
        }
        rt.sleep(Duration::from_micros(rng.below(30_000))).await;
        node.kill();
        assert!(!node.is_alive());
        // At once, and not when somebody gets to it.
        counts.all_dropped_once();
        assert!(waits.is_finished());
        assert!(waits.await.unwrap_err().is_shutdown());
        assert!(joiner.await.unwrap());

        let late = on_node.spawn_with_handle(async {});
        assert!(late.is_finished());
        assert!(late.await.unwrap_err().is_shutdown());
        assert!(on_node.spawn_blocking(|| ()).await.unwrap_err().is_shutdown());
        on_node.spawn_detached(async { panic!("on a dead node") });
        Spawner::spawn(&on_node, Box::pin(async { panic!("on a dead node") }));
        on_node.execute(Box::new(|| panic!("on a dead node")));
        node.kill();
    });
}

#[test]
fn restarted_again_and_again() {
    everywhere(100, |rt| async move {
        let (counts, lives) = (Counts::default(), Arc::new(Mutex::new(Vec::new())));
        let node = rt.node("a");
        let mut old = Vec::new();
        node.start({
            let (counts, lives) = (counts.clone(), lives.clone());
            move |rt| {
                lives.lock().unwrap().push(rt.host().unwrap().incarnation());
                busy(rt, counts.clone(), 1)
            }
        });
        let mut rng = rt.rng("killer");
        for life in 1..6 {
            assert_eq!(node.incarnation(), life);
            old.push(node.runtime());
            rt.sleep(Duration::from_millis(1 + rng.below(30))).await;
            if rng.chance(0.5) {
                node.kill();
                counts.all_dropped_once();
                rt.sleep(Duration::from_millis(rng.below(30))).await;
            }
            node.restart();
            assert!(node.is_alive());
            for dead in &old {
                assert!(dead.spawn_with_handle(async {}).await.unwrap_err().is_shutdown());
            }
        }
        rt.sleep(SECOND).await;
        node.kill();
        assert!(counts.all_dropped_once() >= 6);
        assert_eq!(*lives.lock().unwrap(), [1, 2, 3, 4, 5, 6]);
    });
}

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
fn with_faults_the_same_seed_is_the_same_run() {
    let strategies =
        [Strategy::Random, Strategy::Pct { depth: 3 }, Strategy::Urw, Strategy::RoundRobin];
    for strategy in strategies {
        let mut hashes = Vec::new();
        for seed in 0..50 {
            let run = || Sim::new(seed).strategy(strategy.clone()).run(chaos).unwrap();
            let report = run();
            assert_eq!(report, run(), "{strategy} {seed}");
            hashes.push(report.trace_hash);
        }
        hashes.sort_unstable();
        hashes.dedup();
        assert!(hashes.len() > 1);
    }
}

#[test]
fn with_faults_a_tape_replays_the_run() {
    for seed in 0..50 {
        let failing = |rt: SimRuntime| async move {
            chaos(rt).await;
            panic!("on purpose");
        };
        let failure = Sim::new(seed).run(failing).map(drop).unwrap_err();
        let replay = Strategy::Replay(failure.tape().clone());
        let replayed = Sim::new(seed).strategy(replay).run(failing).map(drop).unwrap_err();
        assert_eq!(replayed.message(), "on purpose", "{replayed}");
        assert_eq!((replayed.steps(), replayed.tape()), (failure.steps(), failure.tape()));
    }
}

/// Three nodes that are killed, paused, restarted and put out of time.
async fn chaos(rt: SimRuntime) -> usize {
    use async_runtime_compat_sim::Offset;

    let counts = Counts::default();
    let names = ["a", "b", "c"];
    for name in names {
        let counts = counts.clone();
        rt.node(name).start(move |rt| busy(rt, counts.clone(), 1));
    }
    let mut rng = rt.rng("chaos");
    for _ in 0..20 {
        let node = rt.node(*rng.pick(&names).unwrap());
        match rng.below(8) {
            0 => node.kill(),
            1 => node.restart(),
            2 => node.pause(),
            3 => node.resume(),
            4 => node.set_drift(i32::try_from(rng.below(200_000)).unwrap() - 100_000),
            5 => node.set_skew(Offset::Ahead(Duration::from_millis(rng.below(50)))),
            6 => node.set_skew(Offset::Behind(Duration::from_millis(rng.below(50)))),
            _ => node.jump(Offset::Behind(SECOND)),
        }
        rt.sleep(Duration::from_micros(rng.below(20_000))).await;
    }
    for name in names {
        rt.node(name).kill();
    }
    counts.all_dropped_once()
}

#[test]
fn a_run_leaves_nothing_behind() {
    for seed in 0..20 {
        let token = Arc::new(());
        let (held, also) = (token.clone(), token.clone());
        let run = Sim::new(seed).allow_leaks(true).run(|rt| async move {
            // The constructor holds the runtime, which holds the constructor.
            let (node, own) = (rt.node("a"), rt.clone());
            node.start(move |rt| {
                let (own, held) = (own.clone(), held.clone());
                async move {
                    let _held = (own.clone(), held);
                    own.sleep(SECOND).await;
                    rt.sleep(SECOND * 100).await;
                }
            });
            let paused = rt.node("b");
            paused.runtime().spawn_detached(async move {
                pending::<()>().await;
                drop(also);
            });
            paused.pause();
            rt.sleep(SECOND * 10).await;
        });
        run.unwrap();
        assert_eq!(Arc::strong_count(&token), 1, "seed {seed}");
    }
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
