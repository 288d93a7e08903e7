//! C3 and C8: aborting.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::thread;

use async_runtime_compat::{AbortHandle, JoinError, JoinGroup, JoinHandle, SpawnerExt};

use crate::kit::{
    Cx, Drops, Event, Forever, SlowDrop, Verdict, Wakes, ensure, fail, poll_with, wait_for,
};

/// A task that is pending, and a count of the drops of its future.
fn pending(cx: &Cx) -> Verdict<(JoinHandle<()>, Drops)> {
    let drops = Drops::new();
    let future = Forever::new(drops.token());
    let polled = future.polled.clone();
    let task = cx.spawner().spawn_with_handle(future);
    cx.wait("the first poll", polled.happens())?;
    Ok((task, drops))
}

pub(crate) fn abort_while_pending(cx: &Cx) -> Verdict {
    let (task, drops) = pending(cx)?;
    task.abort();
    cx.cancelled(task)?;
    ensure!(drops.count() == 1, "the future was dropped {} times", drops.count());
    Ok(())
}

pub(crate) fn abort_before_the_first_poll(cx: &Cx) -> Verdict {
    for _ in 0..100 {
        let drops = Drops::new();
        let task = cx.spawner().spawn_with_handle(Forever::new(drops.token()));
        task.abort();
        cx.cancelled(task)?;
        ensure!(drops.count() == 1, "the future was dropped {} times", drops.count());
    }
    Ok(())
}

/// How a task that is about to end is treated before that.
#[derive(Clone, Copy)]
struct Before {
    /// Its handle is polled, and so has a waker.
    polled: bool,
    /// An abort handle is made.
    shared: bool,
}

impl Before {
    const ALL: [Before; 4] = [
        Before { polled: false, shared: false },
        Before { polled: true, shared: false },
        Before { polled: false, shared: true },
        Before { polled: true, shared: true },
    ];
}

/// Spawns a task, and aborts it once it has ended. Returns the result of its join.
fn abort_after<T: Send + 'static>(
    cx: &Cx,
    before: Before,
    end: impl FnOnce() -> T + Send + 'static,
) -> Verdict<Result<T, JoinError>> {
    let may_end = Event::new();
    let wait = may_end.clone();
    let mut task = cx.spawner().spawn_with_handle(async move {
        wait.happens().await;
        end()
    });
    let handle = before.shared.then(|| task.abort_handle());
    let wakes = Wakes::new();
    if before.polled {
        let pending = poll_with(&mut task, &Waker::from(wakes.clone())).is_pending();
        ensure!(pending, "the join resolved before the task ended");
    }
    may_end.set();
    if before.polled {
        // Without `is_finished`, which may find the end and keep it.
        cx.until("the wake-up of the join", || wakes.count() > 0)?;
    } else {
        cx.until("the end of the task", || task.is_finished())?;
    }
    if let Some(handle) = handle {
        handle.abort();
    }
    task.abort();
    task.abort_handle().abort();
    ensure!(task.is_finished(), "`is_finished` turned false with the abort");
    cx.join(task)
}

pub(crate) fn abort_after_completion_keeps_the_output(cx: &Cx) -> Verdict {
    for before in Before::ALL {
        match abort_after(cx, before, || 7)? {
            Ok(7) => {}
            Ok(other) => return fail(format!("expected the output 7, got {other}")),
            Err(error) => return fail(format!("expected the output, but the {error}")),
        }
    }
    Ok(())
}

pub(crate) fn abort_after_a_panic_keeps_the_panic(cx: &Cx) -> Verdict {
    for before in Before::ALL {
        match abort_after::<()>(cx, before, || crate::kit::quiet_panic(7_u8))? {
            Ok(()) => return fail("expected an error, but the task has an output"),
            Err(error) => {
                ensure!(error.is_panic(), "expected `is_panic`, but the {error}");
                let payload = error.into_panic();
                ensure!(payload.downcast_ref() == Some(&7_u8), "the payload was replaced");
            }
        }
    }
    Ok(())
}

pub(crate) fn abort_of_a_group_keeps_the_outputs(cx: &Cx) -> Verdict {
    for round in 0..20 {
        // A group has polled each of its handles.
        let mut group = JoinGroup::new(cx.spawner().clone());
        let may_end = Event::new();
        let wait = may_end.clone();
        group.spawn(async move {
            wait.happens().await;
            round
        });
        let wakes = Wakes::new();
        let waker = Waker::from(wakes.clone());
        let pending = group.poll_join_next(&mut Context::from_waker(&waker)).is_pending();
        ensure!(pending, "the join resolved before the task ended");
        may_end.set();
        cx.until("the wake-up of the group", || wakes.count() > 0)?;
        group.abort_all();
        match cx.wait("the join of the group", pin!(group.join_next()))? {
            Some(Ok(output)) if output == round => {}
            other => return fail(format!("expected the output {round}, got {other:?}")),
        }
    }
    Ok(())
}

