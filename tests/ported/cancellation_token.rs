//! tokio-util's `tests/sync_cancellation_token.rs`.

use std::future::{Future, pending};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use async_channel::bounded;
use async_runtime_compat::CancelToken;
use static_assertions::assert_impl_all;

use crate::counted::{Wakes, poll_with};

assert_impl_all!(CancelToken: Send, Sync);
assert_impl_all!(async_runtime_compat::Cancelled: Send, Sync);

#[test]
fn cancelled_wakes_and_stays_ready() {
    let (token, wakes) = (CancelToken::new(), Arc::<Wakes>::default());
    let waker = Waker::from(wakes.clone());
    let (mut polled, mut unpolled) = (token.cancelled(), token.cancelled());
    assert!(poll_with(&mut polled, &waker).is_pending());
    assert_eq!(wakes.count(), 0);
    assert!(!token.is_cancelled());
    token.cancel();
    assert_eq!(wakes.count(), 1);
    assert!(token.is_cancelled());
    assert!(poll_with(&mut polled, &waker).is_ready());
    assert!(poll_with(&mut unpolled, &waker).is_ready());
}

#[test]
fn cancelled_outlives_its_token() {
    let (token, wakes) = (CancelToken::new(), Arc::<Wakes>::default());
    let waker = Waker::from(wakes.clone());
    let mut cancelled = token.clone().cancelled();
    assert!(poll_with(&mut cancelled, &waker).is_pending());
    let moved = std::thread::spawn(move || {
        token.cancel();
        drop(token);
    });
    moved.join().unwrap();
    assert_eq!(wakes.count(), 1);
    assert!(poll_with(&mut cancelled, &waker).is_ready());
}

#[test]
fn dropped_future_is_not_woken() {
    let (token, wakes) = (CancelToken::new(), Arc::<Wakes>::default());
    let mut cancelled = token.cancelled();
    assert!(poll_with(&mut cancelled, &Waker::from(wakes.clone())).is_pending());
    drop(cancelled);
    assert_eq!(Arc::strong_count(&wakes), 1, "its waker is released");
    token.cancel();
    assert_eq!(wakes.count(), 0);
}

/// Checks that cancelling the first cancels the second.
fn reaches(above: &CancelToken, below: &CancelToken) {
    let wakes = Arc::<Wakes>::default();
    let waker = Waker::from(wakes.clone());
    let mut both = [above.cancelled(), below.cancelled()];
    assert!(both.iter_mut().all(|cancelled| poll_with(cancelled, &waker).is_pending()));
    assert_eq!(wakes.count(), 0);
    above.cancel();
    assert_eq!(wakes.count(), 2);
    assert!(above.is_cancelled() && below.is_cancelled());
    assert!(both.iter_mut().all(|cancelled| poll_with(cancelled, &waker).is_ready()));
}

#[test]
fn parent_cancels_its_child() {
    let token = CancelToken::new();
    reaches(&token, &token.child_token());
}

#[test]
fn parent_cancels_a_grandchild_whose_parent_is_gone() {
    let token = CancelToken::new();
    let child = token.child_token();
    let grandchild = child.child_token();
    drop(child);
    reaches(&token, &grandchild);
}

#[test]
fn child_does_not_cancel_its_parent() {
    let (token, wakes) = (CancelToken::new(), Arc::<Wakes>::default());
    let waker = Waker::from(wakes.clone());
    let first = token.child_token();
    let (mut of_first, mut of_token) = (first.cancelled(), token.cancelled());
    assert!(poll_with(&mut of_first, &waker).is_pending());
    assert!(poll_with(&mut of_token, &waker).is_pending());
    first.cancel();
    assert_eq!(wakes.count(), 1);
    assert!(first.is_cancelled() && !token.is_cancelled());
    assert!(poll_with(&mut of_first, &waker).is_ready());
    assert!(poll_with(&mut of_token, &waker).is_pending());

    // A later child is a child all the same.
    let second = token.child_token();
    let mut of_second = second.cancelled();
    assert!(poll_with(&mut of_second, &waker).is_pending());
    token.cancel();
    assert_eq!(wakes.count(), 3);
    assert!(poll_with(&mut of_second, &waker).is_ready());
    assert!(poll_with(&mut of_token, &waker).is_ready());
}

