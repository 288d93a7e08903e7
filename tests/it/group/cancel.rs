//! Tokens.

use std::collections::HashMap;
use std::future::pending;
use std::thread;

use async_runtime_compat::{CancelToken, yield_now};
use futures_lite::future::block_on;

use super::poll;

#[test]
fn parents_cancel_children_and_not_the_reverse() {
    let root = CancelToken::new();
    let (left, right) = (root.child_token(), root.child_token());
    let leaf = left.child_token();
    left.cancel();
    left.cancel();
    assert!(left.is_cancelled() && leaf.is_cancelled());
    assert!(!root.is_cancelled() && !right.is_cancelled());
    root.clone().cancel();
    assert!(root.is_cancelled() && right.is_cancelled());
    assert!(root.child_token().is_cancelled());
    assert!(root == root.clone() && left != right);
}

#[test]
#[expect(clippy::mutable_key_type, reason = "the hash of a token does not depend on its state")]
fn tokens_are_keys_by_identity() {
    let root = CancelToken::new();
    let (left, right) = (root.child_token(), root.child_token());
    let mut names = HashMap::from([(root.clone(), "root"), (left.clone(), "left")]);
    assert_eq!(names.insert(left.clone(), "left again"), Some("left"));
    assert_eq!(names.get(&right), None);
    // Neither a cancellation nor the drop of the other clones changes the key.
    root.cancel();
    assert_eq!(names.get(&left.clone()), Some(&"left again"));
    assert_eq!(names.get(&root), Some(&"root"));
    // Two cancelled children of one token are not the same either.
    names.insert(right, "right");
    assert_eq!((names.len(), names.remove(&left)), (3, Some("left again")));
}

#[test]
fn waits_end_with_the_cancellation_and_stay_ready() {
    let token = CancelToken::new();
    let (mut first, mut second) = (token.cancelled(), token.child_token().cancelled());
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    let thread = thread::spawn({
        let token = token.clone();
        move || block_on(token.cancelled())
    });
    token.cancel();
    thread.join().unwrap();
    for _ in 0..2 {
        assert!(poll(&mut first).is_ready() && poll(&mut second).is_ready());
    }
}

#[test]
fn dropping_cancels_only_if_asked_to() {
    let token = CancelToken::new();
    drop(token.clone());
    drop(token.child_token());
    drop(token.clone().cancel_on_drop().into_token());
    assert!(!token.is_cancelled());
    drop(token.clone().cancel_on_drop());
    assert!(token.is_cancelled());
}

#[test]
fn run_until_cancelled_prefers_the_future_but_for_the_first_poll() {
    let token = CancelToken::new();
    block_on(async {
        assert_eq!(token.run_until_cancelled(async { 7 }).await, Some(7));
        let cancels_and_completes = async {
            yield_now().await;
            token.cancel();
            7
        };
        assert_eq!(token.run_until_cancelled(cancels_and_completes).await, Some(7));
        assert_eq!(token.run_until_cancelled(async { 7 }).await, None);
        let token = CancelToken::new();
        let canceller = token.clone();
        let thread = thread::spawn(move || canceller.cancel());
        assert_eq!(token.run_until_cancelled(pending::<()>()).await, None);
        thread.join().unwrap();
    });
}

#[test]
fn cancelling_races_with_those_who_begin_to_wait() {
    let (give, take) = std::sync::mpsc::sync_channel::<CancelToken>(0);
    let cancels = thread::spawn(move || {
        for (round, token) in take.into_iter().enumerate() {
            for _ in 0..round % 64 {
                std::hint::spin_loop();
            }
            token.cancel();
        }
    });
    for _ in 0..50_000 {
        let token = CancelToken::new();
        give.send(token.clone()).unwrap();
        block_on(token.cancelled());
    }
    drop(give);
    cancels.join().unwrap();
}

#[test]
fn cancelling_races_with_children_that_come_and_go() {
    for _ in 0..50 {
        let root = CancelToken::new();
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut kept = Vec::new();
                    while !root.is_cancelled() {
                        let child = root.child_token();
                        kept.push(child.child_token().cancelled());
                        if kept.len() > 20 {
                            kept.clear();
                        }
                    }
                    for wait in kept {
                        block_on(wait);
                    }
                });
            }
            thread::yield_now();
            root.cancel();
        });
        block_on(root.child_token().cancelled());
    }
}

#[test]
fn run_until_cancelled_takes_a_future_by_reference_in_a_task() {
    fn is_send<F: Send>(future: F) -> F {
        future
    }
    let token = CancelToken::new();
    let serve = is_send(async {
        // As a connection, which is told to shut down and then awaited on.
        let mut connection = std::pin::pin!(async { yield_now().await });
        token.cancel();
        let cut_off = token.run_until_cancelled(connection.as_mut()).await;
        (cut_off, connection.await)
    });
    assert_eq!(block_on(serve), (None, ()));
}
