//! C14: names and locations, in handles and errors, and on their way to the spawner.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;

use async_runtime_compat::{SpawnMeta, Spawner, SpawnerExt};

use crate::kit::{Cx, Event, Verdict, ensure, quiet_panic};
use crate::recorder::Recorder;

/// Checks that a report has the task's name and location.
pub(crate) fn names(
    report: &dyn fmt::Display,
    name: Option<&str>,
    location: &Location<'_>,
) -> Verdict {
    let report = report.to_string();
    let location = location.to_string();
    ensure!(report.contains(&location), "spawned at {location}, but the report says: {report}");
    if let Some(name) = name {
        ensure!(report.contains(name), "the name is {name}, but the report says: {report}");
    }
    Ok(())
}

#[track_caller]
fn here() -> &'static Location<'static> {
    Location::caller()
}

#[rustfmt::skip] // `here()` and the spawn call must stand on one line.
pub(crate) fn name_and_location_of_a_panic(cx: &Cx) -> Verdict {
    let panics = async { quiet_panic("a message") };
    let (line, task) = (here().line(), cx.spawner().spawn_named("conn-7", panics));
    let error = cx.error::<()>(task)?;
    let name = cx.name(Some("conn-7"));
    let name = name.as_deref();
    ensure!(error.task_name() == name, "the name is {:?}", error.task_name());
    ensure!(error.spawned_at().file() == file!(), "the location is {}", error.spawned_at());
    ensure!(error.spawned_at().line() == line, "the location is {}", error.spawned_at());
    names(&error, name, error.spawned_at())
}

#[rustfmt::skip]
pub(crate) fn name_and_location_of_an_abort(cx: &Cx) -> Verdict {
    let never = std::future::pending::<()>();
    let (line, task) = (here().line(), cx.spawner().spawn_named(format!("conn-{}", 7), never));
    task.abort();
    let error = cx.error(task)?;
    ensure!(error.spawned_at().line() == line, "the location is {}", error.spawned_at());
    names(&error, cx.name(Some("conn-7")).as_deref(), error.spawned_at())
}

#[rustfmt::skip]
pub(crate) fn location_without_a_name(cx: &Cx) -> Verdict {
    let panics = async { quiet_panic("a message") };
    let (line, task) = (here().line(), cx.spawner().spawn_with_handle(panics));
    let error = cx.error::<()>(task)?;
    let name = cx.name(None);
    let name = name.as_deref();
    ensure!(error.task_name() == name, "the name is {:?}", error.task_name());
    ensure!(error.spawned_at().line() == line, "the location is {}", error.spawned_at());
    names(&error, name, error.spawned_at())
}

#[rustfmt::skip]
pub(crate) fn handles_know_their_task(cx: &Cx) -> Verdict {
    let (line, task) = (here().line(), cx.spawner().spawn_named("conn-7", async {}));
    let (handle, name) = (task.abort_handle(), cx.name(Some("conn-7")));
    let name = name.as_deref();
    ensure!(task.task_name().as_deref() == name, "the name is {:?}", task.task_name());
    ensure!(task.spawned_at().line() == line, "the location is {}", task.spawned_at());
    ensure!(handle.task_name() == name, "the name is {:?}", handle.task_name());
    names(&format!("{task:?}"), name, task.spawned_at())?;
    names(&format!("{handle:?}"), name, task.spawned_at())?;
    cx.output(task)
}

/// Spawns in every way that has metadata, and calls `saw` with the name and location of each.
#[rustfmt::skip]
fn each_way(
    cx: &Cx,
    spawner: &dyn Spawner,
    saw: impl Fn(Option<&str>, &Location<'_>) -> Verdict,
) -> Verdict {
    let (at, task) = (here(), spawner.spawn_named("conn-7", async {}));
    cx.output(task)?;
    saw(Some("conn-7"), at)?;

    let (at, task) = (here(), spawner.spawn_with_handle(async {}));
    cx.output(task)?;
    saw(None, at)?;

    let ended = Event::new();
    let set = ended.clone();
    let (at, ()) = (here(), spawner.spawn_detached(async move { set.set() }));
    cx.wait("a detached task", ended.happens())?;
    saw(None, at)?;

    let ended = Event::new();
    let (set, name) = (ended.clone(), Cow::Borrowed("raw"));
    let meta = SpawnMeta::new().with_name(&name);
    spawner.spawn_with(meta, Box::pin(async move { set.set() }));
    cx.wait("a raw task", ended.happens())?;
    saw(Some("raw"), meta.location())
}

pub(crate) fn name_and_location_reach_the_spawner(cx: &Cx) -> Verdict {
    // One recorder is inside the decorators, if there are any, and one around them.
    let (spawner, inner) = cx.recorded();
    let inner_saw = |name: Option<&str>, at: &Location<'_>| {
        let name = cx.inner_name(name);
        inner.saw(name.as_deref(), at, "the spawner inside the decorators")
    };
    each_way(cx, &spawner, inner_saw)?;
    let outer = Recorder::new(spawner);
    each_way(cx, &outer, |name, at| {
        outer.saw(name, at, "a spawner around the subject")?;
        inner_saw(name, at)
    })
}
