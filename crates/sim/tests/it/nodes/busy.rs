//! A program that is busy in every way.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::{BoxFuture, yield_now};
use async_runtime_compat_sim::SimRuntime;

/// Counts tokens, and how often each was dropped.
#[derive(Clone, Default)]
pub(super) struct Counts(Arc<Mutex<Vec<u32>>>);

pub(super) struct Token(Counts, usize);

impl Counts {
    pub(super) fn token(&self) -> Token {
        let mut counts = self.0.lock().unwrap();
        counts.push(0);
        Token(self.clone(), counts.len() - 1)
    }

    /// Returns how many there are; each must have been dropped once.
    #[track_caller]
    pub(super) fn all_dropped_once(&self) -> usize {
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
pub(super) fn busy(rt: SimRuntime, counts: Counts, depth: u32) -> BoxFuture<'static, ()> {
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