#[test]
fn child_of_a_cancelled_token_is_cancelled() {
    for child_first in [true, false] {
        let token = CancelToken::new();
        token.cancel();
        let child = token.child_token();
        assert!(child.is_cancelled());
        assert!(poll_with(&mut child.cancelled(), Waker::noop()).is_ready());
        if child_first {
            drop(child);
            drop(token);
        } else {
            drop(token);
            assert!(child.is_cancelled());
        }
    }
}

#[test]
fn children_are_dropped_in_any_order() {
    for forwards in [true, false] {
        let token = CancelToken::new();
        let mut children: Vec<_> = (0..3).map(|_| token.child_token()).collect();
        while !children.is_empty() {
            drop(if forwards { children.remove(0) } else { children.pop().unwrap() });
            assert!(!token.is_cancelled());
            assert!(children.iter().all(|child| !child.is_cancelled()));
        }
    }
}

#[test]
fn all_descendants_and_nobody_else_are_cancelled() {
    let (top, wakes) = (CancelToken::new(), Arc::<Wakes>::default());
    let waker = Waker::from(wakes.clone());
    let (token, sibling) = (top.child_token(), top.child_token());
    let children = [token.child_token(), token.child_token()];
    let grandchildren = [children[0].child_token(), children[0].child_token()];
    let last = grandchildren[0].child_token();

    let below: Vec<_> =
        [&token, &last].into_iter().chain(&children).chain(&grandchildren).collect();
    let others = [&top, &sibling];
    let mut futures: Vec<_> = below.iter().chain(&others).map(|token| token.cancelled()).collect();
    assert!(futures.iter_mut().all(|cancelled| poll_with(cancelled, &waker).is_pending()));

    token.cancel();
    assert_eq!(wakes.count(), 6);
    assert!(below.iter().all(|token| token.is_cancelled()));
    assert!(others.iter().all(|token| !token.is_cancelled()));
    assert!(futures[..6].iter_mut().all(|cancelled| poll_with(cancelled, &waker).is_ready()));
    assert_eq!(wakes.count(), 6);
}

#[test]
fn dropped_parent_does_not_cancel_its_children() {
    let token = CancelToken::new();
    let children = [token.child_token(), token.child_token()];
    drop(token);
    assert!(children.iter().all(|child| !child.is_cancelled()));
    children[0].cancel();
    assert!(!children[1].is_cancelled());
}

fn poll_pinned<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn run_until_cancelled_is_cut_short() {
    let token = CancelToken::new();
    // It owns what it waits for, so that the token may go.
    let mut cut = pin!(token.clone().run_until_cancelled(pending::<()>()));
    assert!(poll_pinned(cut.as_mut()).is_pending());
    token.cancel();
    drop(token);
    assert_eq!(poll_pinned(cut), Poll::Ready(None));
}

#[test]
fn run_until_cancelled_returns_the_output() {
    let token = CancelToken::new();
    let (send, receive) = bounded(1);
    let mut whole = pin!(token.run_until_cancelled(async move { receive.recv().await.unwrap() }));
    assert!(poll_pinned(whole.as_mut()).is_pending());
    send.try_send(42).unwrap();
    assert_eq!(poll_pinned(whole), Poll::Ready(Some(42)));
}

#[test]
fn run_until_cancelled_does_not_poll_when_already_cancelled() {
    let token = CancelToken::new();
    let unpolled =
        pin!(token.run_until_cancelled(async { panic!("polled after the cancellation") }));
    token.cancel();
    assert!(matches!(poll_pinned(unpolled), Poll::Ready(None::<()>)));
}

#[test]
fn clones_are_equal_and_others_are_not() {
    let token = CancelToken::new();
    assert_eq!(token, token.clone());
    assert_ne!(token, token.child_token());
    assert_ne!(token, CancelToken::new());
}

#[test]
fn clones_hash_alike_and_others_do_not() {
    let hash = |token: &CancelToken| {
        let mut hasher = DefaultHasher::new();
        token.hash(&mut hasher);
        hasher.finish()
    };
    let token = CancelToken::new();
    assert_eq!(hash(&token), hash(&token.clone()));
    assert_ne!(hash(&token), hash(&token.child_token()));
    assert_ne!(hash(&token), hash(&CancelToken::new()));
}
