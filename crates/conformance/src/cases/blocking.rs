//! C15: blocking work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;
use std::thread::{self, ThreadId};

use async_runtime_compat::decorate::Identified;
use async_runtime_compat::{BlockingExt, JoinHandle, SpawnMeta, task, with_blocking};

use super::spawn::joined_large;
use crate::kit::{
    Cx, Drops, Event, Large, OnDrop, SlowDrop, Verdict, Wakes, ensure, fail, poll_with,
    quiet_panic, wait_for,
};
use crate::recorder::Recorder;

/// A job that is running, and the event that lets it return `token`.
fn started<T: Send + 'static>(cx: &Cx, token: T) -> Verdict<(JoinHandle<T>, Event)> {
    let (running, may_end, limit) = (Event::new(), Event::new(), cx.limit());
    let job = cx.blocking()?.spawn_blocking({
        let (running, may_end) = (running.clone(), may_end.clone());
        move || {
            running.set();
            // It ends after the limit anyway: a case that fails leaves no thread behind.
            let _ = wait_for(limit, "the release of the job", may_end.happens());
            token
        }
    });
    cx.wait("the start of the job", running.happens())?;
    Ok((job, may_end))
}

/// Checks that the pool still runs jobs.
fn still_runs(cx: &Cx) -> Verdict {
    for _ in 0..16 {
        cx.output(cx.blocking()?.spawn_blocking(|| ()))?;
    }
    Ok(())
}

pub(crate) fn output_reaches_the_join(cx: &Cx) -> Verdict {
    let output = cx.output(cx.blocking()?.spawn_blocking(|| vec![1, 2, 3]))?;
    ensure!(output == [1, 2, 3], "expected the output [1, 2, 3], got {output:?}");
    Ok(())
}

pub(crate) fn outputs_of_any_size(cx: &Cx) -> Verdict {
    let blocking = cx.blocking()?;
    joined_large(cx, blocking.spawn_blocking(Large::new))?;
    let job = blocking.spawn_blocking(Large::new);
    let handle = job.abort_handle();
    cx.until("the end of the job", || job.is_finished())?;
    handle.abort();
    joined_large(cx, job)
}

pub(crate) fn does_not_run_inline(cx: &Cx) -> Verdict {
    let blocking = cx.blocking()?;
    let here = thread::current().id();
    let is_elsewhere = |thread: ThreadId| -> Verdict {
        ensure!(thread != here, "the job ran on the thread of the call");
        Ok(())
    };
    for _ in 0..16 {
        is_elsewhere(cx.output(blocking.spawn_blocking(|| thread::current().id()))?)?;
        let (send, receive) = std::sync::mpsc::channel();
        let job = || {
            let send = send.clone();
            Box::new(move || {
                let _ = send.send(thread::current().id());
            })
        };
        blocking.execute(job());
        blocking.execute_with(SpawnMeta::new(), job());
        for _ in 0..2 {
            match receive.recv_timeout(cx.limit()) {
                Ok(thread) => is_elsewhere(thread)?,
                Err(_) => return fail("a job passed to `execute` or `execute_with` did not run"),
            }
        }
    }
    Ok(())
}

pub(crate) fn spawn_blocking_does_not_block(cx: &Cx) -> Verdict {
    // The event happens after the calls.
    let may_end = Event::new();
    let limit = cx.limit();
    let jobs: Vec<_> = (0..8)
        .map(|_| {
            let may_end = may_end.clone();
            let wait = move || wait_for(limit, "the release", may_end.happens()).is_ok();
            Ok(cx.blocking()?.spawn_blocking(wait))
        })
        .collect::<Verdict<_>>()?;
    may_end.set();
    for job in jobs {
        ensure!(cx.output(job)?, "the job ended before the event that it waits for");
    }
    Ok(())
}

pub(crate) fn tasks_run_beside_a_job(cx: &Cx) -> Verdict {
    cx.blocking()?;
    cx.needs_threads()?;
    let (job, may_end) = started(cx, 7)?;
    cx.still_runs()?;
    ensure!(!job.is_finished(), "`is_finished` is true while the job runs");
    may_end.set();
    let output = cx.output(job)?;
    ensure!(output == 7, "expected the output 7, got {output}");
    Ok(())
}

pub(crate) fn spawned_from_a_task(cx: &Cx) -> Verdict {
    use async_runtime_compat::SpawnerExt;

    let blocking = cx.blocking()?.clone();
    let task = cx.spawner().spawn_with_handle(async move {
        blocking.spawn_blocking(|| 7).await.is_ok_and(|n| n == 7)
    });
    ensure!(cx.output(task)?, "a job that a task awaits has no output");
    Ok(())
}

