//! What a watch sees, and what it leaves.

use std::pin::pin;
use std::task::Context;

use super::*;

fn poll<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn last_state_is_the_one_that_is_seen() {
    let watched = WatchSender::new(0);
    let mut watch = watched.watch();
    assert_eq!(poll(watch.changed()), Poll::Pending);
    watched.set(1);
    watched.set(2);
    let mut behind = watch.clone();
    assert_eq!(poll(watch.changed()), Poll::Ready(Some(2)));
    assert_eq!(poll(watch.changed()), Poll::Pending);
    assert_eq!(poll(behind.wait_for(|state| *state == 1)), Poll::Pending);
    assert_eq!(poll(behind.wait_for(|state| *state == 2)), Poll::Ready(Some(2)));
    watched.set(2);
    assert_eq!(poll(watch.changed()), Poll::Ready(Some(2)), "it was set again");
}

#[test]
fn what_was_set_last_is_seen_also_when_nobody_can_set_it_any_more() {
    let watched = WatchSender::new(0);
    let mut watch = watched.watch();
    watched.set(1);
    drop(watched);
    assert_eq!(poll(watch.changed()), Poll::Ready(Some(1)));
    assert_eq!(poll(watch.changed()), Poll::Ready(None));
    assert_eq!(poll(watch.wait_for(|state| *state == 1)), Poll::Ready(Some(1)));
    assert_eq!(poll(watch.wait_for(|state| *state == 2)), Poll::Ready(None));
    assert_eq!(watch.state(), 1);
}

#[test]
fn waits_that_are_dropped_leave_nothing_behind() {
    let watched = WatchSender::new(0);
    let mut watches: Vec<_> = (0..1000).map(|_| watched.watch()).collect();
    let mut cx = Context::from_waker(Waker::noop());
    let mut waits: Vec<_> = watches.iter_mut().map(|watch| Box::pin(watch.changed())).collect();
    for wait in &mut waits {
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        assert!(wait.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!(watched.shared.lock().waiting.len(), 1000);
    drop(waits);
    assert_eq!(watched.shared.lock().waiting.len(), 0);
}
