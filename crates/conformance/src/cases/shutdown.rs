//! C5: shutdown.

use std::thread;

use async_runtime_compat::{JoinError, JoinHandle, SpawnMeta, SpawnerExt};

use crate::kit::{Cx, Drops, Event, Forever, OnDrop, Verdict, ensure, quiet_panic};

/// A pending task, and a count of the drops of its future.
fn pending(cx: &Cx) -> Verdict<(JoinHandle<()>, Drops)> {
    cx.needs_shutdown()?;
    let drops = Drops::new();
    let future = Forever::new(drops.token());
    let polled = future.polled.clone();
    let task = cx.spawner().spawn_with_handle(future);
    cx.wait("the first poll", polled.happens())?;
    Ok((task, drops))
}

fn is_shutdown(error: &JoinError) -> Verdict {
    ensure!(error.is_shutdown(), "expected `is_shutdown`, but the {error}");
    ensure!(!error.is_cancelled() && !error.is_panic(), "the error is of several kinds at once");
    Ok(())
}

pub(crate) fn pending_futures_are_dropped(cx: &Cx) -> Verdict {
    let tasks: Vec<_> = (0..32).map(|_| pending(cx)).collect::<Result<_, _>>()?;
    cx.shut_down()?;
    for (task, drops) in tasks {
        ensure!(drops.count() == 1, "a future was dropped {} times", drops.count());
        ensure!(task.is_finished(), "`is_finished` is false after the shutdown");
    }
    Ok(())
}

pub(crate) fn raw_futures_are_dropped(cx: &Cx) -> Verdict {
    cx.needs_shutdown()?;
    let drops = Drops::new();
    for n in 0..32 {
        let future = Forever::new(drops.token());
        let polled = future.polled.clone();
        if n % 2 == 0 {
            cx.spawner().spawn(Box::pin(future));
        } else {
            cx.spawner().spawn_with(SpawnMeta::new(), Box::pin(future));
        }
        cx.wait("the first poll", polled.happens())?;
    }
    cx.shut_down()?;
    ensure!(drops.count() == 32, "of 32 futures {} were dropped", drops.count());
    Ok(())
}

pub(crate) fn waiting_joins_resolve(cx: &Cx) -> Verdict {
    let (task, _drops) = pending(cx)?;
    let (waiting, limit) = (Event::new(), cx.limit());
    let joiner = thread::spawn({
        let waiting = waiting.clone();
        let mut task = task;
        move || {
            crate::kit::wait_for(
                limit,
                "the join",
                std::future::poll_fn(|cx| {
                    let poll = crate::kit::poll_with(&mut task, cx.waker());
                    waiting.set();
                    poll
                }),
            )
        }
    });
    cx.wait("the joiner's first poll", waiting.happens())?;
    cx.shut_down()?;
    match joiner.join() {
        Ok(result) => match result? {
            Ok(()) => crate::kit::fail("a task that never completes has completed"),
            Err(error) => is_shutdown(&error),
        },
        Err(_) => crate::kit::fail("the join panicked"),
    }
}

pub(crate) fn later_joins_resolve(cx: &Cx) -> Verdict {
    let (task, _drops) = pending(cx)?;
    let (bound, _drops) = pending(cx)?;
    let (cancelled, _drops) = pending(cx)?;
    let done = cx.spawner().spawn_with_handle(async { 7 });
    cx.until("the end of the task", || done.is_finished())?;
    cx.shut_down()?;
    is_shutdown(&cx.error(task)?)?;
    drop(bound.abort_on_drop());
    let _ = cx.wait("the cancellation", cancelled.cancel())?;
    let output = cx.output(done)?;
    ensure!(output == 7, "a task that had completed lost its output");
    Ok(())
}

