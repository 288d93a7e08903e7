//! The checks that no spawner can fail, on broken handles.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::{join, names};
use crate::kit::Stop;

/// A resolved join, and what it does when it is polled again.
struct Again(fn() -> Poll<()>);

impl Future for Again {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        (self.0)()
    }
}

#[test]
fn c10_catches_handles_that_do_not_panic() {
    let caught = |again| match join::panics_when_polled_again(&mut Again(again)) {
        Err(Stop::Failed(why)) => why,
        other => panic!("not caught: {other:?}"),
    };
    assert!(caught(|| Poll::Ready(())).contains("a second time"));
    assert!(caught(|| Poll::Pending).contains("is pending"));
    assert!(caught(|| panic!("oops")).contains("an unclear message: oops"));
}

#[test]
fn c14_catches_reports_that_name_nothing() {
    let place = Location::caller();
    let unnamed = format!("task spawned at {place} panicked: a message");
    let unplaced = "task 'conn-7' panicked: a message";
    assert!(names::names(&unnamed, Some("conn-7"), place).is_err());
    assert!(names::names(&unplaced, Some("conn-7"), place).is_err());
    assert!(names::names(&unnamed, None, place).is_ok());
}
