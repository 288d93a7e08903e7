//! C9: everything is dropped exactly once, whichever side wins.

use std::sync::{Arc, Barrier};
use std::thread;

use async_runtime_compat::{AbortHandle, JoinError, JoinHandle, SpawnerExt};

use crate::kit::{Cx, Drops, Event, Verdict, ensure, fail};

const ROUNDS: usize = 300;

/// A task that completes when the event happens, and the drops of its future and of its output.
struct Racer {
    task: JoinHandle<crate::kit::Token>,
    may_end: Event,
    future: Drops,
    output: Drops,
}

fn racer(cx: &Cx) -> Racer {
    let (future, output, may_end) = (Drops::new(), Drops::new(), Event::new());
    let task = cx.spawner().spawn_with_handle({
        let (in_future, may_end) = (future.token(), may_end.clone());
        let in_output = output.clone();
        async move {
            let _in_future = in_future;
            may_end.happens().await;
            in_output.token()
        }
    });
    Racer { task, may_end, future, output }
}

/// Runs both at once: `one` on a thread of its own, `other` on this one.
fn race<T>(one: impl FnOnce() + Send + 'static, other: impl FnOnce() -> T) -> Verdict<T> {
    let barrier = Arc::new(Barrier::new(2));
    let start = barrier.clone();
    let thread = thread::spawn(move || {
        start.wait();
        one();
    });
    barrier.wait();
    let result = other();
    match thread.join() {
        Ok(()) => Ok(result),
        Err(_) => fail("one side of the race panicked"),
    }
}

/// Checks that the future was dropped once, and the output as often as it was made.
fn settled(cx: &Cx, future: &Drops, output: &Drops, made: Option<bool>) -> Verdict {
    cx.wait("the drop of the future", future.first())?;
    ensure!(future.count() == 1, "the future was dropped {} times", future.count());
    match made {
        Some(made) => {
            let expected = usize::from(made);
            cx.until("the drop of the output", || output.count() >= expected)?;
            ensure!(output.count() == expected, "the output was dropped {} times", output.count());
        }
        None => ensure!(output.count() <= 1, "the output was dropped {} times", output.count()),
    }
    Ok(())
}

/// Whether a task that was aborted completed first. Drops the output.
fn completed_or_cancelled<T>(result: Result<T, JoinError>) -> Verdict<bool> {
    match result {
        Ok(output) => {
            drop(output);
            Ok(true)
        }
        Err(error) if error.is_cancelled() => Ok(false),
        Err(error) => fail(format!("expected the output or `is_cancelled`, but the {error}")),
    }
}

pub(crate) fn completion_against_abort(cx: &Cx) -> Verdict {
    for _ in 0..ROUNDS {
        let Racer { task, may_end, future, output } = racer(cx);
        race(move || may_end.set(), || task.abort())?;
        let completed = completed_or_cancelled(cx.join(task)?)?;
        // A task that was cancelled in its last poll has made and dropped an output.
        ensure!(output.are_gone(), "the join resolved before the output was dropped");
        settled(cx, &future, &output, completed.then_some(true))?;
    }
    Ok(())
}

pub(crate) fn completion_against_abort_handle(cx: &Cx) -> Verdict {
    for _ in 0..ROUNDS {
        let Racer { task, may_end, future, output } = racer(cx);
        let handle = task.abort_handle();
        race(move || may_end.set(), || handle.abort())?;
        let completed = completed_or_cancelled(cx.join(task)?)?;
        ensure!(output.are_gone(), "the join resolved before the output was dropped");
        settled(cx, &future, &output, completed.then_some(true))?;
    }
    Ok(())
}

pub(crate) fn completion_against_cancel(cx: &Cx) -> Verdict {
    for _ in 0..ROUNDS {
        let Racer { task, may_end, future, output } = racer(cx);
        let result = race(move || may_end.set(), || cx.wait("the cancellation", task.cancel()))??;
        let completed = completed_or_cancelled(result)?;
        ensure!(output.are_gone(), "`cancel` resolved before the output was dropped");
        settled(cx, &future, &output, completed.then_some(true))?;
    }
    Ok(())
}

pub(crate) fn completion_against_detach(cx: &Cx) -> Verdict {
    for round in 0..ROUNDS {
        let Racer { task, may_end, future, output } = racer(cx);
        let handle = (round % 2 == 0).then(|| task.abort_handle());
        race(move || may_end.set(), || task.detach())?;
        settled(cx, &future, &output, Some(true))?;
        drop(handle);
        ensure!(output.count() == 1, "the output was dropped {} times", output.count());
    }
    Ok(())
}

pub(crate) fn completion_against_dropped_join(cx: &Cx) -> Verdict {
    for _ in 0..ROUNDS {
        let Racer { mut task, may_end, future, output } = racer(cx);
        race(
            move || may_end.set(),
            || {
                let poll = crate::kit::poll_with(&mut task, std::task::Waker::noop());
                drop(task);
                drop(poll);
            },
        )?;
        settled(cx, &future, &output, Some(true))?;
    }
    Ok(())
}

pub(crate) fn abort_against_detach(cx: &Cx) -> Verdict {
    for _ in 0..ROUNDS {
        let Racer { task, may_end: _, future, output } = racer(cx);
        let handle = task.abort_handle();
        let abort = handle.clone();
        race(move || abort.abort(), || task.detach())?;
        settled(cx, &future, &output, Some(false))?;
        cx.until("`is_finished`", || handle.is_finished())?;
    }
    Ok(())
}

pub(crate) fn abort_against_abort(cx: &Cx) -> Verdict {
    for _ in 0..ROUNDS {
        let Racer { task, may_end: _, future, output } = racer(cx);
        let handle: AbortHandle = task.abort_handle();
        race(move || handle.abort(), || task.abort())?;
        ensure!(
            !completed_or_cancelled(cx.join(task)?)?,
            "a task that never completes has completed"
        );
        settled(cx, &future, &output, Some(false))?;
    }
    Ok(())
}

pub(crate) fn abort_against_polling(cx: &Cx) -> Verdict {
    for _ in 0..ROUNDS {
        let Racer { task, may_end: _, future, output } = racer(cx);
        let handle = task.abort_handle();
        let result = race(
            {
                let handle = handle.clone();
                move || {
                    let _ = handle.is_finished();
                    handle.abort();
                    // While the future is being dropped.
                    while !handle.is_finished() {
                        thread::yield_now();
                    }
                }
            },
            || cx.join(task),
        )??;
        ensure!(!completed_or_cancelled(result)?, "a task that never completes has completed");
        settled(cx, &future, &output, Some(false))?;
    }
    Ok(())
}

pub(crate) fn many_tasks(cx: &Cx) -> Verdict {
    let (futures, outputs) = (Drops::new(), Drops::new());
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let (in_future, in_output) = (futures.token(), outputs.clone());
            cx.spawner().spawn_with_handle(async move {
                let _in_future = in_future;
                for _ in 0..n % 3 {
                    async_runtime_compat::yield_now().await;
                }
                in_output.token()
            })
        })
        .collect();
    for task in tasks {
        drop(cx.output(task)?);
    }
    ensure!(futures.count() == 200, "of 200 futures {} were dropped", futures.count());
    ensure!(outputs.count() == 200, "of 200 outputs {} were dropped", outputs.count());
    Ok(())
}
