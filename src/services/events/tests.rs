//! Room, and who gets it.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::*;

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

fn next<E>(events: &mut Events<E>) -> Poll<Option<E>> {
    events.channel.poll_next(Waker::noop())
}

#[test]
fn capacity_is_what_holds_however_many_emit() {
    for (capacity, room) in [(0, 1), (1, 1), (3, 3)] {
        let (emitter, events) = channel(capacity);
        let clones: Vec<_> = (0..10).map(|_| emitter.clone()).collect();
        let mut waits: Vec<_> = clones.iter().map(|clone| clone.emit(())).collect();
        let ready = waits.iter_mut().filter_map(|wait| match poll(wait) {
            Poll::Ready(emitted) => Some(emitted),
            Poll::Pending => None,
        });
        assert_eq!(ready.collect::<Vec<_>>(), vec![true; room]);
        assert!(emitter.try_emit(()).unwrap_err().is_full());
        assert_eq!(events.channel.counts(), (room, 10 - room));
    }
}

#[test]
fn room_goes_to_those_who_wait_in_their_order() {
    let (emitter, mut events) = channel(1);
    emitter.try_emit(0).unwrap();
    let (mut first, mut second) = (emitter.emit(1), emitter.emit(2));
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    assert_eq!(next(&mut events), Poll::Ready(Some(0)));
    // It belongs to the first one, who has not been polled yet.
    assert!(emitter.try_emit(3).unwrap_err().is_full());
    assert!(poll(&mut second).is_pending());
    assert_eq!(next(&mut events), Poll::Pending);
    assert_eq!(poll(&mut first), Poll::Ready(true));
    assert_eq!(next(&mut events), Poll::Ready(Some(1)));
    assert_eq!(poll(&mut second), Poll::Ready(true));
    assert_eq!(next(&mut events), Poll::Ready(Some(2)));
    assert_eq!(events.channel.counts(), (0, 0));
}

#[test]
fn room_of_one_who_gives_up_goes_to_the_next() {
    let (emitter, mut events) = channel(1);
    emitter.try_emit(0).unwrap();
    let (mut first, mut second) = (emitter.emit(1), emitter.emit(2));
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    assert_eq!(next(&mut events), Poll::Ready(Some(0)));
    drop(first);
    assert_eq!(poll(&mut second), Poll::Ready(true), "the room is lost");
    assert_eq!(next(&mut events), Poll::Ready(Some(2)));

    // Nobody else waits: it is anybody's.
    emitter.try_emit(3).unwrap();
    let mut waits = emitter.emit(4);
    assert!(poll(&mut waits).is_pending());
    assert_eq!(next(&mut events), Poll::Ready(Some(3)));
    drop(waits);
    emitter.try_emit(5).unwrap();
    assert_eq!(next(&mut events), Poll::Ready(Some(5)));
}

#[test]
fn waits_that_are_dropped_leave_nothing_behind() {
    let (emitter, mut events) = channel(1);
    emitter.try_emit(0).unwrap();
    for _ in 0..1000 {
        let mut wait = emitter.emit(1);
        assert!(poll(&mut wait).is_pending());
        assert!(poll(&mut wait).is_pending());
    }
    assert_eq!(events.channel.counts(), (1, 0));
    assert_eq!(next(&mut events), Poll::Ready(Some(0)));
    assert_eq!(next(&mut events), Poll::Pending);
}

#[test]
fn consumer_that_goes_away_releases_those_who_wait() {
    let (emitter, events) = channel(1);
    let kept = Arc::new(());
    emitter.try_emit(kept.clone()).unwrap();
    let mut wait = emitter.emit(kept.clone());
    assert!(poll(&mut wait).is_pending());
    drop(events);
    assert_eq!(poll(&mut wait), Poll::Ready(false));
    let mut late = emitter.emit(kept.clone());
    assert_eq!(poll(&mut late), Poll::Ready(false));
    let error = emitter.try_emit(kept.clone()).unwrap_err();
    assert!(error.is_closed() && !error.is_full());
    drop(error.into_event());
    assert_eq!(Arc::strong_count(&kept), 1, "an event that nobody reads is kept");
}

#[test]
fn what_was_emitted_is_read_after_the_end() {
    let (emitter, mut events) = channel(2);
    let clone = emitter.clone();
    emitter.try_emit(1).unwrap();
    drop(emitter);
    clone.try_emit(2).unwrap();
    clone.close();
    assert!(clone.try_emit(3).unwrap_err().is_closed());
    assert_eq!(next(&mut events), Poll::Ready(Some(1)));
    assert_eq!(next(&mut events), Poll::Ready(Some(2)));
    assert_eq!(next(&mut events), Poll::Ready(None));

    let (emitter, mut events) = channel::<u8>(1);
    assert_eq!(next(&mut events), Poll::Pending);
    drop(emitter);
    assert_eq!(next(&mut events), Poll::Ready(None), "the last emitter is gone");
}
