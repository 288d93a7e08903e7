//! Programs whose tasks take locks.

use std::future::poll_fn;
use std::sync::atomic::{AtomicI32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use async_runtime_compat::yield_now;

use super::super::exact::Actors;

/// A lock that wakes all who wait, and lets the schedule say who gets it.
#[derive(Clone, Default)]
struct Lock(Arc<Mutex<(bool, Vec<Waker>)>>);

struct Held(Lock);

impl Lock {
    async fn lock(&self) -> Held {
        poll_fn(|cx| {
            let mut state = self.0.lock().unwrap();
            if state.0 {
                state.1.push(cx.waker().clone());
                return Poll::Pending;
            }
            state.0 = true;
            Poll::Ready(Held(self.clone()))
        })
        .await
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.0.0.lock().unwrap();
            state.0 = false;
            std::mem::take(&mut state.1)
        };
        waiting.into_iter().for_each(Waker::wake);
    }
}

/// SCTBench's deadlock01, and the PCT paper's third example, a bug of depth 2: two locks in opposite
/// orders. Fixed, in the same one.
pub(crate) async fn deadlock(on: Actors, fixed: bool) {
    let (a, b) = (Lock::default(), Lock::default());
    let task = |name, first: &Lock, second: &Lock| {
        let (first, second) = (first.clone(), second.clone());
        on.spawn(name, async move {
            let _first = first.lock().await;
            yield_now().await;
            let _second = second.lock().await;
        })
    };
    let one = task("one", &a, &b);
    let other = if fixed { task("other", &a, &b) } else { task("other", &b, &a) };
    one.await.unwrap();
    other.await.unwrap();
}

/// SCTBench's wronglock: three tasks change a value under a lock, of which one has another lock.
pub(crate) async fn wrong_lock(on: Actors, fixed: bool) {
    let (right, wrong) = (Lock::default(), Lock::default());
    let value = Arc::new(AtomicI32::new(0));
    let task = |name, lock: &Lock| {
        let (lock, value) = (lock.clone(), value.clone());
        on.spawn(name, async move {
            let _held = lock.lock().await;
            let before = value.load(SeqCst);
            yield_now().await;
            value.store(before + 1, SeqCst);
        })
    };
    let third = if fixed { &right } else { &wrong };
    for task in [task("one", &right), task("two", &right), task("three", third)] {
        task.await.unwrap();
    }
    assert_eq!(value.load(SeqCst), 3, "an update was lost");
}
