//! C1: spawning.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use async_runtime_compat::{SpawnMeta, Spawner, SpawnerExt};

use crate::kit::{Cx, Drops, Event, OnDrop, Verdict, ensure};

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

        fn poll(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<()> {
            std::task::Poll::Ready(())
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
