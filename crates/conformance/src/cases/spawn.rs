//! C1: spawning.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::thread;

use async_runtime_compat::{
    JoinError, JoinGroup, JoinHandle, SpawnMeta, Spawner, SpawnerExt, TaskGroup,
};

use crate::kit::{Cx, Drops, Event, Large, OnDrop, Verdict, ensure, fail};

thread_local! {
    static SPAWNING: Cell<bool> = const { Cell::new(false) };
}

const WAYS: usize = 5;

/// Spawns in every way; each task sends whether it runs inside the call.
fn spawn_watched(spawner: &dyn Spawner, inline: &mpsc::Sender<bool>) {
    let watch = || {
        let inline = inline.clone();
        async move {
            let _ = inline.send(SPAWNING.get());
        }
    };
    SPAWNING.set(true);
    spawner.spawn(Box::pin(watch()));
    spawner.spawn_with(SpawnMeta::new(), Box::pin(watch()));
    spawner.spawn_detached(watch());
    drop(spawner.spawn_with_handle(watch()));
    drop(spawner.spawn_named("watched", watch()));
    SPAWNING.set(false);
}

fn none_inline(cx: &Cx, inline: &mpsc::Receiver<bool>) -> Verdict {
    for _ in 0..WAYS {
        let received = std::cell::RefCell::new(None);
        cx.until("the task", || {
            *received.borrow_mut() = inline.try_recv().ok();
            received.borrow().is_some()
        })?;
        ensure!(received.into_inner() == Some(false), "the task ran inside the `spawn` call");
    }
    Ok(())
}

pub(crate) fn spawn_does_not_run_inline(cx: &Cx) -> Verdict {
    let (inline, watched) = mpsc::channel();
    spawn_watched(cx.spawner(), &inline);
    none_inline(cx, &watched)
}

pub(crate) fn spawn_from_a_task_does_not_run_inline(cx: &Cx) -> Verdict {
    let (inline, watched) = mpsc::channel();
    let spawner = cx.spawner().clone();
    cx.output(cx.spawner().spawn_with_handle(async move {
        spawn_watched(&spawner, &inline);
    }))?;
    none_inline(cx, &watched)
}

pub(crate) fn spawn_does_not_block(cx: &Cx) -> Verdict {
    // The event happens after the calls.
    let event = Event::new();
    let waits = || {
        let event = event.clone();
        async move { event.happens().await }
    };
    cx.spawner().spawn(Box::pin(waits()));
    cx.spawner().spawn_with(SpawnMeta::new(), Box::pin(waits()));
    cx.spawner().spawn_detached(waits());
    let task = cx.spawner().spawn_with_handle(waits());
    event.set();
    cx.output(task)
}

pub(crate) fn spawn_from_any_thread(cx: &Cx) -> Verdict {
    let handles: Vec<_> = (0..8)
        .map(|n| {
            let spawner = cx.spawner().clone();
            thread::spawn(move || spawner.spawn_with_handle(async move { n }))
        })
        .collect();
    for (n, thread) in handles.into_iter().enumerate() {
        let Ok(task) = thread.join() else {
            return crate::kit::fail("`spawn` panicked on a thread outside any runtime");
        };
        let output = cx.output(task)?;
        ensure!(output == n, "task {n} has the output {output}");
    }
    Ok(())
}

pub(crate) fn spawn_from_a_destructor(cx: &Cx) -> Verdict {
    let spawned = Drops::new();
    let on_drop = {
        let (spawner, spawned) = (cx.spawner().clone(), spawned.clone());
        OnDrop(move || {
            let token = spawned.token();
            spawner.spawn_detached(async move { drop(token) });
        })
    };
    // Once in a task that is aborted, once when a task completes.
    let task = cx.spawner().spawn_with_handle(async move {
        let _on_drop = on_drop;
        std::future::pending::<()>().await;
    });
    task.abort();
    cx.cancelled(task)?;
    cx.wait("the task spawned while a future was dropped", spawned.first())?;

    let spawned = Drops::new();
    let on_drop = {
        let (spawner, spawned) = (cx.spawner().clone(), spawned.clone());
        OnDrop(move || {
            let token = spawned.token();
            drop(spawner.spawn_with_handle(async move { drop(token) }));
        })
    };
    cx.output(cx.spawner().spawn_with_handle(async move { drop(on_drop) }))?;
    cx.wait("the task spawned from a destructor", spawned.first())
}

pub(crate) fn futures_of_any_size(cx: &Cx) -> Verdict {
    struct Empty;

    impl Future for Empty {
        type Output = ();

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
    }

    cx.output(cx.spawner().spawn_with_handle(Empty))?;

    let ran = Arc::new(AtomicUsize::new(0));
    #[expect(clippy::large_stack_arrays, reason = "the size is tested")]
    let large = [7_u8; 64 * 1024];
    let count = ran.clone();
    let sum = cx.output(cx.spawner().spawn_with_handle(async move {
        async_runtime_compat::yield_now().await;
        count.fetch_add(1, Ordering::SeqCst);
        large.iter().map(|&n| u64::from(n)).sum::<u64>()
    }))?;
    ensure!(sum == 7 * 64 * 1024, "a future of 64 KiB was damaged: its bytes add up to {sum}");
    ensure!(ran.load(Ordering::SeqCst) == 1, "a future of 64 KiB did not run exactly once");
    Ok(())
}

