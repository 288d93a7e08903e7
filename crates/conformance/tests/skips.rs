//! A case that is skipped is not a case that passed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use async_runtime_compat::FnSpawner;
use async_runtime_compat_conformance::{CaseResult, Clause, Subject, Suite, run_as_test};

fn dropping() -> Subject {
    Subject::new(FnSpawner::new(drop))
}

/// The message with which a test of this case fails.
fn fails(case: &str, make: fn() -> Subject) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| run_as_test(case, make))).unwrap_err();
    *panic.downcast::<String>().unwrap()
}

#[test]
fn report_says_what_was_skipped_and_why() {
    let report = Suite::new().run_clause(Clause::C12, dropping);
    report.assert_passed();
    assert_eq!(report.skipped().len(), report.outcomes().count());
    let (_, outcome) = report.outcomes().next().unwrap();
    assert_eq!(*outcome, CaseResult::Skipped("the subject has no timer".to_owned()));
    assert!(report.to_string().contains("skipped C12"), "{report}");
}

#[test]
fn skip_that_is_not_declared_fails_a_test() {
    let message = fails("c12::sleep_in_tasks", dropping);
    assert!(message.contains("`c12::sleep_in_tasks` was skipped"), "{message}");
    assert!(message.contains("the subject has no timer"), "{message}");
    let message = fails("c12::sleep_in_tasks", || dropping().skips(["c5", "c12::many_sleeps"]));
    assert!(message.contains("was skipped"), "{message}");
}

#[test]
fn skip_that_is_declared_passes() {
    run_as_test("c12::sleep_in_tasks", || dropping().skips(["c12"]));
    run_as_test("c12::sleep_in_tasks", || dropping().skips(["c5", "c12::sleep_in_tasks"]));
}

#[test]
fn declared_case_that_is_not_skipped_fails_a_test() {
    let message = fails("c5::spawn_after_shutdown", || dropping().on_shutdown(|| ()).skips(["c5"]));
    assert!(message.contains("but was not skipped"), "{message}");
}

#[test]
fn case_that_does_not_exist_fails_a_test() {
    let message = fails("c5::no_such_case", dropping);
    assert!(message.contains("no case `c5::no_such_case`"), "{message}");
}
