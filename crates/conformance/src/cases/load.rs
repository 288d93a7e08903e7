//! C13: load.

use std::cell::Cell;
use std::sync::Arc;
use std::thread;

use async_runtime_compat::{JoinHandle, Spawner, SpawnerExt};

use crate::kit::{Cx, Event, Verdict, ensure, fail};

pub(crate) fn live_tasks(cx: &Cx) -> Verdict {
    let live = cx.load().live;
    let may_end = Event::new();
    let tasks: Vec<_> = (0..live)
        .map(|n| {
            let may_end = may_end.clone();
            cx.spawner().spawn_with_handle(async move {
                may_end.happens().await;
                n
            })
        })
        .collect();
    may_end.set();
    for (n, task) in tasks.into_iter().enumerate() {
        let output = cx.output(task)?;
        ensure!(output == n, "task {n} of {live} has the output {output}");
    }
    Ok(())
}

thread_local! {
    static SPAWNING: Cell<bool> = const { Cell::new(false) };
}

/// A task that spawns the next link and waits for it.
///
/// A link that runs inside the `spawn` call ends the chain: otherwise the stack would overflow, and
/// the process end without a report.
fn link(spawner: &Arc<dyn Spawner>, left: usize) -> JoinHandle<Result<usize, String>> {
    let next = spawner.clone();
    SPAWNING.set(true);
    let task = spawner.spawn_with_handle(async move {
        if SPAWNING.get() {
            return Err("a task ran inside the `spawn` call".to_owned());
        }
        if left == 0 {
            return Ok(0);
        }
        match link(&next, left - 1).await {
            Ok(counted) => counted.map(|counted| counted + 1),
            Err(error) => Err(format!("the {error}")),
        }
    });
    SPAWNING.set(false);
    task
}

pub(crate) fn chain(cx: &Cx) -> Verdict {
    let length = cx.load().chain;
    match cx.output(link(cx.spawner(), length))? {
        Ok(counted) if counted == length => Ok(()),
        Ok(counted) => fail(format!("a chain of {length} tasks counted {counted}")),
        Err(why) => fail(format!("a chain of {length} tasks broke: {why}")),
    }
}

pub(crate) fn storm(cx: &Cx) -> Verdict {
    let (threads, each) = (cx.load().threads, cx.load().each);
    let spawning: Vec<_> = (0..threads)
        .map(|thread| {
            let spawner = cx.spawner().clone();
            thread::spawn(move || {
                let spawn = |n| spawner.spawn_with_handle(async move { thread * each + n });
                (0..each).map(spawn).collect::<Vec<_>>()
            })
        })
        .collect();
    for (thread, tasks) in spawning.into_iter().enumerate() {
        let Ok(tasks) = tasks.join() else {
            return fail("`spawn` panicked while many threads were spawning");
        };
        for (n, task) in tasks.into_iter().enumerate() {
            let output = cx.output(task)?;
            ensure!(
                output == thread * each + n,
                "a task of thread {thread} has the output {output}"
            );
        }
    }
    Ok(())
}