pub(crate) fn spawned_from_a_job_and_a_destructor(cx: &Cx) -> Verdict {
    let ran = Event::new();
    let blocking = cx.blocking()?.clone();
    let on_drop = OnDrop({
        let ran = ran.clone();
        move || {
            let ran = ran.clone();
            blocking.spawn_blocking(move || ran.set()).detach();
        }
    });
    cx.output(cx.blocking()?.spawn_blocking(move || drop(on_drop)))?;
    cx.wait("the job of the destructor", ran.happens())
}

pub(crate) fn dropped_handle_detaches(cx: &Cx) -> Verdict {
    let drops = Drops::new();
    let (job, may_end) = started(cx, drops.token())?;
    drop(job);
    ensure!(drops.count() == 0, "the output was dropped before the job returned it");
    may_end.set();
    cx.wait("the drop of a detached job's output", drops.first())?;

    let ran = Event::new();
    let set = ran.clone();
    drop(cx.blocking()?.spawn_blocking(move || set.set()));
    cx.wait("the run of a job that was detached at once", ran.happens())
}

pub(crate) fn abort_while_running_waits_for_the_end(cx: &Cx) -> Verdict {
    for by_handle in [false, true] {
        let drops = Drops::new();
        let (job, may_end) = started(cx, drops.token())?;
        if by_handle {
            job.abort_handle().abort();
        } else {
            job.abort();
        }
        ensure!(!job.is_finished(), "`is_finished` is true while an aborted job runs");
        may_end.set();
        cx.cancelled(job)?;
        ensure!(drops.count() == 1, "the output was dropped {} times", drops.count());
    }
    Ok(())
}

pub(crate) fn abort_while_running_waits_for_the_drop_of_the_output(cx: &Cx) -> Verdict {
    for round in 0..30 {
        let output = SlowDrop::new();
        let (job, may_end) = started(cx, output.value())?;
        if round % 2 == 0 {
            job.abort_handle().abort();
        } else {
            job.abort();
        }
        may_end.set();
        let result = cx.join(job)?;
        output.resolved()?;
        ensure!(result.is_err_and(|error| error.is_cancelled()), "expected `is_cancelled`");
    }
    Ok(())
}

pub(crate) fn abort_after_the_end_keeps_the_output(cx: &Cx) -> Verdict {
    for polled in [false, true] {
        let (mut job, may_end) = started(cx, 7)?;
        let wakes = Wakes::new();
        if polled {
            let pending = poll_with(&mut job, &Waker::from(wakes.clone())).is_pending();
            ensure!(pending, "the join resolved before the job ended");
        }
        may_end.set();
        if polled {
            cx.until("the wake-up of the join", || wakes.count() > 0)?;
        } else {
            cx.until("the end of the job", || job.is_finished())?;
        }
        job.abort();
        job.abort_handle().abort();
        let output = cx.output(job)?;
        ensure!(output == 7, "expected the output 7, got {output}");
    }
    Ok(())
}

pub(crate) fn abort_against_start(cx: &Cx) -> Verdict {
    for round in 0..300 {
        let (drops, runs) = (Drops::new(), Arc::new(AtomicUsize::new(0)));
        let job = cx.blocking()?.spawn_blocking({
            let (token, runs) = (drops.token(), runs.clone());
            move || {
                runs.fetch_add(1, Ordering::SeqCst);
                drop(token);
            }
        });
        if round % 2 == 0 {
            thread::yield_now();
        }
        let handle = job.abort_handle();
        handle.abort();
        let result = cx.join(job)?;
        let ran = runs.load(Ordering::SeqCst);
        match result {
            Ok(()) => ensure!(ran == 1, "a job with an output ran {ran} times"),
            Err(error) => ensure!(error.is_cancelled(), "expected `is_cancelled`, but the {error}"),
        }
        ensure!(drops.count() == 1, "the join resolved before the function was dropped");
        ensure!(handle.is_finished(), "`is_finished` is false after the join");
        ensure!(ran <= 1, "a job ran {ran} times");
    }
    Ok(())
}

pub(crate) fn abort_on_drop_never_leaks(cx: &Cx) -> Verdict {
    for _ in 0..100 {
        let drops = Drops::new();
        let token = drops.token();
        drop(cx.blocking()?.spawn_blocking(move || drop(token)).abort_on_drop());
        cx.wait("the drop of the function, run or not", drops.first())?;
        ensure!(drops.count() == 1, "the function was dropped {} times", drops.count());
    }
    Ok(())
}

pub(crate) fn panic_reaches_the_join(cx: &Cx) -> Verdict {
    let job: JoinHandle<()> = cx.blocking()?.spawn_blocking(|| quiet_panic("a message"));
    let error = cx.error(job)?;
    ensure!(error.is_panic(), "expected `is_panic`, but the {error}");
    ensure!(
        error.panic_message().as_deref() == Some("a message"),
        "the message is not the one of the panic"
    );

    let on_drop = OnDrop(|| quiet_panic("in a destructor"));
    let error = cx.error(cx.blocking()?.spawn_blocking(move || drop(on_drop)))?;
    ensure!(error.is_panic(), "expected `is_panic`, but the {error}");
    still_runs(cx)
}

