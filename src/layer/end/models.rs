//! An abort and the end of a task, at once.

use loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use loom::thread;

use super::*;
use crate::sync::models::check;

/// What a task asks in the race with an abort.
const ASKS: [fn(&EndState) -> bool; 2] = [EndState::is_aborted, |state| !state.end()];

/// A task that sees the abort sees what was done before it, however it asks.
#[test]
fn an_aborted_task_sees_why() {
    for is_aborted in ASKS {
        check(move || {
            let (state, data) = (EndState::default(), Arc::new(AtomicUsize::new(0)));
            let aborter = thread::spawn({
                let (state, data) = (state.clone(), data.clone());
                move || {
                    data.store(1, Relaxed);
                    state.abort();
                }
            });
            if is_aborted(&state) {
                assert_eq!(data.load(Relaxed), 1);
            }
            aborter.join().expect("it does not panic");
        });
    }
}

/// Exactly one of them decides, and both know which.
#[test]
fn an_abort_or_the_end_decides() {
    check(|| {
        let state = EndState::default();
        let aborters = [(); 2].map(|()| {
            let state = state.clone();
            thread::spawn(move || state.abort())
        });
        let ended = state.end();
        assert_eq!(state.is_aborted(), !ended);
        for aborter in aborters {
            assert_eq!(aborter.join().expect("it does not panic"), !ended);
        }
        assert_eq!((state.end(), state.abort()), (ended, !ended));
    });
}