pub(crate) fn abort_twice(cx: &Cx) -> Verdict {
    let (task, drops) = pending(cx)?;
    let handle = task.abort_handle();
    task.abort();
    task.abort();
    handle.abort();
    handle.clone().abort();
    cx.cancelled(task)?;
    handle.abort();
    ensure!(drops.count() == 1, "the future was dropped {} times", drops.count());
    Ok(())
}

/// A task that aborts itself and then runs `rest`.
fn abort_itself<F>(cx: &Cx, rest: F) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let (own, ready) = (Arc::new(std::sync::OnceLock::<AbortHandle>::new()), Event::new());
    let task = cx.spawner().spawn_with_handle({
        let (own, ready) = (own.clone(), ready.clone());
        async move {
            ready.happens().await;
            if let Some(own) = own.get() {
                own.abort();
            }
            rest.await;
        }
    });
    let _ = own.set(task.abort_handle());
    ready.set();
    task
}

pub(crate) fn abort_from_inside(cx: &Cx) -> Verdict {
    let passed = Arc::new(AtomicBool::new(false));
    let after = passed.clone();
    let task = abort_itself(cx, async move {
        // The task stops at this await, although it is ready at once.
        async_runtime_compat::yield_now().await;
        after.store(true, Ordering::SeqCst);
    });
    cx.cancelled(task)?;
    ensure!(!passed.load(Ordering::SeqCst), "the task continued past the await after its abort");
    Ok(())
}

pub(crate) fn abort_from_inside_outweighs_completion(cx: &Cx) -> Verdict {
    // Many times: the joiner is polling while the task aborts itself.
    for _ in 0..200 {
        cx.cancelled(abort_itself(cx, async {}))?;
        cx.cancelled(abort_itself(cx, async { crate::kit::quiet_panic("after the abort") }))?;
    }
    Ok(())
}

pub(crate) fn abort_of_a_busy_task(cx: &Cx) -> Verdict {
    let (started, drops) = (Event::new(), Drops::new());
    let task = cx.spawner().spawn_with_handle({
        let (started, token) = (started.clone(), drops.token());
        async move {
            let _token = token;
            started.set();
            loop {
                async_runtime_compat::yield_now().await;
            }
        }
    });
    cx.wait("the start of the task", started.happens())?;
    task.abort();
    cx.cancelled::<()>(task)?;
    ensure!(drops.count() == 1, "the future was dropped {} times", drops.count());
    Ok(())
}

pub(crate) fn abort_wakes_the_joiner(cx: &Cx) -> Verdict {
    // The joiner waits before the abort, on a thread of its own.
    let (task, _drops) = pending(cx)?;
    let handle = task.abort_handle();
    let waiting = Event::new();
    let joined = Event::new();
    let joiner = thread::spawn({
        let (waiting, joined) = (waiting.clone(), joined.clone());
        let limit = cx.limit();
        move || {
            let mut task = task;
            let mut first = true;
            let result = wait_for(
                limit,
                "the join",
                std::future::poll_fn(|cx| {
                    let poll = poll_with(&mut task, cx.waker());
                    if std::mem::take(&mut first) {
                        waiting.set();
                    }
                    poll
                }),
            );
            joined.set();
            result.map(|result| result.is_err_and(|error| error.is_cancelled()))
        }
    });
    cx.wait("the joiner's first poll", waiting.happens())?;
    handle.abort();
    cx.wait("the joiner's wake-up", joined.happens())?;
    match joiner.join() {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => fail("the join of the other thread is not `is_cancelled`"),
        Ok(Err(stop)) => Err(stop),
        Err(_) => fail("the joiner panicked"),
    }
}

pub(crate) fn cancelled_means_dropped(cx: &Cx) -> Verdict {
    for round in 0..500 {
        let (task, drops) = pending(cx)?;
        if round % 2 == 0 {
            task.abort();
        } else {
            task.abort_handle().abort();
        }
        cx.cancelled(task)?;
        ensure!(drops.count() == 1, "the join resolved before the future was dropped");
    }
    Ok(())
}