/// Waits for a task that must end with a large output.
///
/// The output stays in this function: in an unoptimised build, each function that it went through would have it on
/// the stack several times.
pub(super) fn joined_large<J>(cx: &Cx, mut join: J) -> Verdict
where
    J: Future<Output = Result<Large, JoinError>> + Unpin,
{
    let verdict = poll_fn(|context| match Pin::new(&mut join).poll(context) {
        Poll::Ready(Ok(output)) => Poll::Ready(output.undamaged()),
        Poll::Ready(Err(error)) => {
            Poll::Ready(fail(format!("expected an output, but the {error}")))
        }
        Poll::Pending => Poll::Pending,
    });
    cx.wait("the join", verdict)?
}

/// The same, for a task that must have been aborted.
fn cancelled_large<J>(cx: &Cx, mut join: J) -> Verdict
where
    J: Future<Output = Result<Large, JoinError>> + Unpin,
{
    let verdict = poll_fn(|context| match Pin::new(&mut join).poll(context) {
        Poll::Ready(Err(error)) if error.is_cancelled() => Poll::Ready(Ok(())),
        Poll::Ready(Err(error)) => {
            Poll::Ready(fail(format!("expected `is_cancelled`, but the {error}")))
        }
        Poll::Ready(Ok(_)) => Poll::Ready(fail("expected `is_cancelled`, but there is an output")),
        Poll::Pending => Poll::Pending,
    });
    cx.wait("the join", verdict)?
}

pub(crate) fn outputs_of_any_size(cx: &Cx) -> Verdict {
    joined_large(cx, cx.spawner().spawn_with_handle(Large::future()))?;
    joined_large(cx, cx.spawner().spawn_named("large", Large::future()))?;
    // An abort handle moves the join handle elsewhere on some executors.
    let task = cx.spawner().spawn_with_handle(Large::future());
    let handle = task.abort_handle();
    joined_large(cx, task)?;
    drop(handle);
    // Dropped by the executor …
    let dropped = Drops::new();
    let token = dropped.token();
    let output = async move {
        async_runtime_compat::yield_now().await;
        (Large::new(), token)
    };
    cx.spawner().spawn_with_handle(output).detach();
    cx.wait("the drop of the output", dropped.first())?;
    // … and by the handle.
    let dropped = Drops::new();
    let token = dropped.token();
    let task = cx.spawner().spawn_with_handle(async move { (Large::new(), token) });
    cx.until("the end of the task", || task.is_finished())?;
    drop(task);
    cx.wait("the drop of the output", dropped.first())
}

pub(crate) fn outputs_of_any_size_when_finished(cx: &Cx) -> Verdict {
    for shared in [false, true] {
        let task = cx.spawner().spawn_with_handle(Large::future());
        let handle = shared.then(|| task.abort_handle());
        cx.until("the end of the task", || task.is_finished())?;
        joined_large(cx, task)?;
        drop(handle);
    }
    let task = cx.spawner().spawn_with_handle(Large::future());
    cx.until("the end of the task", || task.is_finished())?;
    joined_large(cx, pin!(task.cancel()))
}

pub(crate) fn outputs_of_any_size_through_a_group(cx: &Cx) -> Verdict {
    let group = TaskGroup::new(cx.spawner().clone());
    joined_large(cx, group.spawner().spawn_with_handle(Large::future()))?;
    let task = group.spawner().spawn_with_handle(Large::never());
    group.abort_all();
    cancelled_large(cx, task)?;

    let mut joins = JoinGroup::new(cx.spawner().clone());
    for _ in 0..3 {
        joins.spawn(Large::future());
    }
    for _ in 0..3 {
        joined_large(cx, NextOf(&mut joins))?;
    }
    joins.spawn(Large::never());
    cx.wait("the end of the group", pin!(joins.shutdown()))
}

/// The next result of a group that has tasks.
struct NextOf<'a>(&'a mut JoinGroup<Large>);

impl Future for NextOf<'_> {
    type Output = Result<Large, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_join_next(cx).map(|next| next.expect("the group has tasks"))
    }
}

pub(crate) fn outputs_of_any_size_and_abort(cx: &Cx) -> Verdict {
    for shared in [false, true] {
        let task = cx.spawner().spawn_with_handle(Large::never());
        abort(&task, shared);
        cancelled_large(cx, task)?;

        // After the end, which keeps the output.
        let task = cx.spawner().spawn_with_handle(Large::future());
        cx.until("the end of the task", || task.is_finished())?;
        abort(&task, shared);
        joined_large(cx, task)?;

        // After the end, and then detached.
        let task = cx.spawner().spawn_with_handle(Large::future());
        cx.until("the end of the task", || task.is_finished())?;
        abort(&task, shared);
    }
    let task = cx.spawner().spawn_with_handle(Large::never());
    cancelled_large(cx, pin!(task.cancel()))
}

fn abort(task: &JoinHandle<Large>, shared: bool) {
    if shared {
        task.abort_handle().abort();
    } else {
        task.abort();
    }
}
