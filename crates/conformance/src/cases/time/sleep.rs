//! Sleeps.

use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use async_runtime_compat::{Sleep, SpawnerExt, Timer, TimerExt};

use super::{HOUR, are_dropped, counted, has_come, is_let_go, last_instant, millis};
use crate::kit::{Cx, Verdict, Wakes, ensure, fail, poll_with, wait_for};

/// Checks that a sleep, polled once, is pending.
fn pends(sleep: &mut Sleep, waker: &Waker) -> Verdict {
    ensure!(poll_with(sleep, waker).is_pending(), "a sleep ended long before its deadline");
    ensure!(!sleep.is_elapsed(), "`is_elapsed` is true on a pending sleep");
    Ok(())
}

pub(crate) fn sleeps_never_end_early(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    for round in 0..8 {
        for micros in [0, 1, 300, 999, 1_000, 1_001, 2_500, 7_000] {
            // Off the timer's own ticks, whatever they are.
            let duration = Duration::from_micros(micros) + Duration::from_nanos(round * 137);
            let start = timer.now();
            cx.wait("the sleep", timer.sleep(duration))?;
            has_come(timer, start + duration)?;

            let deadline = timer.now() + duration;
            let sleep = timer.sleep_until(deadline);
            ensure!(sleep.deadline() == Some(deadline), "the deadline is {:?}", sleep.deadline());
            cx.wait("the sleep", sleep)?;
            has_come(timer, deadline)?;
        }
    }
    Ok(())
}

pub(crate) fn sleep_of_no_time_ends(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    for _ in 0..32 {
        cx.wait("the sleep", timer.sleep(Duration::ZERO))?;
        cx.wait("the sleep", timer.sleep(Duration::from_nanos(1)))?;
    }
    Ok(())
}

pub(crate) fn sleep_until_the_past_ends(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    let past = timer.now();
    cx.wait("the sleep", timer.sleep(millis(3)))?;
    cx.wait("the sleep", timer.sleep_until(past))?;
    if let Some(long_past) = past.checked_sub(HOUR) {
        cx.wait("the sleep", timer.sleep_until(long_past))?;
    }
    Ok(())
}

pub(crate) fn sleep_is_ready_once_a_later_one_is(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    let (_, waker) = counted();
    let start = timer.now() + millis(5);
    // Not in their order.
    let mut sleeps: Vec<_> =
        (0..50).map(|n| timer.sleep_until(start + millis(n * 7 % 50))).collect();
    for sleep in &mut sleeps {
        let _ = poll_with(sleep, &waker);
    }
    let last = start + millis(50);
    cx.wait("the last sleep", timer.sleep_until(last))?;
    for sleep in &mut sleeps {
        ensure!(
            poll_with(sleep, &waker).is_ready(),
            "a sleep is still pending after one with a later deadline has ended"
        );
    }
    Ok(())
}

pub(crate) fn sleep_in_tasks(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    let tasks: Vec<_> = (0..64)
        .map(|n| {
            let timer = timer.clone();
            cx.spawner().spawn_with_handle(async move {
                let deadline = timer.now() + millis(n % 8);
                for _ in 0..4 {
                    timer.sleep_until(deadline).await;
                }
                (timer.now(), deadline)
            })
        })
        .collect();
    for task in tasks {
        let (ended, deadline) = cx.output(task)?;
        ensure!(ended >= deadline, "in a task it ended {:?} early", deadline - ended);
    }
    Ok(())
}

pub(crate) fn sleep_that_ended_stays_ended(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    let (_, waker) = counted();
    let mut sleep = timer.sleep(millis(2));
    cx.wait("the sleep", &mut sleep)?;
    for _ in 0..3 {
        ensure!(sleep.is_elapsed(), "`is_elapsed` is false after the end");
        ensure!(poll_with(&mut sleep, &waker).is_ready(), "a sleep that had ended is pending");
    }
    Ok(())
}

pub(crate) fn sleep_reset_to_later(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    let (_, waker) = counted();
    let mut sleep = timer.sleep(millis(2));
    let _ = poll_with(&mut sleep, &waker);
    let deadline = timer.now() + millis(25);
    sleep.reset(deadline);
    ensure!(
        sleep.deadline() == Some(deadline),
        "the deadline after the reset is {:?}",
        sleep.deadline()
    );
    cx.wait("the sleep", sleep)?;
    has_come(timer, deadline)
}

