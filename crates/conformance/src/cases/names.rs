//! C14: names and places in reports.

use std::fmt;
use std::panic::Location;

use async_runtime_compat::SpawnerExt;

use crate::kit::{Cx, Verdict, ensure, quiet_panic};

/// Sees that a report names the task and the place where it was spawned.
pub(crate) fn names(
    report: &dyn fmt::Display,
    name: Option<&str>,
    place: &Location<'_>,
) -> Verdict {
    let report = report.to_string();
    let place = place.to_string();
    ensure!(report.contains(&place), "spawned at {place}, but the report says: {report}");
    if let Some(name) = name {
        ensure!(report.contains(name), "the name is {name}, but the report says: {report}");
    }
    Ok(())
}

#[track_caller]
fn here() -> &'static Location<'static> {
    Location::caller()
}

#[rustfmt::skip] // The place and the call must stand on one line.
pub(crate) fn name_and_place_of_a_panic(cx: &Cx) -> Verdict {
    let panics = async { quiet_panic("a message") };
    let (line, task) = (here().line(), cx.spawner().spawn_named("conn-7", panics));
    let error = cx.error::<()>(task)?;
    let name = cx.name(Some("conn-7"));
    let name = name.as_deref();
    ensure!(error.task_name() == name, "the name became {:?}", error.task_name());
    ensure!(error.spawned_at().file() == file!(), "the place became {}", error.spawned_at());
    ensure!(error.spawned_at().line() == line, "the place became {}", error.spawned_at());
    names(&error, name, error.spawned_at())
}

#[rustfmt::skip]
pub(crate) fn name_and_place_of_an_abort(cx: &Cx) -> Verdict {
    let never = std::future::pending::<()>();
    let (line, task) = (here().line(), cx.spawner().spawn_named(format!("conn-{}", 7), never));
    task.abort();
    let error = cx.error(task)?;
    ensure!(error.spawned_at().line() == line, "the place became {}", error.spawned_at());
    names(&error, cx.name(Some("conn-7")).as_deref(), error.spawned_at())
}

#[rustfmt::skip]
pub(crate) fn place_without_a_name(cx: &Cx) -> Verdict {
    let panics = async { quiet_panic("a message") };
    let (line, task) = (here().line(), cx.spawner().spawn_with_handle(panics));
    let error = cx.error::<()>(task)?;
    let name = cx.name(None);
    let name = name.as_deref();
    ensure!(error.task_name() == name, "a name was made up: {:?}", error.task_name());
    ensure!(error.spawned_at().line() == line, "the place became {}", error.spawned_at());
    names(&error, name, error.spawned_at())
}

#[rustfmt::skip]
pub(crate) fn handles_know_their_task(cx: &Cx) -> Verdict {
    let (line, task) = (here().line(), cx.spawner().spawn_named("conn-7", async {}));
    let (handle, name) = (task.abort_handle(), cx.name(Some("conn-7")));
    let name = name.as_deref();
    ensure!(task.task_name().as_deref() == name, "the name became {:?}", task.task_name());
    ensure!(task.spawned_at().line() == line, "the place became {}", task.spawned_at());
    ensure!(handle.task_name() == name, "the name became {:?}", handle.task_name());
    names(&format!("{task:?}"), name, task.spawned_at())?;
    names(&format!("{handle:?}"), name, task.spawned_at())?;
    cx.output(task)
}
