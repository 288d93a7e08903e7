//! An executor is told of the panics of its tasks, and may keep them from ending.

use std::future::pending;
use std::panic::resume_unwind;
use std::task::Poll;

use async_runtime_compat::prelude::*;
use async_runtime_compat::{BoxFuture, SpawnMeta};
use futures_lite::future::block_on;

use super::Told;
use crate::support::{Event, Queue, SetOnDrop, poll_once, polls, quiet_panic};

/// Polls the task as the executor of the context would.
fn poll_in(told: &Told, task: &mut BoxFuture<'static, ()>) -> Poll<()> {
    let _entered = told.enter();
    poll_once(task)
}

#[expect(clippy::unnecessary_wraps, reason = "a message is an `Option`")]
fn panics() -> Option<String> {
    Some("on purpose".to_owned())
}

#[test]
fn panic_that_a_join_hands_out_is_seen() {
    let (queue, told) = (Queue::default(), Told::new());
    let join = queue.spawn_with_handle(async { quiet_panic("on purpose") });
    let mut task = queue.take();
    assert_eq!(poll_in(&told, &mut task), Poll::Ready(()));
    assert_eq!(told.panics.take(), [panics()], "told in the poll");
    let error = block_on(join).unwrap_err();
    assert_eq!(error.panic_message(), panics());
    // The join has handed it out, and what becomes of it is the joiner's business.
    drop(error);
    drop(task);
    assert_eq!(told.unseen.take(), []);
}

#[test]
fn panic_whose_handle_was_dropped_is_unseen() {
    let (queue, told) = (Queue::default(), Told::new());
    drop(queue.spawn_with_handle(async {
        polls(1).await;
        quiet_panic("on purpose");
    }));
    let mut task = queue.take();
    assert!(poll_in(&told, &mut task).is_pending());
    assert_eq!(told.panics.take(), []);
    assert!(poll_in(&told, &mut task).is_ready());
    assert_eq!(told.panics.take(), [panics()]);
    assert_eq!(told.unseen.take(), [panics()], "the handle was gone before the panic");

    let join = queue.spawn_with_handle(async { quiet_panic("on purpose") });
    assert!(poll_in(&told, &mut queue.take()).is_ready());
    assert_eq!(told.unseen.take(), [], "somebody may still join it");
    drop(join);
    assert_eq!(told.unseen.take(), [panics()], "the handle was dropped after the panic");

    queue.spawn_detached(async { quiet_panic("on purpose") });
    assert!(poll_in(&told, &mut queue.take()).is_ready());
    assert_eq!(told.unseen.take(), [panics()], "it never had a handle");
}

#[test]
fn panic_without_a_message() {
    let (queue, told) = (Queue::default(), Told::new());
    drop(queue.spawn_with_handle(async { resume_unwind(Box::new(7_u8)) }));
    assert!(poll_in(&told, &mut queue.take()).is_ready());
    assert_eq!(told.panics.take(), [None]);
    assert_eq!(told.unseen.take(), [None]);
}

#[test]
fn panics_that_no_task_of_the_core_had_are_not_told() {
    let (queue, told) = (Queue::default(), Told::new());
    drop(queue.spawn_with_handle(async {
        // Somebody catches it.
        let caught = std::panic::catch_unwind(|| quiet_panic("caught"));
        assert!(caught.is_err());
    }));
    assert!(poll_in(&told, &mut queue.take()).is_ready());
    queue.spawn_with(SpawnMeta::new(), Box::pin(async {}));
    assert!(poll_in(&told, &mut queue.take()).is_ready());
    assert_eq!(told.panics.take(), []);
}

#[test]
fn end_that_is_not_kept_is_left_to_the_executor() {
    let queue = Queue::default();
    let told = Told { keeps_end: false, ..Told::new() };
    let output_dropped = Event::new();
    let output = SetOnDrop(output_dropped.clone());
    let join = queue.spawn_with_handle(async move {
        polls(1).await;
        output
    });
    let mut task = queue.take();
    assert!(poll_in(&told, &mut task).is_pending());
    assert!(!output_dropped.is_set());
    assert!(poll_in(&told, &mut task).is_pending(), "its future is ready, and the task is not");
    assert!(output_dropped.is_set());
    assert!(!join.is_finished());
    drop(task);
    assert!(block_on(join).map(|_| ()).unwrap_err().is_shutdown());
}

#[test]
fn panic_that_is_not_kept_is_nobodys() {
    let queue = Queue::default();
    let told = Told { keeps_end: false, ..Told::new() };
    let join = queue.spawn_with_handle(async { quiet_panic("on purpose") });
    let mut task = queue.take();
    assert!(poll_in(&told, &mut task).is_pending());
    drop(task);
    assert!(block_on(join).unwrap_err().is_shutdown());

    queue.spawn_detached(async { quiet_panic("on purpose") });
    let mut task = queue.take();
    assert!(poll_in(&told, &mut task).is_pending());
    drop(task);
    assert_eq!((told.panics.take(), told.unseen.take()), (vec![], vec![]));
}

#[test]
fn aborted_task_is_the_handles_business() {
    let queue = Queue::default();
    let told = Told { keeps_end: false, ..Told::new() };
    let join = queue.spawn_with_handle(pending::<()>());
    let mut task = queue.take();
    assert!(poll_in(&told, &mut task).is_pending());
    join.abort();
    assert!(poll_in(&told, &mut task).is_ready());
    assert!(block_on(join).unwrap_err().is_cancelled());
}
