//! Small programs with known bugs, from the literature on testing concurrent programs.
//!
//! In those of this file every task is ready at the start, and nothing else is until the last one has
//! ended: so the chance of a schedule can be computed. For the others it is counted.

pub(crate) mod buffers;
pub(crate) mod locks;
pub(crate) mod shared;

use std::future::poll_fn;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use async_runtime_compat::prelude::*;
use async_runtime_compat::yield_now;
use async_runtime_compat_sim::SimRuntime;

/// Wakes one waiting task when the last of some tasks has ended.
#[derive(Clone)]
pub(crate) struct Latch(Arc<(AtomicUsize, Mutex<Option<Waker>>)>);

impl Latch {
    pub(crate) fn new(count: usize) -> Latch {
        Latch(Arc::new((AtomicUsize::new(count), Mutex::new(None))))
    }

    pub(crate) fn count(&self) {
        if self.0.0.fetch_sub(1, Ordering::SeqCst) == 1 {
            if let Some(waker) = self.0.1.lock().unwrap().take() {
                waker.wake();
            }
        }
    }

    pub(crate) async fn wait(&self) {
        poll_fn(|cx| {
            *self.0.1.lock().unwrap() = Some(cx.waker().clone());
            if self.0.0.load(Ordering::SeqCst) == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

#[derive(Default)]
struct Cells {
    a: AtomicI32,
    b: AtomicI32,
}

/// `SCTBench`'s reorder: setters write `a`, then `b`; a checker that reads one of them without the
/// other has found the bug.
pub(crate) async fn reorder(rt: SimRuntime, setters: usize) {
    let (cells, latch) = (Arc::new(Cells::default()), Latch::new(setters + 1));
    for _ in 0..setters {
        let (cells, latch) = (cells.clone(), latch.clone());
        rt.spawn_detached(async move {
            cells.a.store(1, Ordering::SeqCst);
            yield_now().await;
            cells.b.store(-1, Ordering::SeqCst);
            latch.count();
        });
    }
    let checked = latch.clone();
    let checker = rt.spawn_with_handle(async move {
        let a = cells.a.load(Ordering::SeqCst);
        yield_now().await;
        let b = cells.b.load(Ordering::SeqCst);
        checked.count();
        assert!((a, b) == (0, 0) || (a, b) == (1, -1), "saw {a} and {b}");
    });
    latch.wait().await;
    checker.await.unwrap();
}

/// `SCTBench`'s twostage: one task writes a value in a first stage and what follows from it in a
/// second; a bug if another looks in between.
pub(crate) async fn twostage(rt: SimRuntime) {
    let (cells, latch) = (Arc::new(Cells::default()), Latch::new(2));
    let (theirs, count) = (cells.clone(), latch.clone());
    rt.spawn_detached(async move {
        theirs.a.store(1, Ordering::SeqCst);
        yield_now().await;
        theirs.b.store(theirs.a.load(Ordering::SeqCst) + 1, Ordering::SeqCst);
        count.count();
    });
    let count = latch.clone();
    let reader = rt.spawn_with_handle(async move {
        let a = cells.a.load(Ordering::SeqCst);
        yield_now().await;
        let b = cells.b.load(Ordering::SeqCst);
        count.count();
        assert!(a == 0 || b == a + 1, "saw {a} and {b}");
    });
    latch.wait().await;
    reader.await.unwrap();
}

/// A task of many steps that has to end before another takes its only one.
pub(crate) async fn long_before_short(rt: SimRuntime, steps: u32) {
    let (done, latch) = (Arc::new(AtomicUsize::new(0)), Latch::new(2));
    let (theirs, count) = (done.clone(), latch.clone());
    rt.spawn_detached(async move {
        for _ in 1..steps {
            yield_now().await;
        }
        theirs.store(1, Ordering::SeqCst);
        count.count();
    });
    let count = latch.clone();
    let short = rt.spawn_with_handle(async move {
        count.count();
        assert_eq!(done.load(Ordering::SeqCst), 0, "the long one was first");
    });
    latch.wait().await;
    short.await.unwrap();
}

/// A counter that is read and written in two steps.
pub(crate) async fn lost_update(rt: SimRuntime, tasks: usize) {
    let (counter, latch) = (Arc::new(AtomicUsize::new(0)), Latch::new(tasks));
    for _ in 0..tasks {
        let (counter, latch) = (counter.clone(), latch.clone());
        rt.spawn_detached(async move {
            let value = counter.load(Ordering::SeqCst);
            yield_now().await;
            counter.store(value + 1, Ordering::SeqCst);
            latch.count();
        });
    }
    latch.wait().await;
    assert_eq!(counter.load(Ordering::SeqCst), tasks, "an update was lost");
}
