//! C6, C7, C10 and C11: joining from anywhere, and the joiner's waker.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use async_runtime_compat::{BoxFuture, FnSpawner, JoinHandle, SpawnerExt};

use crate::kit::{
    Cx, Drops, Event, Forever, OnDrop, Verdict, Wakes, ensure, fail, poll_with, quiet_panic,
    wait_for,
};

/// A task that ends with `output` when the event happens.
fn ends_with<T: Send + 'static>(cx: &Cx, output: T) -> (JoinHandle<T>, Event) {
    let may_end = Event::new();
    let wait = may_end.clone();
    let task = cx.spawner().spawn_with_handle(async move {
        wait.happens().await;
        output
    });
    (task, may_end)
}

pub(crate) fn awaited_outside_of_any_runtime(cx: &Cx) -> Verdict {
    let (task, may_end) = ends_with(cx, 7);
    let limit = cx.limit();
    let joiner = thread::spawn(move || wait_for(limit, "the join", task));
    may_end.set();
    match joiner.join() {
        Ok(result) => match result? {
            Ok(7) => Ok(()),
            Ok(other) => fail(format!("expected the output 7, got {other}")),
            Err(error) => fail(format!("expected the output, but the {error}")),
        },
        Err(_) => fail("the join panicked"),
    }
}

pub(crate) fn awaited_from_another_executor(cx: &Cx) -> Verdict {
    let limit = cx.limit();
    let threads = FnSpawner::new(move |task: BoxFuture<'static, ()>| {
        thread::spawn(move || wait_for(limit, "the task", task).map(drop));
    });
    // There and back: a task of the subject waits for one of the threads, which waits for one of
    // the subject.
    let (inner, may_end) = ends_with(cx, 7);
    let outer = threads.spawn_with_handle(async move { inner.await.map(|n| n + 1) });
    let task = cx.spawner().spawn_with_handle(outer);
    may_end.set();
    match cx.output(task)? {
        Ok(Ok(8)) => Ok(()),
        other => fail(format!("expected 8, got {other:?}")),
    }
}

pub(crate) fn woken_from_another_thread(cx: &Cx) -> Verdict {
    for _ in 0..50 {
        let (task, may_end) = ends_with(cx, ());
        let waker = thread::spawn(move || may_end.set());
        cx.output(task)?;
        let _ = waker.join();
    }
    Ok(())
}

/// Checks that the join of a finished task resolves at the first poll.
fn immediate<T>(mut task: JoinHandle<T>) -> Verdict<Result<T, async_runtime_compat::JoinError>> {
    for _ in 0..100 {
        ensure!(task.is_finished(), "`is_finished` turned false");
    }
    match poll_with(&mut task, Waker::noop()) {
        Poll::Ready(result) => {
            ensure!(task.is_finished(), "`is_finished` turned false with the join");
            Ok(result)
        }
        Poll::Pending => fail("`is_finished` is true, but the join is pending"),
    }
}

pub(crate) fn finished_after_completion(cx: &Cx) -> Verdict {
    let (task, may_end) = ends_with(cx, 7);
    ensure!(!task.is_finished(), "`is_finished` is true while the task waits");
    may_end.set();
    cx.until("`is_finished`", || task.is_finished())?;
    match immediate(task)? {
        Ok(7) => Ok(()),
        other => fail(format!("expected the output 7, got {other:?}")),
    }
}

pub(crate) fn finished_after_abort(cx: &Cx) -> Verdict {
    for shared in [true, false] {
        let drops = Drops::new();
        let task = cx.spawner().spawn_with_handle(Forever::new(drops.token()));
        let handle = shared.then(|| task.abort_handle());
        match &handle {
            Some(handle) => handle.abort(),
            None => task.abort(),
        }
        cx.until("`is_finished`", || task.is_finished())?;
        ensure!(drops.count() == 1, "`is_finished` before the future was dropped");
        match immediate(task)? {
            Err(error) if error.is_cancelled() => {}
            other => return fail(format!("expected `is_cancelled`, got {other:?}")),
        }
        ensure!(
            handle.is_none_or(|handle| handle.is_finished()),
            "`is_finished` of the abort handle differs"
        );
    }
    Ok(())
}

