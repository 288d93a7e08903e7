//! tokio-util's `tests/task_join_queue.rs`.

use std::future::pending;
use std::task::{Context, Poll};

use async_runtime_compat::JoinQueue;
use async_runtime_compat::prelude::*;
use test_support::on_all_runtimes;
use test_support::runtimes::Running;

use super::{after, all_dropped, gate, signal};

on_all_runtimes! {
    the_end_of_the_first_task_wakes,
    a_dropped_queue_drops_each_future,
    spawns_and_joins_alternate,
    abort_all_keeps_the_outputs_of_completed_tasks,
    join_all_returns_the_outputs_in_order,
    join_all_returns_the_first_error_and_aborts_the_rest,
    shutdown_waits_until_all_are_dropped,
    handles_from_the_spawn_abort_single_tasks,
    try_join_next_looks_at_the_first_task_alone,
    try_join_next_does_not_replace_the_waker,
    futures_extend_a_queue,
}

fn the_end_of_the_first_task_wakes(running: &Running) {
    running.run(|runtime| async move {
        let mut queue = JoinQueue::new(runtime);
        let (open, opened) = gate();
        queue.spawn(after(opened, 42));
        let (waker, woken) = signal();
        let mut cx = Context::from_waker(&waker);
        assert!(queue.poll_join_next(&mut cx).is_pending());
        assert!(woken.is_empty(), "woken, and the task has not ended");
        drop(open);
        woken.recv().await.unwrap();
        let Poll::Ready(Some(result)) = queue.poll_join_next(&mut cx) else { panic!("no result") };
        assert_eq!(result.unwrap(), 42);
        assert!(woken.is_empty());
    });
}

fn a_dropped_queue_drops_each_future(running: &Running) {
    running.run(|runtime| async move {
        let mut queue = JoinQueue::<()>::new(runtime);
        let (owned, dropped) = gate();
        for _ in 0..16 {
            let owned = owned.clone();
            queue.spawn(async move {
                pending::<()>().await;
                drop(owned);
            });
        }
        drop((queue, owned));
        all_dropped(dropped).await;
    });
}

fn spawns_and_joins_alternate(running: &Running) {
    running.run(|runtime| async move {
        let mut queue = JoinQueue::new(runtime);
        queue.spawn(async {});
        queue.spawn(async {});
        for _ in 0..16 {
            assert_eq!(queue.len(), 2);
            queue.join_next().await.unwrap().unwrap();
            assert_eq!(queue.len(), 1);
            queue.spawn(async {});
        }
    });
}

fn abort_all_keeps_the_outputs_of_completed_tasks(running: &Running) {
    running.run(|runtime| async move {
        let mut queue = JoinQueue::new(runtime);
        let (open, opened) = gate();
        queue.spawn(after(opened, 7));
        for _ in 0..5 {
            queue.spawn(pending());
        }
        let (waker, woken) = signal();
        assert!(queue.poll_join_next(&mut Context::from_waker(&waker)).is_pending());
        drop(open);
        woken.recv().await.unwrap();
        queue.abort_all();
        assert_eq!(queue.len(), 6);
        assert_eq!(queue.join_next().await.unwrap().unwrap(), 7);
        for _ in 0..5 {
            assert!(queue.join_next().await.unwrap().unwrap_err().is_cancelled());
        }
        assert!(queue.is_empty() && queue.join_next().await.is_none());
    });
}

fn join_all_returns_the_outputs_in_order(running: &Running) {
    running.run(|runtime| async move {
        let mut queue = JoinQueue::new(runtime.clone());
        let mut ends = JoinGroup::new(runtime);
        let mut gates = vec![];
        for number in 0..5 {
            let (open, opened) = gate();
            let (ended, end) = gate();
            gates.push((open, end));
            queue.spawn(async move {
                let _ended = ended;
                after(opened, number).await
            });
        }
        // They end in reverse order.
        for (open, end) in gates.into_iter().rev() {
            drop(open);
            ends.spawn(async move { end.recv().await.is_err() });
            assert!(ends.join_next().await.unwrap().unwrap());
        }
        assert_eq!(queue.join_all().await.unwrap(), [0, 1, 2, 3, 4]);
    });
}

fn join_all_returns_the_first_error_and_aborts_the_rest(running: &Running) {
    running.run(|runtime| async move {
        let mut queue = JoinQueue::new(runtime);
        let (owned, dropped) = gate();
        queue.spawn(async {});
        queue.spawn(async { std::panic::resume_unwind(Box::new("why")) });
        queue.spawn(async move {
            pending::<()>().await;
            drop(owned);
        });
        let error = queue.join_all().await.unwrap_err();
        assert_eq!(error.panic_message().as_deref(), Some("why"));
        all_dropped(dropped).await;
    });
}