/// A task that returns once the event has happened, without another await.
fn returning<T: Send + 'static>(
    cx: &Cx,
    output: impl FnOnce() -> T + Send + 'static,
) -> Verdict<(JoinHandle<T>, Event)> {
    let (running, may_end, limit) = (Event::new(), Event::new(), cx.limit());
    let task = cx.spawner().spawn_with_handle({
        let (running, may_end) = (running.clone(), may_end.clone());
        async move {
            running.set();
            // It blocks its thread, so that it cannot stop here.
            let _ = wait_for(limit, "the abort", may_end.happens());
            output()
        }
    });
    cx.wait("the first poll", running.happens())?;
    Ok((task, may_end))
}

pub(crate) fn cancelled_means_the_output_is_dropped(cx: &Cx) -> Verdict {
    for round in 0..30 {
        let output = SlowDrop::new();
        let made = output.clone();
        let (task, may_end) = returning(cx, move || made.value())?;
        let cancelled = match round % 3 {
            0 => {
                task.abort();
                may_end.set();
                cx.wait("the join", task)?
            }
            1 => {
                task.abort_handle().abort();
                may_end.set();
                cx.wait("the join", task)?
            }
            _ => {
                let mut cancel = Box::pin(task.cancel());
                let poll = poll_with(&mut cancel, std::task::Waker::noop());
                ensure!(poll.is_pending(), "`cancel` resolved while the task runs");
                may_end.set();
                cx.wait("the cancellation", cancel)?
            }
        };
        output.resolved()?;
        ensure!(output.made() == 1, "the task ended {} times", output.made());
        ensure!(cancelled.is_err_and(|error| error.is_cancelled()), "expected `is_cancelled`");
    }
    Ok(())
}

pub(crate) fn cancel_waits_for_the_drop(cx: &Cx) -> Verdict {
    for _ in 0..100 {
        let (task, drops) = pending(cx)?;
        let result = cx.wait("the cancellation", task.cancel())?;
        ensure!(result.is_err_and(|error| error.is_cancelled()), "expected `is_cancelled`");
        ensure!(drops.count() == 1, "`cancel` resolved before the future was dropped");
    }
    let (task, drops) = pending(cx)?;
    drop(task.cancel());
    cx.wait("the drop of the future, with `cancel` never polled", drops.first())
}

pub(crate) fn cancel_of_a_finished_task_gives_the_output(cx: &Cx) -> Verdict {
    let task = cx.spawner().spawn_with_handle(async { 7 });
    cx.until("the end of the task", || task.is_finished())?;
    match cx.wait("the cancellation", task.cancel())? {
        Ok(7) => {}
        Ok(other) => return fail(format!("expected the output 7, got {other}")),
        Err(error) => return fail(format!("expected the output, but the {error}")),
    }
    let task = cx.spawner().spawn_with_handle(async { crate::kit::quiet_panic("before") });
    cx.until("the end of the task", || task.is_finished())?;
    let result: Result<(), _> = cx.wait("the cancellation", task.cancel())?;
    ensure!(result.is_err_and(|error| error.is_panic()), "the panic before the cancel was lost");
    Ok(())
}

pub(crate) fn abort_on_drop_aborts(cx: &Cx) -> Verdict {
    let (task, drops) = pending(cx)?;
    drop(task.abort_on_drop());
    cx.wait("the drop of the future", drops.first())?;

    let drops = Drops::new();
    let task = cx.spawner().spawn_with_handle(Forever::new(drops.token()));
    drop(task.abort_on_drop());
    cx.wait("the drop of a future before its first poll", drops.first())?;

    let (task, drops) = pending(cx)?;
    let handle = task.abort_handle();
    drop(task.abort_on_drop());
    cx.wait("the drop of a future with an abort handle", drops.first())?;
    cx.until("`is_finished`", || handle.is_finished())
}

pub(crate) fn abort_on_drop_can_be_detached(cx: &Cx) -> Verdict {
    let (may_end, ended) = (Event::new(), Event::new());
    let task = cx.spawner().spawn_with_handle({
        let (may_end, ended) = (may_end.clone(), ended.clone());
        async move {
            may_end.happens().await;
            ended.set();
        }
    });
    task.abort_on_drop().detach();
    may_end.set();
    cx.wait("the end of the detached task", ended.happens())?;

    let task = cx.spawner().spawn_with_handle(async { 7 });
    let output = cx.output(task.abort_on_drop().into_handle())?;
    ensure!(output == 7, "expected the output 7, got {output}");
    Ok(())
}

