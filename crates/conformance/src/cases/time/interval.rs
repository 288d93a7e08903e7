//! Intervals.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use async_runtime_compat::{Interval, MissedTickBehavior, SpawnerExt, Timer, TimerExt};

use super::{HOUR, counted, has_come, millis};
use crate::kit::{Cx, Verdict, ensure, fail};

/// Waits for a tick, and checks that it is not early.
fn tick(cx: &Cx, interval: &mut Interval) -> Verdict<Instant> {
    let due = cx.wait("the tick", interval.tick())?;
    has_come(cx.timer()?, due)?;
    Ok(due)
}

/// Checks that a tick was due at the instant.
fn is_due(tick: Instant, due: Instant) -> Verdict {
    let (early, late) = (due.saturating_duration_since(tick), tick.saturating_duration_since(due));
    ensure!(tick == due, "the tick is {early:?} early and {late:?} late");
    Ok(())
}

pub(crate) fn interval_ticks_at_once_and_then_on_schedule(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    let before = timer.now();
    let mut interval = timer.interval(millis(3));
    let after = timer.now();
    let start = match interval.poll_tick(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(start) => start,
        Poll::Pending => return fail("the first tick is not immediate"),
    };
    ensure!(
        before <= start && start <= after,
        "the first tick is not due when the interval was made"
    );
    for n in 1..10 {
        is_due(tick(cx, &mut interval)?, start + millis(3) * n)?;
    }
    ensure!(interval.period() == millis(3), "the period is {:?}", interval.period());

    // It does not borrow the timer, and can move into a task.
    let task = async move {
        for _ in 0..3 {
            interval.tick().await;
        }
        interval.tick().await
    };
    is_due(cx.output(cx.spawner().spawn_with_handle(task))?, start + millis(3) * 13)
}

pub(crate) fn interval_with_a_start(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    let start = timer.now() + millis(8);
    let mut interval = timer.interval_at(start, millis(2));
    is_due(tick(cx, &mut interval)?, start)?;
    is_due(tick(cx, &mut interval)?, start + millis(2))?;
    // With a start in the past, ticks have been missed.
    let mut interval = timer.interval_at(start, millis(2));
    is_due(tick(cx, &mut interval)?, start)?;
    is_due(tick(cx, &mut interval)?, start + millis(2))
}

const PERIOD: Duration = millis(10);

/// An interval whose second tick is late by two and a half periods, and its start.
fn late(cx: &Cx, behavior: MissedTickBehavior) -> Verdict<(Interval, Instant)> {
    let timer = cx.timer()?;
    let mut interval = timer.interval(PERIOD);
    ensure!(
        interval.missed_tick_behavior() == MissedTickBehavior::Burst,
        "the default is not `Burst`"
    );
    interval.set_missed_tick_behavior(behavior);
    let start = tick(cx, &mut interval)?;
    cx.wait("a sleep", timer.sleep_until(start + PERIOD * 7 / 2))?;
    Ok((interval, start))
}

pub(crate) fn interval_bursts(cx: &Cx) -> Verdict {
    let (mut interval, start) = late(cx, MissedTickBehavior::Burst)?;
    for n in 1..6 {
        is_due(tick(cx, &mut interval)?, start + PERIOD * n)?;
    }
    Ok(())
}

/// The late tick of an interval, and the instants before and after it.
fn late_tick(cx: &Cx, interval: &mut Interval, start: Instant) -> Verdict<(Instant, Instant)> {
    let timer = cx.timer()?;
    let before = timer.now();
    is_due(tick(cx, interval)?, start + PERIOD)?;
    Ok((before, timer.now()))
}

pub(crate) fn interval_delays(cx: &Cx) -> Verdict {
    let (mut interval, start) = late(cx, MissedTickBehavior::Delay)?;
    let (before, after) = late_tick(cx, &mut interval, start)?;
    let next = tick(cx, &mut interval)?;
    ensure!(
        before + PERIOD <= next && next <= after + PERIOD,
        "after a late tick the next one is not due a period later, but {:?} after the start",
        next - start
    );
    Ok(())
}

pub(crate) fn interval_skips(cx: &Cx) -> Verdict {
    let (mut interval, start) = late(cx, MissedTickBehavior::Skip)?;
    let (before, after) = late_tick(cx, &mut interval, start)?;
    let next = tick(cx, &mut interval)?;
    ensure!(
        before < next && next <= after + PERIOD,
        "after a late tick the next one is not due within a period, but {:?} after the start",
        next - start
    );
    let off = (next - start).as_nanos() % PERIOD.as_nanos();
    ensure!(off == 0, "after a late tick the next one is {off} ns off the schedule");
    Ok(())
}

pub(crate) fn interval_resets(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    let mut interval = timer.interval(millis(5));
    tick(cx, &mut interval)?;
    // Before and after the first poll of the next tick.
    for waits in [false, true] {
        if waits {
            let _ = interval.poll_tick(&mut Context::from_waker(Waker::noop()));
        }
        let before = timer.now();
        interval.reset();
        let after = timer.now();
        let next = tick(cx, &mut interval)?;
        ensure!(
            before + millis(5) <= next && next <= after + millis(5),
            "after a reset the next tick is not due a period later"
        );
    }

    interval.reset_after(HOUR);
    let poll = interval.poll_tick(&mut Context::from_waker(Waker::noop()));
    ensure!(poll.is_pending(), "a tick that is due in an hour is ready");
    interval.reset_immediately();
    let poll = interval.poll_tick(&mut Context::from_waker(Waker::noop()));
    ensure!(poll.is_ready(), "a tick that is due now is pending");

    let deadline = timer.now() + millis(4);
    interval.reset_at(deadline);
    is_due(tick(cx, &mut interval)?, deadline)?;
    is_due(tick(cx, &mut interval)?, deadline + millis(5))
}

pub(crate) fn interval_tick_is_cancel_safe(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    let mut interval = timer.interval(millis(3));
    let start = tick(cx, &mut interval)?;
    for n in 1..20 {
        let (_, waker) = counted();
        for _ in 0..3 {
            if let Poll::Ready(due) = pin!(interval.tick()).poll(&mut Context::from_waker(&waker)) {
                // This thread is late, and the tick counts.
                is_due(due, start + millis(3) * n)?;
                return Ok(());
            }
        }
        is_due(tick(cx, &mut interval)?, start + millis(3) * n)?;
    }
    Ok(())
}

pub(crate) fn interval_forever(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    let mut interval = timer.interval(Duration::MAX);
    tick(cx, &mut interval)?;
    for _ in 0..2 {
        let poll = interval.poll_tick(&mut Context::from_waker(Waker::noop()));
        ensure!(poll.is_pending(), "a second tick is ready, with a period of `Duration::MAX`");
    }
    interval.reset();
    let poll = interval.poll_tick(&mut Context::from_waker(Waker::noop()));
    ensure!(poll.is_pending(), "a tick is ready after a reset, with a period of `Duration::MAX`");
    interval.reset_immediately();
    tick(cx, &mut interval)?;

    let (mut late, start) = late(cx, MissedTickBehavior::Skip)?;
    late.reset_at(start);
    tick(cx, &mut late).map(drop)
}

pub(crate) fn interval_without_a_period(cx: &Cx) -> Verdict {
    let timer = cx.timer()?;
    match catch_unwind(AssertUnwindSafe(|| drop(timer.interval(Duration::ZERO)))) {
        Ok(()) => fail("an interval with a period of zero was made"),
        Err(payload) => {
            let text = crate::kit::message(&*payload);
            ensure!(text.contains("must not be zero"), "it panicked with: {text}");
            Ok(())
        }
    }
}
