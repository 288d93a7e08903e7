//! Ids that the decorator gives: who sees them, among other decorators.

use std::collections::HashSet;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::thread;

use async_runtime_compat::decorate::{Counted, Identified, Limited, Named};
use async_runtime_compat::hook::{Hooked, SpawnHook, Spawning, TaskHook};
use async_runtime_compat::prelude::*;
use async_runtime_compat::{FnSpawner, TaskGroup, TaskId, task};
use futures_lite::future::block_on;
use test_support::runtimes::{Running, on_all_runtimes};

on_all_runtimes! {
    tasks_have_no_id_unless_asked_for,
    groups_list_the_ids_wherever_the_decorator_stands,
    hooks_see_the_id_wherever_the_decorator_stands,
    waiting_tasks_have_an_id,
    refused_tasks_have_an_id,
    names_and_ids_stand_beside_each_other,
}

fn tasks_have_no_id_unless_asked_for(running: &Running) {
    let plain = running.runtime.spawn_with_handle(async { task::try_id() });
    assert_eq!((plain.id(), plain.abort_handle().id()), (None, None));
    assert!(!format!("{plain:?}").contains("task 1"));
    assert_eq!(block_on(plain).unwrap(), None);
    let error = block_on(running.runtime.spawn_with_handle(pending::<()>()).cancel()).unwrap_err();
    assert_eq!(error.id(), None);
    assert!(error.to_string().starts_with("task spawned at "), "{error}");
    // A task that an identified one spawns elsewhere has none either, but that of another polled inside it has.
    let spawner = Identified::new(running.runtime.clone());
    let (outer, inner) = (spawner.clone(), running.runtime.clone());
    let nested = outer.spawn_with_handle(async move {
        let child = inner.spawn_with_handle(async { task::try_id() }).await.unwrap();
        (task::id(), child)
    });
    let id = nested.id().unwrap();
    assert_eq!(block_on(nested).unwrap(), (id, None));
}

fn groups_list_the_ids_wherever_the_decorator_stands(running: &Running) {
    let runtime = &running.runtime;
    let inside = TaskGroup::new(Arc::new(Identified::new(runtime.clone())));
    let around = TaskGroup::new(runtime.clone());
    let pairs: [(&TaskGroup, Arc<dyn Spawner>); 2] = [
        (&inside, Arc::new(Counted::new(inside.clone()))),
        (&around, Arc::new(Counted::new(Identified::new(around.clone())))),
    ];
    for (group, spawner) in pairs {
        let tasks =
            [spawner.spawn_with_handle(pending::<()>()), spawner.spawn_named("b", pending())];
        let ids: Vec<_> = tasks.iter().map(|task| task.id().unwrap()).collect();
        spawner.spawn_detached(pending());
        let listed = group.tasks();
        assert_eq!((listed[0].id(), listed[1].id()), (Some(ids[0]), Some(ids[1])));
        assert!(listed[2].id().is_some_and(|id| !ids.contains(&id)));
        let (first, second) = (listed[0].to_string(), listed[1].to_string());
        assert!(first.starts_with(&format!("task {} spawned at ", ids[0])), "{first}");
        assert!(second.starts_with(&format!("task {} 'b' spawned at ", ids[1])), "{second}");
        group.abort_all();
        block_on(group.wait());
    }
}

/// Records what it learns of ids: in the call, and in the scope of the task.
#[derive(Clone, Default)]
struct Sees(Arc<Mutex<Vec<Option<TaskId>>>>);

impl SpawnHook for Sees {
    fn spawn(&self, spawning: &mut Spawning<'_>) {
        self.0.lock().unwrap().push(spawning.meta().id());
        spawning.add_scope(Arc::new(self.clone()));
    }
}

impl TaskHook for Sees {
    fn scope(&self, f: &mut dyn FnMut()) {
        self.0.lock().unwrap().push(task::try_id());
        f();
    }
}

fn hooks_see_the_id_wherever_the_decorator_stands(running: &Running) {
    let (inside, around) = (Sees::default(), Sees::default());
    let inner = Hooked::new(running.runtime.clone(), inside.clone());
    let spawner = Hooked::new(Identified::new(inner), around.clone());
    let task = spawner.spawn_with_handle(async {});
    let id = task.id();
    assert!(id.is_some());
    block_on(task).unwrap();
    for sees in [inside, around] {
        let seen = sees.0.lock().unwrap().clone();
        assert!(seen.len() >= 2 && seen.iter().all(|seen| *seen == id), "{seen:?}, not {id:?}");
    }
}

