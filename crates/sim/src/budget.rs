//! tokio's cooperative budget, set to any number.
//!
//! Each operation of tokio's channels and locks that could complete spends a part of the budget of
//! the task that is polled, and waits although it is ready once nothing is left. tokio sets the budget
//! for its own tasks only. But the guard that [`poll_proceed`] returns sets it back to the number it
//! had before when it is dropped, wherever that is: so guards of a task of tokio's, one for each
//! number, set it here.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tokio::task::LocalSet;
use tokio::task::coop::{RestoreOnPending, has_budget_remaining, poll_proceed, unconstrained};

/// More than any budget that tokio gives a task.
const MANY: usize = 4096;

thread_local! {
    /// The guard at index n sets the budget to n + 1.
    static GUARDS: RefCell<Vec<Option<RestoreOnPending>>> = const { RefCell::new(Vec::new()) };
}

/// Runs it without a budget. The one that was there before is back afterwards.
pub(crate) fn without<R>(run: impl FnOnce() -> R) -> R {
    let mut run = Some(run);
    let run = poll_fn(|_| Poll::Ready(run.take().map(|run| run())));
    match pin!(unconstrained(run)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Some(ran)) => ran,
        _ => unreachable!("it is polled once, and ready"),
    }
}

/// The largest budget that can be set.
///
/// # Panics
///
/// If this version of tokio does not let the budget be set.
pub(crate) fn most() -> u32 {
    GUARDS.with_borrow_mut(|guards| {
        if guards.is_empty() {
            *guards = gather();
        }
        let most = guards.len().checked_sub(1);
        let settable = most.filter(|_| {
            change(guards, 1);
            let some = has_budget_remaining();
            change(guards, 0);
            some && !has_budget_remaining()
        });
        let most = settable.and_then(|most| u32::try_from(most).ok());
        most.expect("`Sim::preempt_ready` works with the tokio versions 1.49 to 1.54, and not with this one")
    })
}

/// Sets the budget to a number that is at most [`most`], which was called before.
pub(crate) fn set(number: u32) {
    GUARDS.with_borrow_mut(|guards| change(guards, number as usize));
}

/// Whether nothing is left of the budget.
#[inline]
pub(crate) fn is_spent() -> bool {
    !has_budget_remaining()
}

/// Spends the rest of the budget, and counts it.
pub(crate) fn spend() -> u32 {
    let mut left = 0;
    while has_budget_remaining() {
        let Poll::Ready(guard) = poll_proceed(&mut Context::from_waker(Waker::noop())) else {
            break;
        };
        guard.made_progress();
        left += 1;
    }
    left
}

fn change(guards: &mut [Option<RestoreOnPending>], number: usize) {
    let Some(guard) = guards.get_mut(number) else { return };
    // Sets the budget to one more, of which the next guard is worth one.
    drop(guard.take());
    if let Poll::Ready(next) = poll_proceed(&mut Context::from_waker(Waker::noop())) {
        *guard = Some(next);
    }
}

/// Takes the guards of a task of tokio's, which needs no runtime for that.
fn gather() -> Vec<Option<RestoreOnPending>> {
    let guards = Rc::new(RefCell::new(Vec::new()));
    let gathered = guards.clone();
    let tasks = LocalSet::new();
    tasks.spawn_local(poll_fn(move |cx| {
        let mut guards = gathered.borrow_mut();
        while has_budget_remaining() && guards.len() < MANY {
            let Poll::Ready(guard) = poll_proceed(cx) else { break };
            guards.push(Some(guard));
        }
        Poll::Ready(())
    }));
    let _ = pin!(tasks).poll(&mut Context::from_waker(Waker::noop()));
    let mut guards = guards.take();
    guards.reverse();
    guards
}
