//! The suite can fail: timers that violate C12, each in a way of its own.
//!
//! A time limit and an interval are made by the crate, around a timer's sleeps and clock, so that
//! they break where those do.

use std::time::Duration;

use async_runtime_compat::FnSpawner;
use async_runtime_compat_conformance::{CaseResult, Clause, Subject, Suite, cases};
use futures_lite::future::block_on;

use async_runtime_compat_test_support::thread_timer::{Flaw, ThreadTimer};

fn subject(flaw: Flaw) -> Subject {
    let threads = FnSpawner::new(|task| {
        std::thread::spawn(|| block_on(task));
    });
    Subject::new(threads).timer(ThreadTimer::with(flaw))
}

/// Runs these cases on a timer with a flaw, and insists that each of them fails.
#[track_caller]
fn is_caught(flaw: Flaw, by: &[&str]) {
    for name in by {
        let case = cases().iter().find(|case| case.name() == format!("c12::{name}")).unwrap();
        let outcome = case.run(Duration::from_secs(1), || subject(flaw));
        let CaseResult::Failed(why) = outcome else { panic!("{name} on {flaw:?}: {outcome:?}") };
        println!("{flaw:?}: {name}: {why}");
    }
}

#[test]
fn timer_without_a_flaw_passes() {
    Suite::new().run_clause(Clause::C12, || subject(Flaw::None)).assert_passed();
}

#[test]
fn ends_a_millisecond_early() {
    is_caught(Flaw::EndsEarly, &["sleeps_never_end_early"]);
}

#[test]
fn takes_any_poll_for_the_end() {
    is_caught(Flaw::EndsAtTheSecondPoll, &["timeout_in_a_timeout", "timeouts_in_tasks"]);
}

#[test]
fn ignores_resets() {
    is_caught(
        Flaw::IgnoresReset,
        &[
            "sleep_reset_to_earlier",
            "sleep_reset_before_its_first_poll",
            "sleep_reset_after_its_end",
            "interval_ticks_at_once_and_then_on_schedule",
        ],
    );
}

#[test]
fn keeps_the_first_waker() {
    is_caught(Flaw::KeepsTheFirstWaker, &["sleep_wakes_the_last_waker"]);
}

#[test]
fn panics_on_the_last_instants() {
    is_caught(Flaw::PanicsOnTheLastInstants, &["sleep_forever", "timeout_forever"]);
}

#[test]
fn takes_an_hour_for_never() {
    is_caught(Flaw::TakesLongForNever, &["sleep_forever"]);
}

#[test]
fn leaves_dropped_sleeps_behind() {
    is_caught(
        Flaw::LeavesDroppedSleepsBehind,
        &["sleep_that_is_dropped_leaves_nothing", "timeout_that_is_dropped_leaves_nothing"],
    );
}

#[test]
fn keeps_its_first_deadline_registered() {
    is_caught(Flaw::KeepsItsFirstDeadline, &["sleep_wakes_the_last_waker"]);
}

#[test]
fn forgets_every_thousandth() {
    is_caught(Flaw::ForgetsEveryThousandth, &["many_sleeps"]);
}