pub(crate) fn sleep_reset_to_earlier(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    let (_, waker) = counted();
    let mut sleep = timer.sleep(HOUR);
    pends(&mut sleep, &waker)?;
    let deadline = timer.now() + millis(5);
    sleep.reset(deadline);
    cx.wait("the sleep that was reset to an earlier deadline", sleep)?;
    has_come(timer, deadline)
}

pub(crate) fn sleep_reset_after_its_end(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    let mut sleep = timer.sleep(millis(1));
    for _ in 0..4 {
        cx.wait("the sleep", &mut sleep)?;
        let deadline = timer.now() + millis(5);
        sleep.reset(deadline);
        ensure!(!sleep.is_elapsed(), "`is_elapsed` is true after a reset to later");
        cx.wait("the sleep that was reset", &mut sleep)?;
        has_come(timer, deadline)?;
    }
    Ok(())
}

pub(crate) fn sleep_reset_before_its_first_poll(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    let deadline = timer.now() + millis(10);
    let mut sleep = timer.sleep(HOUR);
    sleep.reset(deadline);
    cx.wait("the sleep that was reset to an earlier deadline", sleep)?;
    has_come(timer, deadline)?;

    let deadline = timer.now() + millis(10);
    let mut sleep = timer.sleep(Duration::ZERO);
    sleep.reset(deadline);
    cx.wait("the sleep that was reset to a later deadline", sleep)?;
    has_come(timer, deadline)
}

pub(crate) fn sleep_reset_to_the_past(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    let (_, waker) = counted();
    let past = timer.now();
    let mut sleep = timer.sleep(HOUR);
    pends(&mut sleep, &waker)?;
    sleep.reset(past);
    cx.wait("the sleep that was reset to the past", sleep)
}

pub(crate) fn sleep_that_is_dropped_leaves_nothing(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    // An hour must not pass before the drops.
    let hold = cx.hold_clock()?;
    let (wakes, waker) = counted();
    let mut sleeps: Vec<_> = (0..1_000).map(|n| timer.sleep(HOUR + millis(n))).collect();
    for sleep in &mut sleeps {
        pends(sleep, &waker)?;
    }
    // Also one that was reset, and one that never ends.
    for sleep in &mut sleeps[..100] {
        sleep.reset(timer.now() + HOUR);
        pends(sleep, &waker)?;
    }
    let mut never = timer.sleep(Duration::MAX);
    pends(&mut never, &waker)?;
    sleeps.push(never);
    let elsewhere = sleeps.split_off(500);
    drop(sleeps);
    if thread::spawn(move || drop(elsewhere)).join().is_err() {
        return fail("dropping a sleep on another thread panicked");
    }
    drop(waker);
    drop(hold);
    is_let_go(cx, &wakes)
}

pub(crate) fn sleep_that_is_dropped_while_it_ends(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    let (wakes, waker) = counted();
    for round in 0..1_000 {
        let mut sleep = timer.sleep(Duration::from_micros(round % 7 * 300));
        if poll_with(&mut sleep, &waker).is_pending() && round % 3 > 0 {
            sleep.reset(timer.now() + Duration::from_micros(round % 5 * 300));
            let _ = poll_with(&mut sleep, &waker);
        }
        if round % 16 == 0 {
            thread::yield_now();
        }
    }
    drop(waker);
    cx.wait("a sleep after many that were dropped", timer.sleep(millis(3)))?;
    are_dropped(cx, &wakes)
}

pub(crate) fn sleep_forever(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    let (wakes, waker) = counted();
    let mut sleep = timer.sleep(Duration::MAX);
    ensure!(
        sleep.deadline().is_none(),
        "the deadline of `Duration::MAX` is {:?}",
        sleep.deadline()
    );
    pends(&mut sleep, &waker)?;
    let mut long =
        [timer.sleep(Duration::MAX.saturating_sub(millis(1))), timer.sleep(Duration::MAX / 2)];
    for sleep in &mut long {
        pends(sleep, &waker)?;
    }
    cx.wait("another sleep", timer.sleep(millis(5)))?;
    pends(&mut sleep, &waker)?;
    ensure!(wakes.count() == 0, "a sleep of `Duration::MAX` woke its waker");

    let deadline = timer.now() + millis(2);
    sleep.reset(deadline);
    ensure!(sleep.deadline() == Some(deadline), "the deadline is {:?}", sleep.deadline());
    cx.wait("the sleep that was reset from never", sleep)?;
    has_come(timer, deadline)
}