pub(crate) fn shared_joins_resolve(cx: &Cx) -> Verdict {
    let (task, _drops) = pending(cx)?;
    let handle = task.abort_handle();
    let (left, drops) = pending(cx)?;
    let left_handle = left.abort_handle();
    drop(left);
    cx.shut_down()?;
    is_shutdown(&cx.error(task)?)?;
    ensure!(handle.is_finished(), "`is_finished` of an abort handle is false after the shutdown");
    ensure!(
        left_handle.is_finished(),
        "`is_finished` of a detached task is false after the shutdown"
    );
    ensure!(drops.count() == 1, "the future was dropped {} times", drops.count());
    Ok(())
}

pub(crate) fn aborted_before_shutdown_is_cancelled(cx: &Cx) -> Verdict {
    let (task, _drops) = pending(cx)?;
    let (other, _drops) = pending(cx)?;
    task.abort();
    other.abort_handle().abort();
    cx.shut_down()?;
    cx.cancelled(task)?;
    cx.cancelled(other)
}

pub(crate) fn spawn_after_shutdown(cx: &Cx) -> Verdict {
    cx.shut_down()?;
    let drops = Drops::new();
    let task = cx.spawner().spawn_with_handle(Forever::new(drops.token()));
    is_shutdown(&cx.error(task)?)?;
    ensure!(drops.count() == 1, "the future was dropped {} times", drops.count());

    let task = cx.spawner().spawn_named("late", Forever::new(drops.token()));
    let handle = task.abort_handle();
    is_shutdown(&cx.error(task)?)?;
    ensure!(handle.is_finished(), "`is_finished` is false on a task that was refused");
    handle.abort();

    cx.spawner().spawn(Box::pin(Forever::new(drops.token())));
    cx.spawner().spawn_with(SpawnMeta::new(), Box::pin(Forever::new(drops.token())));
    cx.spawner().spawn_detached(Forever::new(drops.token()));
    cx.until("the drop of the futures", || drops.count() == 5)
}

pub(crate) fn spawn_from_a_destructor_during_shutdown(cx: &Cx) -> Verdict {
    cx.needs_shutdown()?;
    let drops = Drops::new();
    let spawned = std::sync::Arc::new(std::sync::Mutex::new(None));
    let on_drop = {
        let (spawner, drops, spawned) = (cx.spawner().clone(), drops.clone(), spawned.clone());
        OnDrop(move || {
            spawner.spawn(Box::pin(Forever::new(drops.token())));
            let task = spawner.spawn_with_handle(Forever::new(drops.token()));
            *spawned.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(task);
        })
    };
    let future = Forever::new(on_drop);
    let polled = future.polled.clone();
    cx.spawner().spawn_detached(future);
    cx.wait("the first poll", polled.happens())?;
    cx.shut_down()?;
    cx.until("the drop of the futures", || drops.count() == 2)?;
    let task = spawned.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    let Some(task) = task else {
        return crate::kit::fail("the destructor did not run, or its `spawn` panicked");
    };
    is_shutdown(&cx.error(task)?)
}

pub(crate) fn abort_after_shutdown(cx: &Cx) -> Verdict {
    let (task, _drops) = pending(cx)?;
    let handle = task.abort_handle();
    cx.shut_down()?;
    task.abort();
    handle.abort();
    is_shutdown(&cx.error(task)?)
}

pub(crate) fn panic_in_a_destructor_during_shutdown(cx: &Cx) -> Verdict {
    cx.needs_shutdown()?;
    let drops = Drops::new();
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let token = drops.clone();
        let future = Forever::new(OnDrop(move || {
            drop(token.token());
            quiet_panic("in a destructor");
        }));
        let polled = future.polled.clone();
        tasks.push(cx.spawner().spawn_with_handle(future));
        cx.wait("the first poll", polled.happens())?;
    }
    cx.shut_down()?;
    ensure!(drops.count() == 4, "of 4 futures {} were dropped", drops.count());
    for task in tasks {
        let error = cx.error(task)?;
        // tokio keeps the destructor's panic; elsewhere it is lost.
        ensure!(!error.is_cancelled(), "expected no `is_cancelled`, but the {error}");
    }
    Ok(())
}
