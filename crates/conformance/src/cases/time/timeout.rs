//! Timeouts.

use std::future::{pending, ready};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_runtime_compat::{Elapsed, SpawnerExt, Timer, TimerExt};

use super::{HOUR, counted, has_come, is_let_go, millis};
use crate::kit::{Cx, Drops, Forever, Verdict, ensure, fail};

pub(crate) fn timeout_polls_the_future_first(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    let past = timer.now();
    cx.wait("a sleep", timer.sleep(millis(2)))?;
    let mut poll = Context::from_waker(Waker::noop());

    for limited in [timer.timeout(Duration::ZERO, ready(7)), timer.timeout_at(past, ready(7))] {
        match pin!(limited).poll(&mut poll) {
            Poll::Ready(Ok(7)) => {}
            other => return fail(format!("a ready future with a timeout of zero: {other:?}")),
        }
    }

    // Ready at a later poll, when the time has elapsed as well.
    let is_ready = Arc::new(AtomicBool::new(false));
    let future = std::future::poll_fn({
        let is_ready = is_ready.clone();
        move |_| if is_ready.load(Ordering::SeqCst) { Poll::Ready(8) } else { Poll::Pending }
    });
    let mut limited = pin!(timer.timeout(millis(5), future));
    if limited.as_mut().poll(&mut poll).is_pending() {
        cx.wait("a longer sleep", timer.sleep(millis(10)))?;
        is_ready.store(true, Ordering::SeqCst);
        match limited.as_mut().poll(&mut poll) {
            Poll::Ready(Ok(8)) => {}
            other => {
                return fail(format!(
                    "a future that is ready when the time has elapsed: {other:?}"
                ));
            }
        }
    }
    Ok(())
}

pub(crate) fn timeout_elapses(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    for duration in [Duration::ZERO, Duration::from_micros(700), millis(5)] {
        let start = timer.now();
        match cx.wait("the timeout", timer.timeout(duration, pending::<()>()))? {
            Err(elapsed) => {
                let text = elapsed.to_string();
                ensure!(text.contains("timeout elapsed"), "the message is unclear: {text}");
            }
            Ok(()) => return fail("a future that never completes has completed"),
        }
        has_come(timer, start + duration)?;

        let deadline = timer.now() + duration;
        let limited = timer.timeout_at(deadline, pending::<()>());
        ensure!(
            cx.wait("the timeout", limited)?.is_err(),
            "a future that never completes has completed"
        );
        has_come(timer, deadline)?;
    }
    Ok(())
}

pub(crate) fn timeout_drops_the_future(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    let drops = Drops::new();
    let (timer, seen) = (timer.clone(), drops.clone());
    let count = cx.output(cx.spawner().spawn_with_handle(async move {
        let limited = timer.timeout(millis(2), Forever::new(seen.token()));
        let result = limited.await;
        result.map_err(|_: Elapsed| seen.count())
    }))?;
    ensure!(count == Err(1), "the future was not dropped once when the timeout elapsed");

    // Polled by reference, the timeout keeps it.
    let timer = cx.timer()?;
    let mut limited = Box::pin(timer.timeout(millis(2), Forever::new(drops.token())));
    ensure!(
        cx.wait("the timeout", limited.as_mut())?.is_err(),
        "a future that never completes has completed"
    );
    ensure!(drops.count() == 1, "the timeout was polled by reference, and dropped its future");
    drop(limited);
    ensure!(drops.count() == 2, "the future was dropped {} times, not once", drops.count() - 1);
    Ok(())
}

pub(crate) fn timeout_that_is_dropped_leaves_nothing(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    // An hour must not pass before the drops.
    let hold = cx.hold_clock()?;
    let (wakes, waker) = counted();
    let drops = Drops::new();
    for _ in 0..100 {
        let mut limited = Box::pin(timer.timeout(HOUR, Forever::new(drops.token())));
        let poll = limited.as_mut().poll(&mut Context::from_waker(&waker));
        ensure!(poll.is_pending(), "a timeout of an hour elapsed at once");
    }
    ensure!(drops.count() == 100, "of 100 futures {} were dropped", drops.count());
    drop(waker);
    drop(hold);
    is_let_go(cx, &wakes)
}

pub(crate) fn timeout_in_a_timeout(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    let inner = timer.timeout(HOUR, timer.timeout(millis(3), pending::<()>()));
    let inner = cx.wait("the inner timeout", inner)?;
    ensure!(matches!(inner, Ok(Err(_))), "the inner timeout resolved to {inner:?}");
    // In a task: a virtual clock could skip the hour before the outer timeout is polled.
    let in_task = timer.clone();
    let outer = cx.output(cx.spawner().spawn_with_handle(async move {
        in_task.timeout(millis(3), in_task.timeout(HOUR, pending::<()>())).await
    }))?;
    ensure!(outer.is_err(), "the outer timeout resolved to {outer:?}");
    let none = timer.timeout(HOUR, timer.timeout(HOUR, ready(7)));
    let none = cx.wait("the future", none)?;
    ensure!(matches!(none, Ok(Ok(7))), "two timeouts around a ready future: {none:?}");
    Ok(())
}

pub(crate) fn timeout_forever(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    let output = cx.wait("the future", timer.timeout(Duration::MAX, timer.sleep(millis(3))))?;
    ensure!(output.is_ok(), "a timeout of `Duration::MAX` elapsed");
    let (wakes, waker) = counted();
    let mut limited = pin!(timer.timeout(Duration::MAX, pending::<()>()));
    for _ in 0..2 {
        let poll = limited.as_mut().poll(&mut Context::from_waker(&waker));
        ensure!(poll.is_pending(), "a timeout of `Duration::MAX` elapsed");
        cx.wait("a sleep", timer.sleep(millis(3)))?;
    }
    ensure!(wakes.count() == 0, "a timeout of `Duration::MAX` woke its waker");
    Ok(())
}

pub(crate) fn timeouts_in_tasks(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    let tasks: Vec<_> = (0..500)
        .map(|n| {
            let timer = timer.clone();
            cx.spawner().spawn_with_handle(async move {
                let (limit, work) = if n % 2 == 0 { (HOUR, millis(2)) } else { (millis(2), HOUR) };
                timer.timeout(limit, timer.sleep(work)).await.is_ok()
            })
        })
        .collect();
    for (n, task) in tasks.into_iter().enumerate() {
        let in_time = cx.output(task)?;
        ensure!(in_time == (n % 2 == 0), "the later of sleep and timeout ended first");
    }
    Ok(())
}