fn waiting_tasks_have_an_id(running: &Running) {
    let limited = Limited::new(Identified::new(running.runtime.clone()), 0);
    let task = limited.spawn_with_handle(async { task::try_id() });
    let id = task.id();
    assert!(id.is_some());
    limited.set_limit(1);
    assert_eq!(block_on(task).unwrap(), id);
    // With a permit as well.
    let permit = block_on(limited.acquire());
    let task = permit.spawn_with_handle(async { task::try_id() });
    let id = task.id();
    assert!(id.is_some());
    assert_eq!(block_on(task).unwrap(), id);
}

fn refused_tasks_have_an_id(running: &Running) {
    struct OnDrop(Arc<Mutex<Option<TaskId>>>);

    impl Drop for OnDrop {
        fn drop(&mut self) {
            *self.0.lock().unwrap() = task::try_id();
        }
    }

    let group = TaskGroup::new(running.runtime.clone());
    group.close();
    let spawner = Identified::new(group);
    let seen = Arc::default();
    let owned = OnDrop(Arc::clone(&seen));
    let task = spawner.spawn_with_handle(async move { drop(owned) });
    let id = task.id();
    assert!(id.is_some());
    assert_eq!(*seen.lock().unwrap(), id);
    let error = block_on(task).unwrap_err();
    assert!(error.is_shutdown());
    assert_eq!(error.id(), id);
}

fn names_and_ids_stand_beside_each_other(running: &Running) {
    let spawner = Named::with_default(Identified::new(running.runtime.clone()), "worker");
    let named = spawner.spawn_with_handle(pending::<()>());
    let renamed = Identified::new(running.runtime.clone()).spawn_named("conn", pending::<()>());
    for (task, name) in [(named, "worker"), (renamed, "conn")] {
        let id = task.id().unwrap();
        assert_eq!(task.task_name().as_deref(), Some(name));
        let abort = task.abort_handle();
        assert_eq!((abort.id(), abort.task_name()), (Some(id), Some(name)));
        let text = format!("JoinHandle(task {id} '{name}' spawned at ");
        assert!(format!("{task:?}").starts_with(&text));
        let task = task.abort_on_drop();
        assert_eq!(task.id(), Some(id));
        let error = block_on(task.cancel()).unwrap_err();
        assert_eq!((error.id(), error.task_name()), (Some(id), Some(name)));
    }
}

#[test]
fn ids_are_new_on_every_thread() {
    const EACH: usize = 1_000;

    let make = || (0..EACH).map(|_| TaskId::next()).collect::<Vec<_>>();
    let threads: Vec<_> = (0..8).map(|_| thread::spawn(make)).collect();
    let ids: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    let different: HashSet<_> = ids.iter().copied().collect();
    assert_eq!(different.len(), 8 * EACH);
    // In order on each thread.
    assert!(ids.chunks(EACH).all(<[TaskId]>::is_sorted));
}

#[test]
fn scopes_nest_and_end_with_a_panic() {
    let (outer, inner) = (TaskId::next(), TaskId::next());
    outer.scope(|| {
        assert_eq!(task::id(), outer);
        assert_eq!(inner.scope(task::id), inner);
        let panicked =
            std::panic::catch_unwind(|| inner.scope(|| std::panic::resume_unwind(Box::new(0))));
        assert!(panicked.is_err());
        assert_eq!(task::id(), outer);
    });
    assert_eq!(task::try_id(), None);
}

#[test]
fn ids_show_as_numbers() {
    let id = TaskId::next();
    assert_eq!(id.to_string(), id.as_u64().to_string());
    assert_eq!(format!("{id:>8}"), format!("{:>8}", id.as_u64()));
    assert_eq!(format!("{id:?}"), format!("TaskId({id})"));
    let threads = FnSpawner::new(|task| {
        thread::spawn(|| block_on(task));
    });
    let task = Identified::new(threads).spawn_with_handle(async { task::id() });
    let id = task.id();
    assert_eq!(block_on(task).ok(), id);
}