fn shutdown_waits_until_all_are_dropped(running: &Running) {
    running.run(|runtime| async move {
        let mut queue = JoinQueue::new(runtime);
        let (owned, dropped) = gate();
        for _ in 0..5 {
            let owned = owned.clone();
            queue.spawn(async move {
                pending::<()>().await;
                drop(owned);
            });
        }
        drop(owned);
        queue.shutdown().await;
        assert!(queue.is_empty());
        assert!(dropped.is_closed(), "a future outlives the shutdown");
    });
}

fn handles_from_the_spawn_abort_single_tasks(running: &Running) {
    running.run(|runtime| async move {
        let mut queue = JoinQueue::new(runtime);
        let (open, opened) = gate();
        for number in 0..16 {
            let abort = queue.spawn(after(opened.clone(), number)).abort_handle();
            if number % 2 != 0 {
                abort.abort();
            }
        }
        drop(open);
        for number in 0..16 {
            match queue.join_next().await.unwrap() {
                Ok(output) => assert!(number % 2 == 0 && output == number),
                Err(error) => assert!(number % 2 != 0 && error.is_cancelled()),
            }
        }
    });
}

/// Waits until the first task of the queue has ended.
async fn first_ended<T>(queue: &mut JoinQueue<T>) -> Result<T, JoinError> {
    loop {
        if let Some(result) = queue.try_join_next() {
            return result;
        }
        async_runtime_compat::yield_now().await;
    }
}

fn try_join_next_looks_at_the_first_task_alone(running: &Running) {
    fn finds_nothing(queue: &mut JoinQueue<usize>, tasks: usize) {
        for _ in 0..5 {
            assert!(queue.try_join_next().is_none());
            assert_eq!(queue.len(), tasks);
        }
    }

    running.run(|runtime| async move {
        let mut queue = JoinQueue::new(runtime);
        let mut gates = vec![];
        for number in 0..3 {
            let (open, opened) = gate();
            gates.push(open);
            queue.spawn(after(opened, number));
        }
        finds_nothing(&mut queue, 3);
        let third = gates.pop();
        let second = gates.pop();
        drop(gates.pop());
        assert_eq!(first_ended(&mut queue).await.unwrap(), 0);
        finds_nothing(&mut queue, 2);
        drop(third);
        finds_nothing(&mut queue, 2);
        drop(second);
        assert_eq!(first_ended(&mut queue).await.unwrap(), 1);
        assert_eq!(first_ended(&mut queue).await.unwrap(), 2);
        finds_nothing(&mut queue, 0);
    });
}

fn try_join_next_does_not_replace_the_waker(running: &Running) {
    running.run(|runtime| async move {
        let mut queue = JoinQueue::new(runtime);
        let (open, opened) = gate();
        queue.spawn(after(opened, 42));
        let (waker, woken) = signal();
        let mut cx = Context::from_waker(&waker);
        assert!(queue.poll_join_next(&mut cx).is_pending());
        assert!(queue.try_join_next().is_none());
        drop(open);
        woken.recv().await.unwrap();
        let Poll::Ready(Some(result)) = queue.poll_join_next(&mut cx) else { panic!("no result") };
        assert_eq!(result.unwrap(), 42);
    });
}

#[cfg(feature = "tokio")]
#[test]
fn try_join_next_is_not_limited_by_a_budget() {
    const TASKS: usize = 1000;
    super::in_tokio_task(|runtime| async move {
        let mut queue = JoinQueue::new(runtime);
        for number in 0..TASKS {
            queue.spawn(async move { number });
        }
        super::others_have_run(TASKS).await;
        let outputs = std::iter::from_fn(|| queue.try_join_next()).map(Result::unwrap);
        assert!(outputs.eq(0..TASKS));
        assert!(queue.is_empty());
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(matches!(queue.poll_join_next(&mut cx), Poll::Ready(None)));
    });
}

fn futures_extend_a_queue(running: &Running) {
    running.run(|runtime| async move {
        let first = (0..5).map(|number| async move { number });
        let mut queue = JoinQueue::from_iter_on(runtime, first);
        queue.extend((5..10).map(|number| async move { number }));
        assert_eq!(queue.join_all().await.unwrap(), (0..10).collect::<Vec<_>>());
    });
}
