//! C4: panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_runtime_compat::{SpawnMeta, SpawnerExt};

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
        if !std::thread::panicking() {
            quiet_panic(Payload(7));
        }
    })
}

pub(crate) fn panic_in_a_destructor_after_completion(cx: &Cx) -> Verdict {
    /// Keeps its bomb past its completion, as a hand-written future may.
    struct Holds<T>(T);

    impl<T: Unpin> Future for Holds<T> {
        type Output = u8;

        fn poll(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<u8> {
            std::task::Poll::Ready(1)
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
