//! C4: panics.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::thread;

use async_runtime_compat::{SpawnMeta, SpawnerExt, TaskGroup};

use crate::kit::{Cx, Drops, Event, Forever, OnDrop, Verdict, ensure, quiet_panic};

#[derive(Debug, PartialEq)]
struct Payload(u64);

pub(crate) fn payload_reaches_the_join(cx: &Cx) -> Verdict {
    let task = cx.spawner().spawn_with_handle(async {
        async_runtime_compat::yield_now().await;
        quiet_panic(Payload(41));
    });
    let error = cx.error::<()>(task)?;
    ensure!(error.is_panic(), "expected `is_panic`, but the {error}");
    ensure!(!error.is_cancelled() && !error.is_shutdown(), "the error is of several kinds at once");
    let payload = error.into_panic();
    ensure!(
        payload.downcast_ref() == Some(&Payload(41)),
        "the payload is not the one of the panic"
    );
    Ok(())
}

pub(crate) fn messages_reach_the_join(cx: &Cx) -> Verdict {
    let tasks = [
        cx.spawner().spawn_with_handle(async { quiet_panic("a message") }),
        cx.spawner().spawn_with_handle(async { quiet_panic(String::from("a message")) }),
    ];
    for task in tasks {
        let error = cx.error::<()>(task)?;
        let message = error.panic_message();
        ensure!(message.as_deref() == Some("a message"), "the message became {message:?}");
        ensure!(error.to_string().ends_with("panicked: a message"), "the report says: {error}");
    }
    Ok(())
}

pub(crate) fn payload_that_is_not_a_string(cx: &Cx) -> Verdict {
    let error =
        cx.error::<()>(cx.spawner().spawn_with_handle(async { quiet_panic(Payload(1)) }))?;
    ensure!(error.panic_message().is_none(), "the payload has no message, but the error has one");
    ensure!(error.to_string().contains("not a string"), "the report says: {error}");
    Ok(())
}

pub(crate) fn other_tasks_go_on(cx: &Cx) -> Verdict {
    // One task was spawned before the panics, the others after them.
    let may_end = Event::new();
    let wait = may_end.clone();
    let before = cx.spawner().spawn_with_handle(async move { wait.happens().await });
    for _ in 0..32 {
        let error = cx.error::<()>(cx.spawner().spawn_with_handle(async { quiet_panic(()) }))?;
        ensure!(error.is_panic(), "expected `is_panic`, but the {error}");
    }
    may_end.set();
    cx.output(before)?;
    cx.still_runs()
}

pub(crate) fn detached_panic_is_contained(cx: &Cx) -> Verdict {
    for with_handle in [true, false] {
        let drops = Drops::new();
        for _ in 0..8 {
            let token = drops.token();
            let future = async move {
                let _token = token;
                async_runtime_compat::yield_now().await;
                quiet_panic(());
            };
            if with_handle {
                cx.spawner().spawn_with_handle(future).detach();
            } else {
                cx.spawner().spawn_detached(future);
            }
        }
        cx.until("the unwinding of the tasks", || drops.count() == 8)?;
    }
    cx.still_runs()
}

pub(crate) fn panic_in_a_raw_task_is_contained(cx: &Cx) -> Verdict {
    let drops = Drops::new();
    for n in 0..32 {
        let token = drops.token();
        let task = Box::pin(async move {
            let _token = token;
            quiet_panic(());
        });
        if n % 2 == 0 {
            cx.spawner().spawn(task);
        } else {
            cx.spawner().spawn_with(SpawnMeta::new(), task);
        }
    }
    cx.until("the unwinding of the tasks", || drops.count() == 32)?;
    cx.still_runs()
}

/// Counts its drop, and panics in it.
fn bomb(drops: &Drops) -> impl Send + Unpin + 'static {
    let drops = drops.clone();
    OnDrop(move || {
        drop(drops.token());
        // A second panic while unwinding would abort the process on any executor.
        if !thread::panicking() {
            quiet_panic(Payload(7));
        }
    })
}

pub(crate) fn panic_in_a_destructor_after_completion(cx: &Cx) -> Verdict {
    /// Keeps its bomb past its completion, as a hand-written future may.
    struct Holds<T>(T);

    impl<T: Unpin> Future for Holds<T> {
        type Output = u8;

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u8> {
            Poll::Ready(1)
        }
    }

    let drops = Drops::new();
    let error = cx.error(cx.spawner().spawn_with_handle(Holds(bomb(&drops))))?;
    ensure!(error.is_panic(), "expected `is_panic`, but the {error}");
    ensure!(
        error.into_panic().downcast_ref() == Some(&Payload(7)),
        "the payload is not the destructor's"
    );
    ensure!(drops.count() == 1, "the future was dropped {} times", drops.count());
    cx.still_runs()
}

pub(crate) fn panic_in_a_destructor_after_abort(cx: &Cx) -> Verdict {
    for first_poll in [true, false] {
        let drops = Drops::new();
        let future = Forever::new(bomb(&drops));
        let polled = future.polled.clone();
        let task = cx.spawner().spawn_with_handle(future);
        if first_poll {
            cx.wait("the first poll", polled.happens())?;
        }
        task.abort();
        cx.cancelled(task)?;
        ensure!(drops.count() == 1, "the future was dropped {} times", drops.count());
    }
    cx.still_runs()
}

pub(crate) fn panic_in_a_destructor_of_a_raw_task(cx: &Cx) -> Verdict {
    let drops = Drops::new();
    let bomb = bomb(&drops);
    cx.spawner().spawn(Box::pin(async move {
        async_runtime_compat::yield_now().await;
        drop(bomb);
    }));
    cx.wait("the destructor", drops.first())?;
    cx.still_runs()
}

