//! async-task's `tests/cancel.rs`, and what applies of its `basic.rs`, `join.rs`, `ready.rs`, `panic.rs` and
//! `waker_*.rs`.
//!
//! The first half is about the order of single steps, on executors that are told when to run. In the second half a
//! poll is under way on another thread, on every runtime.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Waker;
use std::thread;

use async_runtime_compat::prelude::*;
use futures_lite::future::block_on;
use test_support::runtimes::{Running, on_all_runtimes};

use crate::counted::{Counted, Counts, End, Gate, Output, Wakes, poll_with};
use crate::stepped::Stepped;

fn spawn(spawner: &dyn Spawner, counts: &Counts, end: End) -> JoinHandle<Output> {
    spawner.spawn_with_handle(counts.future(end))
}

/// Runs a test on each executor, with a task that has not been polled.
fn stepped(end: End, test: impl Fn(Stepped, JoinHandle<Output>, &Counts)) {
    for executor in Stepped::all() {
        let counts = Counts::default();
        let task = spawn(&*executor.spawner, &counts, end);
        assert_eq!(counts.get(), (0, 0, 0));
        test(executor, task, &counts);
    }
}

#[test]
fn run_and_cancel() {
    stepped(End::Ready, |executor, task, counts| {
        (executor.step)();
        assert_eq!(counts.get(), (1, 1, 0));
        let output = block_on(task.cancel()).expect("it ended before");
        assert_eq!(counts.get(), (1, 1, 0));
        drop(output);
        assert_eq!(counts.get(), (1, 1, 1));
    });
}

#[test]
fn cancel_and_run() {
    stepped(End::Ready, |executor, mut task, counts| {
        task.abort();
        // It is the executor that drops it.
        assert_eq!(counts.get(), (0, 0, 0));
        assert!(poll_with(&mut task, Waker::noop()).is_pending());
        (executor.step)();
        assert_eq!(counts.get(), (0, 1, 0));
        assert!(block_on(task).is_err_and(|error| error.is_cancelled()));
    });
}

#[test]
fn cancel_by_drop_and_run() {
    stepped(End::Ready, |executor, task, counts| {
        drop(task.abort_on_drop());
        (executor.step)();
        assert_eq!(counts.get(), (0, 1, 0));
    });
}

#[test]
fn cancel_join() {
    stepped(End::Ready, |executor, mut task, counts| {
        assert!(poll_with(&mut task, Waker::noop()).is_pending());
        task.abort();
        (executor.step)();
        assert!(block_on(&mut task).is_err_and(|error| error.is_cancelled()));
        assert!(task.is_finished());
        assert_eq!(counts.get(), (0, 1, 0));
    });
}

#[test]
fn executor_is_dropped_before_the_join() {
    stepped(End::Ready, |executor, task, counts| {
        drop(executor);
        assert!(block_on(task).is_err_and(|error| !error.is_panic()));
        assert_eq!(counts.get(), (0, 1, 0));
    });
}

#[test]
fn executor_is_dropped_during_the_join() {
    stepped(End::Ready, |executor, mut task, counts| {
        let wakes = Arc::<Wakes>::default();
        assert!(poll_with(&mut task, &Waker::from(wakes.clone())).is_pending());
        drop(executor);
        assert!(wakes.count() > 0, "the joiner is not woken");
        assert!(block_on(task).is_err_and(|error| !error.is_panic()));
        assert_eq!(counts.get(), (0, 1, 0));
    });
}

#[test]
fn executor_is_dropped_with_a_detached_task() {
    stepped(End::Ready, |executor, task, counts| {
        task.detach();
        drop(executor);
        assert_eq!(counts.get(), (0, 1, 0));
    });
}

#[test]
fn run_and_join() {
    stepped(End::Ready, |executor, task, counts| {
        (executor.step)();
        assert_eq!(counts.get(), (1, 1, 0));
        drop(block_on(task));
        assert_eq!(counts.get(), (1, 1, 1));
    });
}

#[test]
fn detach_and_run() {
    stepped(End::Ready, |executor, task, counts| {
        task.detach();
        assert_eq!(counts.get(), (0, 0, 0));
        (executor.step)();
        assert_eq!(counts.get(), (1, 1, 1));
    });
}

#[test]
fn run_and_detach() {
    stepped(End::Ready, |executor, task, counts| {
        (executor.step)();
        assert_eq!(counts.get(), (1, 1, 0));
        task.detach();
        assert_eq!(counts.get(), (1, 1, 1));
    });
}

#[test]
fn join_twice() {
    stepped(End::Ready, |executor, mut task, counts| {
        (executor.step)();
        drop(block_on(&mut task));
        assert_eq!(counts.get(), (1, 1, 1));
        let again =
            catch_unwind(AssertUnwindSafe(|| poll_with(&mut task, Waker::noop()).is_ready()));
        assert!(again.is_err(), "polled after its end");
        task.detach();
        assert_eq!(counts.get(), (1, 1, 1));
    });
}