pub(crate) fn abort_handle_outlives_the_join_handle(cx: &Cx) -> Verdict {
    let (task, drops) = pending(cx)?;
    let handle = task.abort_handle();
    drop(task);
    ensure!(!handle.is_finished(), "`is_finished` is true while the task runs");
    handle.abort();
    cx.wait("the drop of the future", drops.first())?;
    cx.until("`is_finished`", || handle.is_finished())?;
    ensure!(drops.count() == 1, "the future was dropped {} times", drops.count());
    Ok(())
}

pub(crate) fn abort_handle_on_a_joined_task(cx: &Cx) -> Verdict {
    let task = cx.spawner().spawn_with_handle(async { 7 });
    let handle = task.abort_handle();
    let output = cx.output(task)?;
    ensure!(output == 7, "expected the output 7, got {output}");
    handle.abort();
    ensure!(handle.is_finished(), "`is_finished` is false after the join");
    Ok(())
}

pub(crate) fn abort_handle_says_finished(cx: &Cx) -> Verdict {
    let may_end = Event::new();
    let wait = may_end.clone();
    let task = cx.spawner().spawn_with_handle(async move { wait.happens().await });
    let handle = task.abort_handle();
    ensure!(!handle.is_finished(), "`is_finished` is true while the task runs");
    may_end.set();
    cx.until("`is_finished`", || handle.is_finished())?;
    cx.output(task)
}

pub(crate) fn abort_handle_does_not_keep_the_output(cx: &Cx) -> Verdict {
    for before in [true, false] {
        let (drops, may_end) = (Drops::new(), Event::new());
        let (token, wait) = (drops.token(), may_end.clone());
        let task = cx.spawner().spawn_with_handle(async move {
            wait.happens().await;
            token
        });
        let handle = task.abort_handle();
        if before {
            drop(task);
            may_end.set();
        } else {
            may_end.set();
            cx.until("the end of the task", || task.is_finished())?;
            drop(task);
        }
        cx.wait("the drop of the output, with only an abort handle left", drops.first())?;
        cx.until("`is_finished`", || handle.is_finished())?;
        handle.abort();
        drop(handle);
        ensure!(drops.count() == 1, "the output was dropped {} times", drops.count());
    }
    Ok(())
}

pub(crate) fn abort_handle_dropped_first_changes_nothing(cx: &Cx) -> Verdict {
    let may_end = Event::new();
    let wait = may_end.clone();
    let task = cx.spawner().spawn_with_handle(async move {
        wait.happens().await;
        7
    });
    drop(task.abort_handle());
    may_end.set();
    let output = cx.output(task)?;
    ensure!(output == 7, "expected the output 7, got {output}");

    // With both gone the task runs on.
    let (may_end, ended) = (Event::new(), Event::new());
    let task = cx.spawner().spawn_with_handle({
        let (may_end, ended) = (may_end.clone(), ended.clone());
        async move {
            may_end.happens().await;
            ended.set();
        }
    });
    let handle = task.abort_handle();
    drop(task);
    drop(handle);
    may_end.set();
    cx.wait("the end of the detached task", ended.happens())
}

pub(crate) fn abort_guard_aborts(cx: &Cx) -> Verdict {
    let (task, drops) = pending(cx)?;
    let guard = task.abort_handle().abort_on_drop();
    ensure!(!guard.is_finished(), "`is_finished` is true before the guard was dropped");
    drop(guard);
    cx.wait("the drop of the future", drops.first())?;
    cx.cancelled(task)
}

pub(crate) fn abort_guard_can_be_disarmed(cx: &Cx) -> Verdict {
    let may_end = Event::new();
    let wait = may_end.clone();
    let task = cx.spawner().spawn_with_handle(async move {
        wait.happens().await;
        7
    });
    let handle = task.abort_handle().abort_on_drop().into_handle();
    ensure!(!handle.is_finished(), "the task ended when its guard was disarmed");
    drop(handle);
    may_end.set();
    let output = cx.output(task)?;
    ensure!(output == 7, "expected the output 7, got {output}");
    Ok(())
}

pub(crate) fn abort_handles_agree(cx: &Cx) -> Verdict {
    let (task, drops) = pending(cx)?;
    let first = task.abort_handle();
    let second = task.abort_handle();
    second.abort();
    cx.wait("the drop of the future", drops.first())?;
    cx.until("`is_finished` of the other handle", || first.is_finished())?;
    ensure!(
        task.is_finished(),
        "`is_finished` is true on the abort handle and false on the join handle"
    );
    cx.cancelled(task)
}