/// A hand-written future, whose fields are dropped after its last poll. Its destructor sends whether the thread is
/// panicking.
struct Sends {
    panicking: mpsc::Sender<bool>,
    polls: u8,
    last: fn() -> Poll<()>,
}

impl Future for Sends {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.polls == 0 {
            return (self.last)();
        }
        self.polls -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Sends {
    fn drop(&mut self) {
        let _ = self.panicking.send(thread::panicking());
    }
}

/// Spawns a future in every typed way. Returns what the destructors see.
fn panicking_in_destructors(cx: &Cx, last: fn() -> Poll<()>) -> Verdict<Vec<bool>> {
    let (panicking, received) = mpsc::channel();
    let future = |polls| Sends { panicking: panicking.clone(), polls, last };
    let group = TaskGroup::new(cx.spawner().clone());
    let mut sent = 0;
    for polls in [0, 1] {
        let task = cx.spawner().spawn_with_handle(future(polls));
        // A handle that moved elsewhere, and a group.
        let shared = cx.spawner().spawn_with_handle(future(polls));
        let handle = shared.abort_handle();
        let member = group.spawner().spawn_with_handle(future(polls));
        cx.spawner().spawn_with_handle(future(polls)).detach();
        cx.spawner().spawn_detached(future(polls));
        group.spawner().spawn_detached(future(polls));
        for task in [task, shared, member] {
            drop(cx.join(task)?);
        }
        drop(handle);
        sent += 6;
    }
    all_sent(cx, &received, sent)
}

fn all_sent(cx: &Cx, received: &mpsc::Receiver<bool>, sent: usize) -> Verdict<Vec<bool>> {
    let seen = RefCell::new(Vec::new());
    cx.until("the destructors", || {
        seen.borrow_mut().extend(received.try_iter());
        seen.borrow().len() == sent
    })?;
    Ok(seen.into_inner())
}

pub(crate) fn destructor_of_a_raw_task_sees_its_panic(cx: &Cx) -> Verdict {
    let (panicking, received) = mpsc::channel();
    let future = |polls| {
        let panicking = panicking.clone();
        Box::pin(Sends { panicking, polls, last: || quiet_panic(()) })
    };
    for polls in [0, 1] {
        cx.spawner().spawn(future(polls));
        cx.spawner().spawn_with(SpawnMeta::new(), future(polls));
    }
    let seen = all_sent(cx, &received, 4)?;
    ensure!(
        seen.iter().all(|&panicking| panicking),
        "`thread::panicking` in the destructors of raw futures that panicked: {seen:?}"
    );
    cx.still_runs()
}

pub(crate) fn destructor_after_a_panic_sees_it(cx: &Cx) -> Verdict {
    // The future is dropped while the panic unwinds, as a local variable is …
    let seen = panicking_in_destructors(cx, || quiet_panic(()))?;
    ensure!(
        seen.iter().all(|&panicking| panicking),
        "`thread::panicking` in the destructors of futures that panicked: {seen:?}"
    );
    // … and otherwise outside of any panic.
    let seen = panicking_in_destructors(cx, || Poll::Ready(()))?;
    ensure!(
        !seen.contains(&true),
        "`thread::panicking` in the destructors of futures that completed: {seen:?}"
    );
    let (panicking, received) = mpsc::channel();
    let future = Sends { panicking, polls: u8::MAX, last: || Poll::Pending };
    let task = cx.spawner().spawn_with_handle(future);
    task.abort();
    cx.cancelled(task)?;
    ensure!(
        received.try_recv() == Ok(false),
        "`thread::panicking` in the destructor of a future that was aborted"
    );
    cx.still_runs()
}

pub(crate) fn panic_in_a_detached_outputs_destructor(cx: &Cx) -> Verdict {
    // Detached after its end …
    for shared in [true, false] {
        let drops = Drops::new();
        let bomb = bomb(&drops);
        let task = cx.spawner().spawn_with_handle(async move { bomb });
        let handle = shared.then(|| task.abort_handle());
        cx.until("the end of the task", || task.is_finished())?;
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(task)));
        ensure!(dropped.is_ok(), "dropping the handle panicked");
        cx.wait("the drop of the output", drops.first())?;
        drop(handle);
    }

    // … and before it.
    let drops = Drops::new();
    let may_end = Event::new();
    let ended = Arc::new(AtomicBool::new(false));
    let task = cx.spawner().spawn_with_handle({
        let (bomb, may_end, ended) = (bomb(&drops), may_end.clone(), ended.clone());
        async move {
            may_end.happens().await;
            ended.store(true, Ordering::SeqCst);
            bomb
        }
    });
    task.detach();
    may_end.set();
    cx.wait("the drop of the output", drops.first())?;
    ensure!(ended.load(Ordering::SeqCst), "the output was dropped before there was one");
    cx.still_runs()
}

pub(crate) fn panic_in_a_payloads_destructor(cx: &Cx) -> Verdict {
    let drops = Drops::new();
    // Detached before the end …
    let may_end = Event::new();
    let (payload, wait) = (bomb(&drops), may_end.clone());
    let task = cx.spawner().spawn_with_handle(async move {
        wait.happens().await;
        quiet_panic(payload);
    });
    let task: async_runtime_compat::JoinHandle<()> = task;
    task.detach();
    may_end.set();
    cx.until("the drop of the payload", || drops.count() == 1)?;

    // … and after it.
    let payload = bomb(&drops);
    let task: async_runtime_compat::JoinHandle<()> =
        cx.spawner().spawn_with_handle(async move { quiet_panic(payload) });
    cx.until("the end of the task", || task.is_finished())?;
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(task)));
    ensure!(dropped.is_ok(), "dropping the handle panicked");
    cx.until("the drop of the payload", || drops.count() == 2)?;
    cx.still_runs()
}