#[test]
fn try_join_and_run_and_join() {
    stepped(End::Ready, |executor, mut task, counts| {
        let wakes = Arc::<Wakes>::default();
        assert!(poll_with(&mut task, &Waker::from(wakes.clone())).is_pending());
        assert_eq!(counts.get(), (0, 0, 0));
        (executor.step)();
        assert!(wakes.count() > 0, "the joiner is not woken");
        drop(block_on(task));
        assert_eq!(counts.get(), (1, 1, 1));
    });
}

#[test]
fn try_join_and_cancel_and_run() {
    stepped(End::Ready, |executor, mut task, counts| {
        assert!(poll_with(&mut task, Waker::noop()).is_pending());
        drop(task.abort_on_drop());
        assert_eq!(counts.get(), (0, 0, 0));
        (executor.step)();
        assert_eq!(counts.get(), (0, 1, 0));
    });
}

#[test]
fn try_join_and_run_and_cancel() {
    stepped(End::Ready, |executor, mut task, counts| {
        assert!(poll_with(&mut task, Waker::noop()).is_pending());
        (executor.step)();
        assert_eq!(counts.get(), (1, 1, 0));
        drop(task.abort_on_drop());
        assert_eq!(counts.get(), (1, 1, 1));
    });
}

#[test]
fn await_output() {
    for executor in Stepped::all() {
        for n in 0..10 {
            let number = executor.spawner.spawn_with_handle(async move { n });
            let list = executor.spawner.spawn_with_handle(async move { vec![7; n] });
            (executor.step)();
            assert_eq!(block_on(number).unwrap(), n);
            assert_eq!(block_on(list).unwrap(), vec![7; n]);
        }
    }
}

#[test]
fn panic_and_join() {
    for polled_before in [false, true] {
        stepped(End::Panic, |executor, mut task, counts| {
            if polled_before {
                assert!(poll_with(&mut task, Waker::noop()).is_pending());
            }
            (executor.step)();
            assert_eq!(counts.get(), (1, 1, 0));
            assert!(block_on(task).is_err_and(|error| error.is_panic()));
        });
    }
}

#[test]
fn cancel_of_a_task_without_wakers() {
    stepped(End::Pending, |executor, task, counts| {
        (executor.step)();
        drop(counts.waker());
        let polls = counts.get().0;
        task.abort();
        (executor.step)();
        assert_eq!(counts.get(), (polls, 1, 0));
        assert!(block_on(task).is_err_and(|error| error.is_cancelled()));
    });
}

/// Whether to run a test of a task that completes or of one that panics, and whether its handle is polled first.
const DURING: [(End, bool); 4] =
    [(End::Ready, false), (End::Ready, true), (End::Panic, false), (End::Panic, true)];

on_all_runtimes! {
    cancel_after_run,
    cancel_during_run,
    cancel_by_drop_during_run,
    join_during_run,
    try_join_during_run,
    detach_during_run,
    wake_during_run,
    cancel_during_a_later_run,
    wakers_outlive_the_task,
}

/// A task whose poll is under way.
fn running_task(running: &Running, ends: Vec<End>) -> (JoinHandle<Output>, Counts, Gate) {
    let counts = Counts::default();
    let (future, gate) = counts.gated(ends);
    let task = running.runtime.spawn_with_handle::<Counted>(future);
    gate.entered();
    (task, counts, gate)
}

/// Waits until the counts are these.
fn becomes(counts: &Counts, expected: (usize, usize, usize)) {
    while counts.get() != expected {
        let (polls, futures, outputs) = counts.get();
        let (most_polls, most_futures, most_outputs) = expected;
        assert!(polls <= most_polls && futures <= most_futures && outputs <= most_outputs);
        thread::yield_now();
    }
}

fn outputs(end: End) -> usize {
    usize::from(end == End::Ready)
}

fn cancel_after_run(running: &Running) {
    for (end, polled) in DURING {
        let (mut task, counts, gate) = running_task(running, vec![end]);
        let wakes = Arc::<Wakes>::default();
        if polled {
            assert!(poll_with(&mut task, &Waker::from(wakes.clone())).is_pending());
        }
        gate.release();
        // Only the wake-up tells that it has ended: asking may change what the handle knows.
        while if polled { wakes.count() == 0 } else { !task.is_finished() } {
            thread::yield_now();
        }
        task.abort();
        let result = block_on(task);
        assert_eq!(counts.get(), (1, 1, 0), "{end:?}, polled before: {polled}");
        match result {
            Ok(output) => drop(output),
            Err(error) => assert!(end == End::Panic && error.is_panic(), "{error}"),
        }
        assert_eq!(counts.get(), (1, 1, outputs(end)));
    }
}

