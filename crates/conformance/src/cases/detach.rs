//! C2: detaching.

use async_runtime_compat::{JoinHandle, SpawnMeta, SpawnerExt};

use crate::kit::{Cx, Drops, Event, Verdict, ensure};

/// Spawns a task, gives up the handle with `leave`, and checks that the task runs to its end.
fn runs_on(cx: &Cx, wait_for_start: bool, leave: fn(JoinHandle<()>)) -> Verdict {
    let (started, may_end, ended) = (Event::new(), Event::new(), Event::new());
    let task = cx.spawner().spawn_with_handle({
        let (started, may_end, ended) = (started.clone(), may_end.clone(), ended.clone());
        async move {
            started.set();
            may_end.happens().await;
            async_runtime_compat::yield_now().await;
            ended.set();
        }
    });
    if wait_for_start {
        cx.wait("the start of the task", started.happens())?;
    }
    leave(task);
    may_end.set();
    cx.wait("the end of the detached task", ended.happens())
}

pub(crate) fn dropped_handle_detaches(cx: &Cx) -> Verdict {
    runs_on(cx, true, drop)
}

pub(crate) fn dropped_before_the_first_poll(cx: &Cx) -> Verdict {
    runs_on(cx, false, drop)
}

pub(crate) fn detach_detaches(cx: &Cx) -> Verdict {
    runs_on(cx, true, JoinHandle::detach)
}

pub(crate) fn output_of_a_detached_task_is_dropped(cx: &Cx) -> Verdict {
    // Detached before the end …
    let (drops, may_end) = (Drops::new(), Event::new());
    let token = drops.token();
    let wait = may_end.clone();
    let task = cx.spawner().spawn_with_handle(async move {
        wait.happens().await;
        token
    });
    task.detach();
    ensure!(drops.count() == 0, "the output was dropped before the task ended");
    may_end.set();
    cx.wait("the drop of the output", drops.first())?;

    // … and after it.
    let drops = Drops::new();
    let token = drops.token();
    let task = cx.spawner().spawn_with_handle(async move { token });
    cx.until("the end of the task", || task.is_finished())?;
    ensure!(drops.count() == 0, "the output was dropped while a handle could still take it");
    task.detach();
    cx.wait("the drop of the output", drops.first())?;
    ensure!(drops.count() == 1, "the output was dropped {} times", drops.count());
    Ok(())
}

pub(crate) fn spawned_without_a_handle_runs_to_its_end(cx: &Cx) -> Verdict {
    for way in 0..3 {
        let (may_end, ended) = (Event::new(), Event::new());
        let future = {
            let (may_end, ended) = (may_end.clone(), ended.clone());
            async move {
                may_end.happens().await;
                async_runtime_compat::yield_now().await;
                ended.set();
            }
        };
        match way {
            0 => cx.spawner().spawn(Box::pin(future)),
            1 => cx.spawner().spawn_with(SpawnMeta::new(), Box::pin(future)),
            _ => cx.spawner().spawn_detached(future),
        }
        may_end.set();
        cx.wait("the end of the task", ended.happens())?;
    }
    Ok(())
}