pub(crate) fn finished_after_a_panic(cx: &Cx) -> Verdict {
    let task = cx.spawner().spawn_with_handle(async { quiet_panic(()) });
    cx.until("`is_finished`", || task.is_finished())?;
    match immediate::<()>(task)? {
        Err(error) if error.is_panic() => Ok(()),
        other => fail(format!("expected `is_panic`, got {other:?}")),
    }
}

pub(crate) fn not_finished_before_the_future_is_dropped(cx: &Cx) -> Verdict {
    // The destructor waits, so that there is a time between the abort and the end of the drop.
    let (dropping, may_drop) = (Event::new(), Event::new());
    let limit = cx.limit();
    let on_drop = {
        let (dropping, may_drop) = (dropping.clone(), may_drop.clone());
        OnDrop(move || {
            dropping.set();
            let _ = wait_for(limit, "the release of the destructor", may_drop.happens());
        })
    };
    let future = Forever::new(on_drop);
    let polled = future.polled.clone();
    let mut task = cx.spawner().spawn_with_handle(future);
    cx.wait("the first poll", polled.happens())?;
    task.abort();
    cx.wait("the start of the drop", dropping.happens())?;
    let finished = task.is_finished();
    let joined = poll_with(&mut task, Waker::noop()).is_ready();
    may_drop.set();
    ensure!(!finished, "`is_finished` while the future is being dropped");
    ensure!(!joined, "the join resolved while the future was being dropped");
    cx.cancelled(task)
}

pub(crate) fn is_finished_keeps_the_joiner(cx: &Cx) -> Verdict {
    for shared in [true, false] {
        let (mut task, may_end) = ends_with(cx, 7);
        let handle = shared.then(|| task.abort_handle());
        let wakes = Wakes::new();
        let waker = Waker::from(wakes.clone());
        ensure!(
            poll_with(&mut task, &waker).is_pending(),
            "the join is ready before the task has ended"
        );
        for _ in 0..3 {
            ensure!(!task.is_finished(), "`is_finished` is true while the task waits");
            ensure!(
                handle.as_ref().is_none_or(|h| !h.is_finished()),
                "`is_finished` of the abort handle differs"
            );
        }
        may_end.set();
        cx.until("the joiner's wake-up", || wakes.count() > 0)?;
        match poll_with(&mut task, &waker) {
            Poll::Ready(Ok(7)) => {}
            other => return fail(format!("expected the output, got {other:?}")),
        }
    }
    Ok(())
}

pub(crate) fn is_finished_in_the_joiners_waker(cx: &Cx) -> Verdict {
    /// Uses the handle for whose join it is woken.
    #[derive(Default)]
    struct Asks(OnceLock<JoinHandle<()>>, Event);

    impl Wake for Asks {
        fn wake(self: Arc<Self>) {
            if let Some(task) = self.0.get() {
                let _ = task.is_finished();
                task.abort();
                drop(task.abort_handle());
                self.1.set();
            }
        }
    }

    for shared in [true, false] {
        let mut task = cx.spawner().spawn_with_handle(std::future::pending::<()>());
        let handle = shared.then(|| task.abort_handle());
        let asks = Arc::new(Asks::default());
        ensure!(poll_with(&mut task, &Waker::from(asks.clone())).is_pending(), "the join resolved");
        let _ = asks.0.set(task);
        match (&handle, asks.0.get()) {
            (Some(handle), _) => handle.abort(),
            (None, Some(task)) => task.abort(),
            (None, None) => return fail("the handle was lost"),
        }
        cx.wait("the waker that uses the handle", asks.1.happens())?;
    }
    Ok(())
}

pub(crate) fn finished_stays_true_while_others_abort(cx: &Cx) -> Verdict {
    for _ in 0..300 {
        let task = cx.spawner().spawn_with_handle(async { 7 });
        let handle = task.abort_handle();
        cx.until("`is_finished`", || task.is_finished())?;
        let start = Arc::new(Barrier::new(2));
        let aborter = thread::spawn({
            let start = start.clone();
            move || {
                start.wait();
                handle.abort();
            }
        });
        start.wait();
        let result = immediate(task);
        let _ = aborter.join();
        match result? {
            Ok(7) => {}
            other => return fail(format!("expected the output 7, got {other:?}")),
        }
    }
    Ok(())
}

