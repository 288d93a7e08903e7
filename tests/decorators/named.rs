//! Names that decorators give.

use std::future::pending;
use std::sync::Arc;

use async_runtime_compat::TaskGroup;
use async_runtime_compat::decorate::Named;
use async_runtime_compat::prelude::*;
use futures_lite::future::block_on;
use test_support::runtimes::{Running, on_all_runtimes};

on_all_runtimes! {
    names_reach_handles_and_errors,
    groups_see_the_names_of_what_is_around_them,
    work_that_blocks_is_named_too,
}

fn names_reach_handles_and_errors(running: &Running) {
    let prefixed = Named::with_prefix(running.runtime.clone(), "part.");
    let spawner = Named::with_default(prefixed.clone(), "worker");
    let line = line!() + 1;
    let conn = spawner.spawn_named("conn", pending::<()>());
    let nameless = spawner.spawn_with_handle(pending::<()>());
    for (task, name, line) in [(conn, "part.conn", line), (nameless, "part.worker", line + 1)] {
        assert_eq!(task.task_name().as_deref(), Some(name));
        assert_eq!(task.abort_handle().task_name(), Some(name));
        assert_eq!((task.spawned_at().file(), task.spawned_at().line()), (file!(), line));
        let error = block_on(task.cancel()).unwrap_err();
        assert_eq!(error.task_name(), Some(name));
        assert!(error.to_string().starts_with(&format!("task '{name}' spawned at ")));
    }
    assert_eq!(prefixed.spawn_with_handle(async {}).task_name(), None);
}

fn groups_see_the_names_of_what_is_around_them(running: &Running) {
    let inside = TaskGroup::new(running.runtime.clone());
    let named = Named::with_prefix(inside.clone(), "part.");
    let named = Named::with_default(named, "worker");
    let around = TaskGroup::new(Arc::new(named));
    around.spawn_named("first", pending::<()>()).detach();
    around.spawn_detached(pending());
    around.spawn(Box::pin(pending()));
    let names = |group: &TaskGroup| {
        let tasks = group.tasks();
        tasks.iter().map(|task| task.task_name().map(str::to_owned)).collect::<Vec<_>>()
    };
    let name = |name: &str| Some(name.to_owned());
    assert_eq!(names(&inside), [name("part.first"), name("part.worker"), name("part.worker")]);
    assert_eq!(names(&around), [name("first"), None, None]);

    inside.close();
    let refused = around.spawn_named("late", async {});
    assert_eq!(refused.task_name().as_deref(), Some("part.late"));
    assert_eq!(block_on(refused).unwrap_err().task_name(), Some("part.late"));
    inside.abort_all();
    block_on(inside.wait());
}

fn work_that_blocks_is_named_too(running: &Running) {
    let named = Named::with_prefix(running.runtime.clone(), "part.");
    let job = named.spawn_blocking_named("hash", || std::panic::resume_unwind(Box::new(())));
    let error = block_on::<Result<(), _>>(job).unwrap_err();
    assert_eq!(error.task_name(), Some("part.hash"));
    let job = Named::with_default(named, "job").spawn_blocking(|| 7);
    assert_eq!(job.task_name().as_deref(), Some("part.job"));
    assert_eq!(block_on(job).unwrap(), 7);
}

#[test]
fn function_sees_name_and_place() {
    let running = test_support::runtimes::own();
    let named = Named::by(running.runtime.clone(), |name, place| {
        Some(format!("{}@{}", name.unwrap_or("task"), place.line()).into())
    });
    let task = named.spawn_with_handle(async {});
    assert_eq!(task.task_name().unwrap(), format!("task@{}", task.spawned_at().line()));
    assert_eq!(task.spawned_at().file(), file!());
}

#[cfg(feature = "async-std")]
#[test]
fn names_are_native_names() {
    use async_runtime_compat::async_std::AsyncStdSpawner;

    let named = Named::with_default(Named::with_prefix(AsyncStdSpawner, "part."), "worker");
    let own_name = || async { ::async_std::task::current().name().map(str::to_owned) };
    assert_eq!(block_on(named.spawn_named("a", own_name())).unwrap().unwrap(), "part.a");
    assert_eq!(block_on(named.spawn_with_handle(own_name())).unwrap().unwrap(), "part.worker");
    let (sender, receiver) = async_channel::bounded(1);
    named.spawn_detached(async move { sender.send(own_name().await).await.unwrap() });
    assert_eq!(block_on(receiver.recv()).unwrap().unwrap(), "part.worker");
}
