//! What the tree keeps, and what it does not.

use std::pin::Pin;
use std::task::{Context, Waker};

use crate::cancel::CancelToken;

#[test]
fn million_children_that_are_dropped_leave_nothing_behind() {
    let token = CancelToken::new();
    let kept = token.child_token();
    for _ in 0..1000 {
        let children: Vec<_> = (0..1000).map(|_| token.child_token()).collect();
        assert_eq!(token.node.counts().0, 1001);
        drop(children);
    }
    assert_eq!(token.node.counts(), (1, 0));
    token.cancel();
    assert!(kept.is_cancelled());
    assert_eq!(token.node.counts(), (0, 0));
}

#[test]
fn waits_that_are_dropped_leave_nothing_behind() {
    let token = CancelToken::new();
    let mut cx = Context::from_waker(Waker::noop());
    let mut waits: Vec<_> = (0..1000).map(|_| token.cancelled()).collect();
    for wait in &mut waits {
        assert!(Pin::new(&mut *wait).poll(&mut cx).is_pending());
        assert!(Pin::new(wait).poll(&mut cx).is_pending());
    }
    assert_eq!(token.node.counts(), (0, 1000));
    drop(waits);
    assert_eq!(token.node.counts(), (0, 0));
}

#[test]
fn tree_deeper_than_the_stack_is_cancelled_and_dropped() {
    for drop_first in [true, false] {
        let root = CancelToken::new();
        let mut tokens = vec![root.clone()];
        for depth in 0..200_000 {
            tokens.push(tokens[depth].child_token());
        }
        let last = tokens.pop().unwrap();
        if drop_first {
            tokens.clear();
        }
        root.cancel();
        assert!(last.is_cancelled());
        drop(root);
        drop(last);
    }
}

#[test]
fn token_in_the_middle_that_nobody_has_passes_on_what_comes_from_above() {
    let root = CancelToken::new();
    let leaf = root.child_token().child_token();
    assert!(!leaf.is_cancelled());
    root.cancel();
    assert!(leaf.is_cancelled());
    drop(root);
    assert!(leaf.child_token().is_cancelled());
}
