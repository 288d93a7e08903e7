//! Programs whose tasks share variables. Each `yield_now` is where threads could be switched.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::SeqCst};

use async_runtime_compat::yield_now;

use super::super::exact::Actors;

/// SCTBench's account: somebody deposits, somebody withdraws, and somebody looks at the balance when
/// both have. The bug is in what he expects, so that he finds it if he comes last.
pub(crate) async fn account(on: Actors, fixed: bool) {
    let (balance, done) = (Arc::new(AtomicI32::new(100)), Arc::new(AtomicI32::new(0)));
    let change = |name, amount| {
        let (balance, done) = (balance.clone(), done.clone());
        on.spawn(name, async move {
            balance.fetch_add(amount, SeqCst);
            done.fetch_add(1, SeqCst);
        })
    };
    let (deposit, withdrawal) = (change("deposit", 10), change("withdrawal", -20));
    let auditor = on.spawn("auditor", async move {
        if done.load(SeqCst) == 2 {
            let expected = if fixed { 90 } else { 100 - 10 - 20 };
            assert_eq!(balance.load(SeqCst), expected, "the balance");
        }
    });
    for task in [deposit, withdrawal, auditor] {
        task.await.unwrap();
    }
}

/// The Bluetooth driver of Qadeer and Wu (KISS, PLDI 2004): a request looks whether the driver is
/// stopping, and says too late that it has begun. Fixed, it says so first.
pub(crate) async fn bluetooth(on: Actors, fixed: bool) {
    #[derive(Default)]
    struct Driver {
        stopping: AtomicBool,
        pending: AtomicI32,
        stopped: AtomicBool,
    }
    impl Driver {
        /// Whether that was the last one.
        fn leave(&self) -> bool {
            self.pending.fetch_sub(1, SeqCst) == 1
        }
    }
    // One for the driver itself.
    let driver = Arc::new(Driver { pending: AtomicI32::new(1), ..Driver::default() });
    let theirs = driver.clone();
    let request = on.spawn("request", async move {
        if fixed {
            theirs.pending.fetch_add(1, SeqCst);
            yield_now().await;
        }
        if theirs.stopping.load(SeqCst) {
            if fixed && theirs.leave() {
                theirs.stopped.store(true, SeqCst);
            }
            return;
        }
        yield_now().await;
        if !fixed {
            theirs.pending.fetch_add(1, SeqCst);
            yield_now().await;
        }
        assert!(!theirs.stopped.load(SeqCst), "a request to a driver that has stopped");
        yield_now().await;
        if theirs.leave() {
            theirs.stopped.store(true, SeqCst);
        }
    });
    let stop = on.spawn("stop", async move {
        driver.stopping.store(true, SeqCst);
        yield_now().await;
        if driver.leave() {
            yield_now().await;
            driver.stopped.store(true, SeqCst);
        }
    });
    request.await.unwrap();
    stop.await.unwrap();
}

/// SCTBench's token ring: three tasks pass a value on, which is right in one direction only. Fixed,
/// each waits for the one before.
pub(crate) async fn token_ring(on: Actors, fixed: bool) {
    let cells = Arc::new([1, 2, 1].map(AtomicI32::new));
    let mut tasks = Vec::new();
    for (name, from, to, add) in [("one", 2, 0, 1), ("two", 0, 1, 0), ("three", 1, 2, 0)] {
        let cells = cells.clone();
        let task = on.spawn(name, async move {
            cells[to].store((cells[from].load(SeqCst) + add) % 4, SeqCst);
        });
        if fixed {
            task.await.unwrap();
        } else {
            tasks.push(task);
        }
    }
    for task in tasks {
        task.await.unwrap();
    }
    let seen: Vec<_> = cells.iter().map(|cell| cell.load(SeqCst)).collect();
    assert!(seen.iter().all(|value| *value == seen[0]), "the ring is torn: {seen:?}");
}

/// The PCT paper's first example, a bug of depth 1: one task uses what another has yet to make.
/// Fixed, it is made before there is anybody to use it.
pub(crate) async fn used_before_made(on: Actors, fixed: bool) {
    let made = Arc::new(AtomicBool::new(fixed));
    let theirs = made.clone();
    let maker = on.spawn("maker", async move {
        yield_now().await;
        theirs.store(true, SeqCst);
    });
    let user = on.spawn("user", async move {
        for _ in 0..2 {
            yield_now().await;
        }
        assert!(made.load(SeqCst), "it is not there yet");
    });
    maker.await.unwrap();
    user.await.unwrap();
}

/// The PCT paper's second example, a bug of depth 2: a value is looked at, taken away by another
/// task, and used. Fixed, it is looked at and used in one step.
pub(crate) async fn gone_after_the_look(on: Actors, fixed: bool) {
    let there = Arc::new(AtomicBool::new(true));
    let theirs = there.clone();
    let user = on.spawn("user", async move {
        if theirs.load(SeqCst) {
            if !fixed {
                yield_now().await;
            }
            assert!(theirs.load(SeqCst), "it was there a moment ago");
        }
    });
    let taker = on.spawn("taker", async move {
        yield_now().await;
        there.store(false, SeqCst);
    });
    user.await.unwrap();
    taker.await.unwrap();
}