/// Checks that a resolved join panics when it is polled again.
pub(crate) fn panics_when_polled_again<J: Future + Unpin>(join: &mut J) -> Verdict {
    let again = catch_unwind(AssertUnwindSafe(|| poll_with(join, Waker::noop()).is_ready()));
    match again {
        Ok(true) => fail("polled again, the join resolved a second time"),
        Ok(false) => fail("polled again, the join is pending"),
        Err(payload) => {
            let message = crate::kit::message(&*payload);
            ensure!(
                message.contains("polled after"),
                "polled again, the join panics with an unclear message: {message}"
            );
            Ok(())
        }
    }
}

pub(crate) fn polled_again_after_the_output(cx: &Cx) -> Verdict {
    let mut task = cx.spawner().spawn_with_handle(async { 7 });
    let output = cx.wait("the join", &mut task)?;
    ensure!(matches!(output, Ok(7)), "expected the output 7, got {output:?}");
    panics_when_polled_again(&mut task)?;
    // The other methods still work.
    task.abort();
    ensure!(
        task.is_finished() && task.abort_handle().is_finished(),
        "`is_finished` is false after the join"
    );
    Ok(())
}

pub(crate) fn polled_again_after_an_error(cx: &Cx) -> Verdict {
    let mut task = cx.spawner().spawn_with_handle(std::future::pending::<()>());
    task.abort();
    let result = cx.wait("the join", &mut task)?;
    ensure!(result.is_err_and(|error| error.is_cancelled()), "expected `is_cancelled`");
    panics_when_polled_again(&mut task)?;

    let mut task = cx.spawner().spawn_with_handle(async { quiet_panic(()) }).abort_on_drop();
    let result: Result<(), _> = cx.wait("the join", &mut task)?;
    ensure!(result.is_err_and(|error| error.is_panic()), "expected `is_panic`");
    panics_when_polled_again(&mut task)
}

pub(crate) fn last_joiner_is_woken(cx: &Cx) -> Verdict {
    for shared in [true, false] {
        let (mut task, may_end) = ends_with(cx, 7);
        let handle = shared.then(|| task.abort_handle());
        let (first, last) = (Wakes::new(), Wakes::new());
        ensure!(
            poll_with(&mut task, &Waker::from(first.clone())).is_pending()
                && poll_with(&mut task, &Waker::from(last.clone())).is_pending(),
            "the join is ready before the task has ended"
        );
        may_end.set();
        cx.until("the wake-up of the last joiner", || last.count() > 0)?;
        ensure!(first.count() == 0, "a waker that was replaced was woken");
        let output = cx.output(task)?;
        ensure!(output == 7, "expected the output 7, got {output}");
        drop(handle);
    }
    Ok(())
}

pub(crate) fn handle_moves_between_threads(cx: &Cx) -> Verdict {
    let (mut task, may_end) = ends_with(cx, 7);
    let limit = cx.limit();
    ensure!(
        poll_with(&mut task, Waker::noop()).is_pending(),
        "the join is ready before the task has ended"
    );
    // Polled here, then in a task of the executor, then on another thread.
    let task = cx.output(cx.spawner().spawn_with_handle(async move {
        let pending = poll_with(&mut task, Waker::noop()).is_pending();
        (task, pending)
    }))?;
    ensure!(task.1, "the join is ready before the task has ended");
    let joiner = thread::spawn(move || wait_for(limit, "the join", task.0));
    may_end.set();
    match joiner.join() {
        Ok(result) => match result? {
            Ok(7) => Ok(()),
            other => fail(format!("expected the output, got {other:?}")),
        },
        Err(_) => fail("the join panicked"),
    }
}

pub(crate) fn last_waker_of_a_task_is_used(cx: &Cx) -> Verdict {
    // The task waits several times, and is woken by the newest waker alone.
    let latest: Arc<Mutex<Option<Waker>>> = Arc::default();
    let store = latest.clone();
    let mut rounds = 0;
    let task = cx.spawner().spawn_with_handle(std::future::poll_fn(move |cx: &mut Context<'_>| {
        rounds += 1;
        if rounds > 10 {
            return Poll::Ready(());
        }
        *store.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        Poll::Pending
    }));
    for _ in 0..10 {
        let taken = Mutex::new(None);
        cx.until("the next poll of the task", || {
            let waker = latest.lock().unwrap_or_else(PoisonError::into_inner).take();
            let some = waker.is_some();
            *taken.lock().unwrap_or_else(PoisonError::into_inner) = waker;
            some
        })?;
        if let Some(waker) = taken.into_inner().unwrap_or_else(PoisonError::into_inner) {
            waker.wake();
        }
    }
    cx.output(task)
}
