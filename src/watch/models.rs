//! Changes, and who waits for them, on two threads.

use std::future::Future;
use std::pin::pin;
use std::task::Context;

use loom::thread;

use super::*;
use crate::sync::models::{Bell, block_on, check, check_bounded};

/// Each change wakes who waits for it, and the last state is seen.
#[test]
fn the_last_change_is_seen() {
    check_bounded(2, || {
        let sender = WatchSender::new(0);
        let watches = [sender.watch(), sender.watch()];
        let other = thread::spawn(move || {
            sender.set(1);
            sender.set(2);
        });
        for mut watch in watches {
            let mut last = 0;
            while let Some(state) = block_on(watch.changed()) {
                assert!(state > last);
                last = state;
            }
            assert_eq!((last, watch.state()), (2, 2));
        }
        other.join().expect("it does not panic");
    });
}

/// A wait that is dropped leaves nothing, whether it was woken or not.
#[test]
fn a_dropped_wait_leaves_nothing() {
    check(|| {
        let sender = WatchSender::new(0);
        let mut watch = sender.watch();
        let other = thread::spawn(move || {
            sender.set(1);
            sender
        });
        let bell = Bell::new();
        let waker = bell.clone().into();
        let is_ready = {
            let wait = pin!(watch.changed());
            wait.poll(&mut Context::from_waker(&waker)).is_ready()
        };
        let sender = other.join().expect("it does not panic");
        assert!(!sender.shared.lock().waiting.is_waiting());
        drop(sender);
        let next = block_on(watch.changed());
        assert_eq!(next, if is_ready { None } else { Some(1) });
    });
}