fn cancel_during_run(running: &Running) {
    for (end, polled) in DURING {
        let (mut task, counts, gate) = running_task(running, vec![end]);
        if polled {
            assert!(poll_with(&mut task, Waker::noop()).is_pending());
        }
        task.abort();
        assert_eq!(counts.get(), (1, 0, 0));
        assert!(!task.is_finished());
        gate.release();
        assert!(block_on(task).is_err_and(|error| error.is_cancelled()));
        // Its output, too, has been dropped by now.
        assert_eq!(counts.get(), (1, 1, outputs(end)), "{end:?}, polled before: {polled}");
    }
}

fn cancel_by_drop_during_run(running: &Running) {
    for (end, polled) in DURING {
        let (mut task, counts, gate) = running_task(running, vec![end]);
        if polled {
            assert!(poll_with(&mut task, Waker::noop()).is_pending());
        }
        drop(task.abort_on_drop());
        assert_eq!(counts.get(), (1, 0, 0));
        gate.release();
        becomes(&counts, (1, 1, outputs(end)));
    }
}

fn join_during_run(running: &Running) {
    for (end, polled) in DURING {
        let (mut task, counts, gate) = running_task(running, vec![end]);
        if polled {
            assert!(poll_with(&mut task, Waker::noop()).is_pending());
        }
        gate.release();
        let result = block_on(task);
        assert_eq!(counts.get(), (1, 1, 0));
        assert_eq!(result.is_ok(), end == End::Ready);
        drop(result);
        assert_eq!(counts.get(), (1, 1, outputs(end)));
    }
}

fn try_join_during_run(running: &Running) {
    for end in [End::Ready, End::Panic] {
        let (mut task, counts, gate) = running_task(running, vec![end]);
        assert!(poll_with(&mut task, Waker::noop()).is_pending());
        assert_eq!(counts.get(), (1, 0, 0));
        drop(task);
        gate.release();
        becomes(&counts, (1, 1, outputs(end)));
    }
}

fn detach_during_run(running: &Running) {
    for end in [End::Ready, End::Panic] {
        let (task, counts, gate) = running_task(running, vec![end]);
        task.detach();
        assert_eq!(counts.get(), (1, 0, 0));
        gate.release();
        becomes(&counts, (1, 1, outputs(end)));
    }
}

/// The waker of a task that is pending.
fn waker_of(counts: &Counts) -> Waker {
    loop {
        if let Some(waker) = counts.waker() {
            return waker;
        }
        thread::yield_now();
    }
}

fn wake_during_run(running: &Running) {
    for end in [End::Ready, End::Panic] {
        let ends = vec![End::Pending, End::Pending, end];
        let (task, counts, gate) = running_task(running, ends);
        gate.release();
        let waker = waker_of(&counts);
        waker.wake_by_ref();
        gate.entered();
        // Woken during its second poll, it is polled a third time, and only once for any number of wake-ups.
        waker.wake_by_ref();
        let clone = waker.clone();
        clone.wake();
        waker.wake();
        gate.release();
        gate.entered();
        assert_eq!(counts.get(), (3, 0, 0));
        gate.release();
        assert_eq!(block_on(task).is_ok(), end == End::Ready);
        assert_eq!(counts.get(), (3, 1, outputs(end)));
    }
}

fn cancel_during_a_later_run(running: &Running) {
    for end in [End::Pending, End::Ready, End::Panic] {
        // Before the abort, after it, or not at all.
        for woken in [(false, false), (true, false), (false, true)] {
            let (task, counts, gate) = running_task(running, vec![End::Pending, end]);
            gate.release();
            let waker = waker_of(&counts);
            waker.wake_by_ref();
            gate.entered();
            if woken.0 {
                waker.wake_by_ref();
            }
            task.abort();
            if woken.1 {
                waker.wake_by_ref();
            }
            drop(waker);
            assert_eq!(counts.get(), (2, 0, 0));
            gate.release();
            assert!(block_on(task).is_err_and(|error| error.is_cancelled()), "{end:?}");
            assert_eq!(counts.get(), (2, 1, outputs(end)), "{end:?}, {woken:?}");
        }
    }
}

fn wakers_outlive_the_task(running: &Running) {
    for end in [End::Ready, End::Panic] {
        let (task, counts, gate) = running_task(running, vec![End::Pending, end]);
        gate.release();
        let waker = waker_of(&counts);
        let later = waker.clone();
        waker.wake();
        gate.entered();
        gate.release();
        assert_eq!(block_on(task).is_ok(), end == End::Ready);
        assert_eq!(counts.get(), (2, 1, outputs(end)));
        later.wake_by_ref();
        drop(later.clone());
        later.wake();
        assert_eq!(counts.get(), (2, 1, outputs(end)));
    }

    // An aborted one.
    let (task, counts, gate) = running_task(running, vec![End::Pending]);
    gate.release();
    let waker = waker_of(&counts);
    assert!(block_on(task.cancel()).is_err_and(|error| error.is_cancelled()));
    waker.wake();
    assert_eq!(counts.get(), (1, 1, 0));
}