pub(crate) fn sleep_until_the_last_instant(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    let (_, waker) = counted();
    let last = last_instant();
    pends(&mut timer.sleep_until(last), &waker)?;
    for before in [1, 999_999, 1_000_000_000].map(Duration::from_nanos) {
        let deadline = last.checked_sub(before).unwrap_or(last);
        pends(&mut timer.sleep_until(deadline), &waker)?;
    }
    let mut sleep = timer.sleep(HOUR);
    sleep.reset(last);
    pends(&mut sleep, &waker)?;
    sleep.reset(timer.now() + HOUR);
    pends(&mut sleep, &waker)?;
    sleep.reset(last);
    pends(&mut sleep, &waker)?;
    // The timer still works.
    cx.wait("another sleep", timer.sleep(millis(2)))
}

pub(crate) fn sleep_wakes_the_last_waker(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    for _ in 0..16 {
        let mut sleep = timer.sleep(millis(5));
        let (_, first) = counted();
        let (last_wakes, last) = counted();
        let _ = poll_with(&mut sleep, &first);
        if poll_with(&mut sleep, &last).is_pending() {
            cx.until("the wake of the last waker", || last_wakes.count() > 0)?;
            ensure!(poll_with(&mut sleep, &last).is_ready(), "woken before the sleep is ready");
        }
        // Also after a reset.
        let wakes = Wakes::new();
        sleep.reset(timer.now() + millis(5));
        if poll_with(&mut sleep, &Waker::from(wakes.clone())).is_pending() {
            cx.until("the wake of the waker after a reset", || wakes.count() > 0)?;
        }
    }
    Ok(())
}

pub(crate) fn sleep_moves_between_tasks(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    let deadline = timer.now() + millis(20);
    let mut moving = vec![timer.sleep_until(deadline)];
    for _ in 0..4 {
        let poll_all = async move {
            std::future::poll_fn(|cx| {
                for sleep in &mut moving {
                    let _ = poll_with(sleep, cx.waker());
                }
                Poll::Ready(())
            })
            .await;
            moving
        };
        moving = cx.output(cx.spawner().spawn_with_handle(poll_all))?;
    }
    for sleep in moving {
        cx.output(cx.spawner().spawn_with_handle(sleep))?;
    }
    has_come(timer, deadline)
}

pub(crate) fn sleep_on_another_executor(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    let threads: Vec<_> = (0..8)
        .map(|n| {
            let (timer, limit) = (timer.clone(), cx.limit());
            thread::spawn(move || {
                let deadline = timer.now() + millis(n);
                wait_for(limit, "a sleep outside the runtime", timer.sleep_until(deadline))?;
                has_come(&timer, deadline)
            })
        })
        .collect();
    for thread in threads {
        match thread.join() {
            Ok(verdict) => verdict?,
            Err(_) => return fail("a sleep outside the runtime panicked"),
        }
    }
    Ok(())
}

pub(crate) fn many_sleeps(cx: &Cx) -> Verdict {
    const MANY: u64 = 100_000;

    let timer = cx.timer()?;
    let start = timer.now() + millis(300);
    let deadline = |n: u64| start + Duration::from_micros(n.wrapping_mul(7_919) % 100_000);
    let mut sleeps: Vec<_> = (0..MANY).map(|n| timer.sleep_until(deadline(n))).collect();
    // A waker each: a shared one would hide a sleep that is not woken.
    let mut pending = Vec::new();
    for (n, sleep) in (0..).zip(&mut sleeps) {
        let (wakes, waker) = counted();
        if poll_with(sleep, &waker).is_pending() {
            pending.push((n, wakes));
        }
    }
    for (n, wakes) in pending {
        cx.until("the wake of one of many sleeps", || wakes.count() > 0)?;
        has_come(timer, deadline(n))?;
    }
    for sleep in &mut sleeps {
        ensure!(poll_with(sleep, Waker::noop()).is_ready(), "woken before the sleep is ready");
    }
    Ok(())
}
