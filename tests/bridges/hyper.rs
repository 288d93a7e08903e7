//! hyper's executor and timer. The package of the examples tests servers and clients on them.

use std::pin::Pin;
use std::ptr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_runtime_compat::hyper::{HyperExecutor, HyperTimer};
use async_runtime_compat::prelude::*;
use hyper::rt::{self, Executor as _, Timer as _};
use static_assertions::assert_impl_all;

use crate::{on_all_runtimes, run};

assert_impl_all!(HyperExecutor<Arc<dyn Spawner>>: Clone, Send, Sync, Unpin);
assert_impl_all!(HyperTimer<Arc<dyn Timer>>: rt::Timer, Clone, Send, Sync, Unpin);
assert_impl_all!(HyperTimer<Arc<dyn Runtime>>: rt::Timer);

on_all_runtimes! {
    executor_runs_what_it_gets,
    executor_contains_panics,
    sleeps_end_at_their_deadlines,
    reset_moves_the_deadline_of_the_same_sleep,
    reset_replaces_the_sleep_of_another_timer,
    clock_is_that_of_the_timer,
}

fn executor_runs_what_it_gets(runtime: &Arc<dyn Runtime>) {
    let executor = HyperExecutor::new(runtime.clone());
    let (sender, receiver) = async_channel::bounded(2);
    let guard = CancelToken::new();
    let output = guard.clone().cancel_on_drop();
    executor.execute(async move {
        sender.send(1).await.unwrap();
        output
    });
    run(async {
        assert_eq!(receiver.recv().await, Ok(1));
        // The output is dropped.
        guard.cancelled().await;
    });
}

fn executor_contains_panics(runtime: &Arc<dyn Runtime>) {
    struct Bad(#[allow(dead_code, reason = "it says when the output is gone")] CancelToken);

    impl Drop for Bad {
        fn drop(&mut self) {
            self.0.cancel();
            panic!("the output's destructor");
        }
    }

    let executor = HyperExecutor::new(runtime.clone());
    executor.execute(async { panic!("the task") });
    let dropped = CancelToken::new();
    let output = Bad(dropped.clone());
    executor.execute(async move { output });
    run(async {
        dropped.cancelled().await;
        runtime.spawn_with_handle(async {}).await.unwrap();
    });
}

fn sleeps_end_at_their_deadlines(runtime: &Arc<dyn Runtime>) {
    let timer = HyperTimer::new(runtime.clone());
    run(async {
        let start = timer.now();
        timer.sleep(Duration::from_millis(5)).await;
        assert!(timer.now() >= start + Duration::from_millis(5));
        timer.sleep_until(start + Duration::from_millis(15)).await;
        assert!(timer.now() >= start + Duration::from_millis(15));
        timer.sleep_until(start).await;
    });
}

fn reset_moves_the_deadline_of_the_same_sleep(runtime: &Arc<dyn Runtime>) {
    let timer = HyperTimer::new(runtime.clone());
    let mut sleep = timer.sleep(Duration::MAX);
    assert!(poll(&mut sleep).is_pending());
    let address = place(&sleep);
    run(async {
        for _ in 0..3 {
            let deadline = timer.now() + Duration::from_millis(2);
            timer.reset(&mut sleep, deadline);
            sleep.as_mut().await;
            assert!(timer.now() >= deadline);
        }
    });
    assert_eq!(place(&sleep), address, "a reset made a new sleep");
}

/// A sleep that is not of this crate.
struct Foreign;

impl Future for Foreign {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl rt::Sleep for Foreign {}

fn reset_replaces_the_sleep_of_another_timer(runtime: &Arc<dyn Runtime>) {
    let timer = HyperTimer::new(runtime.clone());
    let mut sleep: Pin<Box<dyn rt::Sleep>> = Box::pin(Foreign);
    timer.reset(&mut sleep, timer.now() + Duration::from_millis(2));
    run(sleep);
}

fn clock_is_that_of_the_timer(runtime: &Arc<dyn Runtime>) {
    let (before, now, after) = {
        let timer = HyperTimer::new(runtime.clone());
        (runtime.now(), timer.now(), runtime.now())
    };
    assert!(before <= now && now <= after);
}

/// hyper's limits stand still with the clock.
#[cfg(feature = "tokio")]
#[test]
fn paused_clock_of_tokio() {
    use async_runtime_compat::tokio::TokioSpawner;

    let builder = &mut ::tokio::runtime::Builder::new_current_thread();
    let tokio = builder.enable_time().start_paused(true).build().unwrap();
    let timer = HyperTimer::new(TokioSpawner::new(tokio.handle().clone()));
    let start = timer.now();
    tokio.block_on(timer.sleep(Duration::from_secs(3_600)));
    assert_eq!(timer.now() - start, Duration::from_secs(3_600));
}

fn poll(sleep: &mut Pin<Box<dyn rt::Sleep>>) -> Poll<()> {
    sleep.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

fn place(sleep: &Pin<Box<dyn rt::Sleep>>) -> *const () {
    ptr::from_ref(&**sleep).cast()
}