pub(crate) fn panics_of_detached_jobs_are_contained(cx: &Cx) -> Verdict {
    for _ in 0..16 {
        let job: JoinHandle<()> = cx.blocking()?.spawn_blocking(|| quiet_panic("detached"));
        job.detach();
        cx.blocking()?.execute(Box::new(|| quiet_panic("raw")));
        cx.blocking()?.spawn_blocking(|| OnDrop(|| quiet_panic("detached output"))).detach();
    }
    still_runs(cx)
}

pub(crate) fn panic_in_the_destructor_of_an_aborted_function(cx: &Cx) -> Verdict {
    // A case that is skipped must not drop a value that panics.
    let blocking = cx.blocking()?;
    for _ in 0..50 {
        let drops = Drops::new();
        let on_drop = {
            let drops = drops.clone();
            OnDrop(move || {
                drop(drops.token());
                quiet_panic("in a destructor");
            })
        };
        let job = blocking.spawn_blocking(move || drop(on_drop));
        job.abort();
        let error = cx.error(job)?;
        // It is a panic if the job ended before the abort.
        ensure!(
            error.is_cancelled() || error.is_panic(),
            "expected `is_cancelled` or `is_panic`, but the {error}"
        );
        ensure!(drops.count() == 1, "the function was dropped {} times", drops.count());
    }
    still_runs(cx)
}

pub(crate) fn storm(cx: &Cx) -> Verdict {
    const THREADS: usize = 8;
    const EACH: usize = 200;
    let runs = Arc::new(AtomicUsize::new(0));
    let blocking = cx.blocking()?;
    let jobs: Vec<JoinHandle<()>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    let job = |_| {
                        let runs = runs.clone();
                        blocking.spawn_blocking(move || {
                            runs.fetch_add(1, Ordering::SeqCst);
                        })
                    };
                    (0..EACH).map(job).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).flatten().collect()
    });
    ensure!(jobs.len() == THREADS * EACH, "a call to `spawn_blocking` panicked");
    for job in jobs {
        cx.output(job)?;
    }
    let runs = runs.load(Ordering::SeqCst);
    ensure!(runs == THREADS * EACH, "of {} jobs {runs} ran", THREADS * EACH);
    Ok(())
}

pub(crate) fn name_and_location_reach_the_error(cx: &Cx) -> Verdict {
    let job: JoinHandle<()> =
        cx.blocking()?.spawn_blocking_named("compact", || quiet_panic("a message"));
    let location = job.spawned_at();
    ensure!(location.file() == file!(), "the location is {location}");
    let error = cx.error(job)?;
    super::names::names(&error.to_string(), Some("compact"), location)
}

pub(crate) fn name_and_location_reach_the_pool(cx: &Cx) -> Verdict {
    let pool = Recorder::new(cx.blocking()?.clone());
    for name in [Some("compact"), None] {
        let job = match name {
            Some(name) => pool.spawn_blocking_named(name, || 7),
            None => pool.spawn_blocking(|| 7),
        };
        let location = job.spawned_at();
        let output = cx.output(job)?;
        ensure!(output == 7, "expected the output 7, got {output}");
        pool.saw(name, location, "a pool around the subject's")?;
    }
    Ok(())
}

pub(crate) fn handle_and_job_agree_on_the_id(cx: &Cx) -> Verdict {
    let pool = cx.blocking()?;
    let both = with_blocking(cx.spawner().clone(), pool.clone());
    let identified = Identified::new(both).spawn_blocking(task::try_id);
    ensure!(identified.id().is_some(), "blocking work of an identified runtime has no id");
    // Whether it gives ids or not.
    for job in [pool.spawn_blocking(task::try_id), identified] {
        let id = job.id();
        let inside = cx.output(job)?;
        ensure!(inside == id, "the handle's id is {id:?}, and the id inside is {inside:?}");
    }
    Ok(())
}

pub(crate) fn spawned_after_shutdown(cx: &Cx) -> Verdict {
    cx.blocking()?;
    cx.shut_down()?;
    let drops = Drops::new();
    let token = drops.token();
    let job = cx.blocking()?.spawn_blocking(move || drop(token));
    let error = cx.error(job)?;
    ensure!(error.is_shutdown(), "expected `is_shutdown`, but the {error}");
    ensure!(drops.count() == 1, "the function was dropped {} times", drops.count());

    let token = drops.token();
    cx.blocking()?.execute(Box::new(move || drop(token)));
    let token = drops.token();
    cx.blocking()?.execute_with(SpawnMeta::new(), Box::new(move || drop(token)));
    cx.until("the drop of the raw jobs", || drops.count() == 3)
}
