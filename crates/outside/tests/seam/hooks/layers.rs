//! Several hooks on one task: their order, new names, refusals.

use std::future::pending;
use std::sync::Arc;

use async_runtime_compat::decorate::Named;
use async_runtime_compat::hook::{Hooked, SpawnHook, Spawning, TaskEnd, TaskHook};
use async_runtime_compat::prelude::*;
use async_runtime_compat_test_support::on_all_runtimes;
use async_runtime_compat_test_support::runtimes::Running;

use crate::support::{Event, Log, SetOnDrop, polls};

on_all_runtimes! {
    order_of_decorators,
    order_of_hooks_of_one_decorator,
    names_go_inwards,
    refused_outside,
    refused_inside,
}

/// Logs all that it is asked and told.
#[derive(Clone)]
struct Logs {
    this: &'static str,
    log: Log<String>,
}

impl Logs {
    fn around<S: Spawner + 'static>(
        spawner: S,
        this: &'static str,
        log: &Log<String>,
    ) -> Hooked<S> {
        Hooked::new(spawner, Logs { this, log: log.clone() })
    }
}

impl SpawnHook for Logs {
    fn spawn(&self, spawning: &mut Spawning<'_>) {
        let name = spawning.meta().name().unwrap_or("nameless").to_owned();
        let refused = if spawning.is_refused() { ", refused" } else { "" };
        self.log.push(format!("{}: {name}{refused}", self.this));
        spawning.add(Arc::new(self.clone()));
    }
}

impl TaskHook for Logs {
    fn scope(&self, f: &mut dyn FnMut()) {
        self.log.push(format!("{} enters", self.this));
        f();
        self.log.push(format!("{} leaves", self.this));
    }

    fn end(&self, end: TaskEnd) {
        self.log.push(format!("{}: {end:?}", self.this));
    }
}

fn order_of_decorators(running: &Running) {
    running.run(|runtime| async move {
        let log = Log::new();
        let inner = Logs::around(runtime, "inner", &log);
        let outer = Logs::around(inner, "outer", &log);
        let body = log.clone();
        let task = outer.spawn_with_handle(async move { body.push("poll".to_owned()) });
        task.await.unwrap();
        let expected = [
            "outer: nameless",
            "inner: nameless",
            "inner enters",
            "outer enters",
            "poll",
            "outer leaves",
            "inner leaves",
            "outer: Completed",
            "inner: Completed",
        ];
        assert_eq!(log.take(), expected);
    });
}

/// Adds two.
struct Two(Log<String>);

impl SpawnHook for Two {
    fn spawn(&self, spawning: &mut Spawning<'_>) {
        for this in ["first", "second"] {
            spawning.add(Arc::new(Logs { this, log: self.0.clone() }));
        }
    }
}

fn order_of_hooks_of_one_decorator(running: &Running) {
    running.run(|runtime| async move {
        let log = Log::new();
        Hooked::new(runtime, Two(log.clone())).spawn_with_handle(async {}).await.unwrap();
        let expected = [
            "second enters",
            "first enters",
            "first leaves",
            "second leaves",
            "first: Completed",
            "second: Completed",
        ];
        assert_eq!(log.take(), expected);
    });
}

/// Renames tasks, and refuses some.
struct Rules;

impl SpawnHook for Rules {
    fn spawn(&self, spawning: &mut Spawning<'_>) {
        match spawning.meta().name() {
            Some("forbidden" | "part.forbidden") => spawning.refuse(),
            name => {
                let name = format!("ruled {}", name.unwrap_or("nameless"));
                spawning.rename(name.clone());
                assert_eq!(spawning.meta().name(), Some(&*name));
            }
        }
    }
}

fn names_go_inwards(running: &Running) {
    running.run(|runtime| async move {
        let log = Log::new();
        let inside = Logs::around(runtime, "inside", &log);
        let named = Named::with_prefix(Hooked::new(inside, Rules), "part.");
        let outside = Logs::around(named, "outside", &log);

        let task = outside.spawn_named("conn", pending::<()>());
        // The rest is of its first poll, which may come at any time.
        assert_eq!(log.take()[..2], ["outside: conn", "inside: ruled part.conn"]);
        assert_eq!(task.task_name().as_deref(), Some("ruled part.conn"));
        let error = task.cancel().await.unwrap_err();
        assert_eq!(error.task_name(), Some("ruled part.conn"));
        log.take();

        let task = outside.spawn_with_handle(polls(0));
        assert_eq!(task.task_name().as_deref(), Some("ruled nameless"));
        task.await.unwrap();
        assert_eq!(log.take()[..2], ["outside: nameless", "inside: ruled nameless"]);
    });
}

fn refused_outside(running: &Running) {
    running.run(|runtime| async move {
        let log = Log::new();
        // Those inside are asked, so that the future is dropped in their scope.
        let spawner = Hooked::new(Logs::around(runtime, "inside", &log), Rules);
        let (polled, dropped) = (Event::new(), Event::new());
        let (on_poll, on_drop) = (polled.clone(), SetOnDrop(dropped.clone()));
        let task = spawner.spawn_named("forbidden", async move {
            let _on_drop = on_drop;
            on_poll.set();
        });
        assert!(dropped.is_set(), "in the call that spawns");
        let expected =
            ["inside: forbidden, refused", "inside enters", "inside leaves", "inside: Shutdown"];
        assert_eq!(log.take(), expected);
        assert!(task.is_finished());
        let error = task.await.unwrap_err();
        assert!(error.is_shutdown() && !polled.is_set());
        assert_eq!(error.task_name(), Some("forbidden"));

        spawner.spawn_detached(async {});
        spawner.spawn_named("allowed", async {}).await.unwrap();
    });
}

fn refused_inside(running: &Running) {
    running.run(|runtime| async move {
        let log = Log::new();
        let named = Named::with_prefix(Hooked::new(runtime, Rules), "part.");
        let spawner = Logs::around(named, "outside", &log);
        let dropped = Event::new();
        let on_drop = SetOnDrop(dropped.clone());
        let task = spawner.spawn_named("forbidden", async move { drop(on_drop) });
        assert!(dropped.is_set());
        let expected =
            ["outside: forbidden", "outside enters", "outside leaves", "outside: Shutdown"];
        assert_eq!(log.take(), expected);
        assert!(task.await.unwrap_err().is_shutdown());
    });
}
