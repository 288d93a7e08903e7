//! A watched state with its writing half, across threads.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use async_runtime_compat::{Watch, WatchSender};
use futures_lite::future::block_on;

use crate::support::{Event, poll_once};

#[test]
fn readers_on_other_threads_see_the_last_state_and_never_an_older_one() {
    const LAST: u64 = 20_000;
    let sender = WatchSender::new(0_u64);
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let mut watch = sender.watch();
            thread::spawn(move || {
                block_on(async {
                    let (mut last, mut seen) = (0, 0);
                    while let Some(state) = watch.changed().await {
                        assert!(state > last, "{state} after {last}");
                        last = state;
                        seen += 1;
                    }
                    (last, seen)
                })
            })
        })
        .collect();
    for state in 1..=LAST {
        sender.set(state);
    }
    drop(sender);
    for reader in readers {
        let (last, seen) = reader.join().unwrap();
        assert_eq!(last, LAST);
        assert!(seen >= 1);
    }
}

#[test]
fn writers_on_several_threads() {
    const WRITERS: usize = 4;
    const EACH: usize = 2_000;
    let sender = Arc::new(WatchSender::new([0_usize; WRITERS]));
    let mut watch = sender.watch();
    // Each sets its own number, from the state that the others may have replaced meanwhile.
    let lock = Arc::new(Mutex::new(()));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (sender, lock) = (sender.clone(), lock.clone());
            thread::spawn(move || {
                for number in 1..=EACH {
                    let locked = lock.lock().unwrap();
                    let mut state = sender.state();
                    state[writer] = number;
                    let change = sender.replace(state);
                    drop(locked);
                    change.announce();
                }
            })
        })
        .collect();
    let reader = thread::spawn(move || {
        block_on(watch.wait_for(|state| state.iter().sum::<usize>() == WRITERS * EACH))
    });
    for writer in writers {
        writer.join().unwrap();
    }
    assert_eq!(reader.join().unwrap(), Some([EACH; WRITERS]));
}

/// Counts, and takes the lock that the writer has.
struct TakesLock {
    lock: Arc<Mutex<()>>,
    woken: AtomicUsize,
}

impl Wake for TakesLock {
    fn wake(self: Arc<Self>) {
        drop(self.lock.try_lock().expect("nobody wakes under the writer's lock"));
        self.woken.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn changes_are_announced_when_the_writer_says_so() {
    let lock = Arc::new(Mutex::new(()));
    let waiter = Arc::new(TakesLock { lock: lock.clone(), woken: AtomicUsize::new(0) });
    let woken = || waiter.woken.load(Ordering::Relaxed);
    let waker = Waker::from(waiter.clone());
    let mut cx = Context::from_waker(&waker);
    let sender = WatchSender::new("first");
    let mut watch = sender.watch();
    let mut changed = pin!(watch.changed());
    assert!(changed.as_mut().poll(&mut cx).is_pending());

    let locked = lock.lock().unwrap();
    let change = sender.replace("second");
    assert_eq!((woken(), sender.state()), (0, "second"), "it is set, and nobody was woken");
    drop(locked);
    change.announce();
    assert_eq!(woken(), 1);
    assert_eq!(changed.as_mut().poll(&mut cx), Poll::Ready(Some("second")));

    let mut watch = sender.watch();
    let mut changed = pin!(watch.changed());
    assert!(changed.as_mut().poll(&mut cx).is_pending());
    drop(sender.replace("third"));
    assert_eq!(woken(), 2, "dropping the change announces it");
    assert_eq!(changed.as_mut().poll(&mut cx), Poll::Ready(Some("third")));
}

#[test]
fn the_end_of_the_writer_wakes_those_who_wait() {
    let sender = WatchSender::new(1);
    let waiters: Vec<_> = (0..4)
        .map(|_| {
            let mut watch = sender.watch();
            let waits = Event::new();
            let waiting = waits.clone();
            let waiter = thread::spawn(move || {
                let mut first = true;
                block_on(watch.wait_for(|_| {
                    if std::mem::take(&mut first) {
                        waits.set();
                    }
                    false
                }))
            });
            waiting.wait();
            waiter
        })
        .collect();
    drop(sender);
    for waiter in waiters {
        assert_eq!(waiter.join().unwrap(), None);
    }
}

#[test]
fn what_was_set_last_outlives_the_writer() {
    let sender = WatchSender::new(1);
    let (mut late, seen) = (sender.watch(), sender.watch());
    sender.set(2);
    drop(sender);
    assert_eq!((late.state(), seen.state()), (2, 2));
    assert_eq!(block_on(late.changed()), Some(2), "it has not been given yet");
    assert_eq!(block_on(late.changed()), None);
    let mut clone: Watch<i32> = seen.clone();
    assert_eq!(block_on(clone.wait_for(|state| *state == 2)), Some(2));
    assert_eq!(block_on(clone.wait_for(|state| *state == 1)), None);
}

#[test]
fn equal_states_are_changes_and_skipped_ones_are_not_seen() {
    let sender = WatchSender::new(1);
    let mut watch = sender.watch();
    assert!(poll_once(pin!(watch.changed())).is_pending());
    sender.set(1);
    assert_eq!(poll_once(pin!(watch.changed())), Poll::Ready(Some(1)));
    sender.set(2);
    sender.set(3);
    assert_eq!(poll_once(pin!(watch.changed())), Poll::Ready(Some(3)));
    assert!(poll_once(pin!(watch.changed())).is_pending());
}
