//! C16: ids, of a spawner that gives them itself, and of one that is decorated.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_runtime_compat::decorate::Identified;
use async_runtime_compat::{Spawner, SpawnerExt, TaskGroup, TaskId, TaskInfo, task, yield_now};

use crate::kit::{Cx, Event, Forever, OnDrop, Verdict, ensure, quiet_panic};

type Identifying = Identified<Arc<dyn Spawner>>;

fn identified(cx: &Cx) -> Identifying {
    Identified::new(cx.spawner().clone())
}

/// Checks that the handle, the task in each of its polls, and the task's other handles have one id.
fn agree(cx: &Cx, spawner: &dyn Spawner) -> Verdict<Option<TaskId>> {
    let task = spawner.spawn_with_handle(async {
        let first = task::try_id();
        yield_now().await;
        (first, task::try_id())
    });
    let (id, aborts) = (task.id(), task.abort_handle().id());
    ensure!(aborts == id, "the handle's id is {id:?}, and the abort handle's {aborts:?}");
    let inside = cx.output(task)?;
    ensure!(inside == (id, id), "the handle's id is {id:?}, and the ids inside are {inside:?}");
    Ok(id)
}

pub(crate) fn handle_and_task_agree(cx: &Cx) -> Verdict {
    // Whether it gives ids or not.
    agree(cx, cx.spawner())?;
    let id = agree(cx, &identified(cx))?;
    ensure!(id.is_some(), "a task of an identified spawner has no id");
    let twice = Identified::new(TaskGroup::new(Arc::new(identified(cx))));
    let id = agree(cx, &twice)?;
    ensure!(id.is_some(), "a task that is identified twice has no id");
    let outside = task::try_id();
    ensure!(outside.is_none(), "outside of tasks there is the id {outside:?}");
    Ok(())
}

pub(crate) fn no_id_is_given_twice(cx: &Cx) -> Verdict {
    const TASKS: usize = 200;

    let spawner = identified(cx);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut ids = HashSet::new();
    for number in 0..TASKS {
        if number % 2 == 0 {
            let task = spawner.spawn_with_handle(async { task::try_id() });
            ids.insert(task.id());
            let inside = cx.output(task)?;
            ensure!(ids.contains(&inside), "the id inside, {inside:?}, is not the handle's");
        } else {
            let (seen, ended) = (seen.clone(), Event::new());
            let set = ended.clone();
            spawner.spawn_detached(async move {
                seen.lock().unwrap_or_else(PoisonError::into_inner).push(task::try_id());
                set.set();
            });
            cx.wait("a detached task", ended.happens())?;
        }
    }
    ids.extend(seen.lock().unwrap_or_else(PoisonError::into_inner).drain(..));
    ensure!(!ids.contains(&None), "a task has no id");
    ensure!(ids.len() == TASKS, "{TASKS} tasks have {} different ids", ids.len());
    Ok(())
}

pub(crate) fn ids_in_destructors(cx: &Cx) -> Verdict {
    let spawner = identified(cx);
    let (seen, dropped) = (Arc::new(Mutex::new(None)), Event::new());
    let (note, set) = (seen.clone(), dropped.clone());
    let owned = OnDrop(move || {
        *note.lock().unwrap_or_else(PoisonError::into_inner) = task::try_id();
        set.set();
    });
    let forever = Forever::new(owned);
    let polled = forever.polled.clone();
    let task = spawner.spawn_with_handle(forever);
    let id = task.id();
    cx.wait("the first poll", polled.happens())?;
    task.abort();
    cx.wait("the drop of the future", dropped.happens())?;
    let inside = *seen.lock().unwrap_or_else(PoisonError::into_inner);
    ensure!(inside == id, "the handle's id is {id:?}, and the destructor saw {inside:?}");
    cx.cancelled(task)
}

pub(crate) fn ids_reach_errors(cx: &Cx) -> Verdict {
    let spawner = identified(cx);
    let panics = spawner.spawn_with_handle(async { quiet_panic("a message") });
    let stopped = spawner.spawn_with_handle(std::future::pending::<()>());
    stopped.abort();
    for task in [panics, stopped] {
        let Some(id) = task.id() else { return crate::kit::fail("a handle has no id") };
        let shown = format!("{task:?}");
        ensure!(shown.contains(&format!("task {id} ")), "the id is {id}, and the handle {shown}");
        let error = cx.error(task)?;
        ensure!(error.id() == Some(id), "the id is {id}, and the error's {:?}", error.id());
        let text = error.to_string();
        ensure!(text.starts_with(&format!("task {id} ")), "the id is {id}, but the error: {text}");
    }
    Ok(())
}

pub(crate) fn ids_and_names(cx: &Cx) -> Verdict {
    let group = TaskGroup::new(cx.spawner().clone());
    let spawner = Identified::new(group.clone());
    let task = spawner.spawn_named("conn-7", std::future::pending::<()>());
    let (id, name) = (task.id(), task.task_name());
    ensure!(id.is_some(), "a task with a name has no id");
    ensure!(name.as_deref() == cx.name(Some("conn-7")).as_deref(), "the name is {name:?}");
    let listed: Vec<_> = group.tasks().iter().map(TaskInfo::id).collect();
    ensure!(listed == [id], "the id is {id:?}, and the group lists {listed:?}");
    let error = cx.wait("the end of the task", task.cancel())?;
    let error = error.err().map(|error| (error.id(), error.task_name().map(str::to_owned)));
    let expected = Some((id, name.map(String::from)));
    ensure!(error == expected, "expected the error of {expected:?}, got {error:?}");
    Ok(())
}
