//! Services by name, and the order that they start and stop in.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{
    ActionContext, Service, ServiceContext, ServicePhase, ServiceStack, ServiceState,
    StackStartError,
};
use serde_json::json;

use crate::everywhere::everywhere;
use crate::probe::{Alive, Does, LONG, Refused, SHORT, act};

everywhere! {
    starts_in_order_and_stops_in_reverse,
    independent_ones_start_at_the_same_time,
    one_that_does_not_start_holds_back_those_that_need_it,
    one_that_does_not_stop_keeps_no_other_from_it,
    starts_one_with_what_it_needs,
    stops_one_with_what_needs_it,
    names_a_cycle_and_what_is_not_there,
    stops_what_has_no_order,
    names_are_taken_once,
    lists_what_there_is,
    dispatches_by_name,
    asks_all_for_their_health,
    start_of_all_against_stop_of_all,
    dropping_the_stack_aborts,
}

/// Notes when it starts and stops.
struct Part {
    name: &'static str,
    log: Log,
    start: Does,
    stop: Does,
    health: Does,
    alive: Alive,
}

type Log = Arc<Mutex<Vec<String>>>;

impl Part {
    fn new(name: &'static str, log: &Log) -> Part {
        let (start, stop, health) = (Does::Yield(1), Does::Follow, Does::Return);
        Part { name, log: log.clone(), start, stop, health, alive: Alive::default() }
    }

    fn note(&self, what: &str) {
        self.log.lock().unwrap().push(format!("{} {what}", self.name));
    }
}

impl Service for Part {
    type Action = String;
    type Event = String;
    type Error = Refused;
    type Ready = ();

    async fn start(&self, cx: &ServiceContext) -> Result<(), Refused> {
        self.note("starts");
        act(self.start, "start", &cx.cancel_token(), self.alive.clone()).await?;
        self.note("runs");
        Ok(())
    }

    async fn run(&self, (): (), cx: ServiceContext) -> Result<(), Refused> {
        // Also when it is aborted.
        struct Ends<'a>(&'a Part);

        impl Drop for Ends<'_> {
            fn drop(&mut self) {
                self.0.note("ends");
            }
        }

        let _ends = Ends(self);
        act(self.stop, "run", &cx.cancel_token(), self.alive.clone()).await
    }

    async fn check_health(&self, cx: &ServiceContext) -> Result<(), Refused> {
        act(self.health, "health", &cx.cancel_token(), self.alive.clone()).await
    }

    async fn dispatch(&self, text: String, cx: ActionContext<String>) -> Result<(), Refused> {
        cx.emit(format!("{} says {text}", cx.service())).await;
        Ok(())
    }

    fn type_name(&self) -> &str {
        if self.name == "db" { "storage" } else { "part" }
    }
}

/// `web` needs `auth` and `db`, `auth` needs `db`, and `mail` needs nothing.
fn stack(rt: &Arc<dyn Runtime>, change: impl Fn(&mut Part)) -> (ServiceStack, Log) {
    let (stack, log) = (ServiceStack::new(rt.clone()), Log::default());
    // In no order.
    for (name, needs) in
        [("web", &["db", "auth"][..]), ("db", &[]), ("mail", &[]), ("auth", &["db"])]
    {
        let mut part = Part::new(name, &log);
        change(&mut part);
        stack.register(name, part, needs).unwrap();
    }
    (stack, log)
}

fn position(log: &Log, what: &str) -> usize {
    let log = log.lock().unwrap();
    log.iter().position(|line| line == what).unwrap_or_else(|| panic!("no '{what}' in {log:?}"))
}

fn phases(stack: &ServiceStack) -> BTreeMap<String, ServicePhase> {
    stack.list().into_iter().map(|it| (it.name, it.state.phase())).collect()
}

#[track_caller]
fn all_are(stack: &ServiceStack, phase: ServicePhase) {
    let phases = phases(stack);
    assert!(phases.values().all(|it| *it == phase), "{phases:?}");
}

async fn starts_in_order_and_stops_in_reverse(rt: Arc<dyn Runtime>) {
    let (stack, log) = stack(&rt, |_| {});
    for _ in 0..2 {
        // Its future may be spawned.
        let starting = stack.clone();
        rt.spawn_with_handle(async move { starting.start_all().await }).await.unwrap().unwrap();
        all_are(&stack, ServicePhase::Running);
        for (needed, needing) in [("db", "auth"), ("db", "web"), ("auth", "web")] {
            let (runs, starts) = (format!("{needed} runs"), format!("{needing} starts"));
            assert!(position(&log, &runs) < position(&log, &starts));
        }
        // It is all there.
        stack.start_all().await.unwrap();
        // One that is stopped before it came to `run` notes no end.
        let stopping = stack.clone();
        rt.spawn_with_handle(async move { stopping.stop_all(LONG).await }).await.unwrap().unwrap();
        all_are(&stack, ServicePhase::Stopped);
        let ends: Vec<_> = log
            .lock()
            .unwrap()
            .iter()
            .filter_map(|it| it.strip_suffix(" ends").map(str::to_owned))
            .collect();
        let of = |name: &str| ends.iter().position(|it| it == name);
        for (needed, needing) in [("db", "auth"), ("auth", "web")] {
            if let (Some(needed), Some(needing)) = (of(needed), of(needing)) {
                assert!(needing < needed, "{ends:?}");
            }
        }
        log.lock().unwrap().clear();
    }
}

async fn independent_ones_start_at_the_same_time(rt: Arc<dyn Runtime>) {
    // It starts for ever, and in nobody's way.
    let (stack, _) = stack(&rt, |part| {
        if part.name == "mail" {
            part.start = Does::Hang;
        }
    });
    let start = rt.spawn_with_handle({
        let stack = stack.clone();
        async move { stack.start_all().await }
    });
    stack.get("web").unwrap().wait_for(ServicePhase::Running, LONG).await.unwrap();
    assert_eq!(phases(&stack)["mail"], ServicePhase::Starting);
    stack.get("mail").unwrap().stop(Duration::ZERO).await.ok();
    let error = start.await.unwrap().unwrap_err();
    let failures: Vec<_> = error.failures().map(|(name, it)| (name, it.is_stopped())).collect();
    assert_eq!(failures, [("mail", true)]);
    stack.stop_all(LONG).await.unwrap();
}

async fn one_that_does_not_start_holds_back_those_that_need_it(rt: Arc<dyn Runtime>) {
    let (stack, log) = stack(&rt, |part| {
        if part.name == "auth" {
            part.start = Does::Fail;
        }
    });
    let error = stack.start_all().await.unwrap_err();
    assert!(error.is_failed() && !error.is_cycle() && !error.is_unknown());
    assert_eq!(error.failures().map(|(name, _)| name).collect::<Vec<_>>(), ["auth"]);
    assert_eq!(error.held_back(), ["web"]);
    assert_eq!(
        error.to_string(),
        "service 'auth' failed to start: `start` of service 'auth' failed: start refused; 'web' was \
         not started because a dependency failed"
    );
    let phases = phases(&stack);
    assert_eq!(phases["db"], ServicePhase::Running);
    assert_eq!(phases["mail"], ServicePhase::Running);
    assert_eq!(phases["web"], ServicePhase::Stopped);
    assert!(!log.lock().unwrap().iter().any(|line| line.starts_with("web")));
    stack.stop_all(LONG).await.unwrap();
}

async fn one_that_does_not_stop_keeps_no_other_from_it(rt: Arc<dyn Runtime>) {
    let (stack, _) = stack(&rt, |part| match part.name {
        "web" => part.stop = Does::Hang,
        "auth" => part.stop = Does::FollowAndFail,
        _ => {}
    });
    stack.start_all().await.unwrap();
    // So that each has come to what it does.
    stack.check_health(LONG).await;
    rt.sleep(SHORT).await;
    let error = stack.stop_all(SHORT).await.unwrap_err();
    assert!(error.is_timeout() && error.is_failed() && !error.is_unknown());
    let failures: Vec<_> = error.failures().map(|(name, it)| (name, it.is_timeout())).collect();
    assert_eq!(failures, [("auth", false), ("web", true)]);
    assert_eq!(
        error.to_string(),
        "service 'auth' failed before it stopped: `run` of service 'auth' failed: run refused; \
         service 'web' did not stop in time: 1 task was aborted"
    );
    assert!(stack.list().iter().all(|it| it.state.is_ended()));
}

async fn starts_one_with_what_it_needs(rt: Arc<dyn Runtime>) {
    let (stack, _) = stack(&rt, |_| {});
    stack.start("auth").await.unwrap();
    let phases = phases(&stack);
    assert_eq!((phases["auth"], phases["db"]), (ServicePhase::Running, ServicePhase::Running));
    assert_eq!((phases["web"], phases["mail"]), (ServicePhase::Stopped, ServicePhase::Stopped));
    stack.stop_all(LONG).await.unwrap();
}

async fn stops_one_with_what_needs_it(rt: Arc<dyn Runtime>) {
    let (stack, _) = stack(&rt, |_| {});
    stack.start_all().await.unwrap();
    stack.stop("auth", LONG).await.unwrap();
    let phases = phases(&stack);
    assert_eq!((phases["auth"], phases["web"]), (ServicePhase::Stopped, ServicePhase::Stopped));
    assert_eq!((phases["db"], phases["mail"]), (ServicePhase::Running, ServicePhase::Running));
    stack.stop_all(LONG).await.unwrap();
}

async fn names_a_cycle_and_what_is_not_there(rt: Arc<dyn Runtime>) {
    let (stack, log) = (ServiceStack::new(rt), Log::default());
    stack.register("a", Part::new("a", &log), &["b"]).unwrap();
    stack.register("b", Part::new("b", &log), &["c", "d"]).unwrap();
    stack.register("c", Part::new("c", &log), &[]).unwrap();
    let error: StackStartError = stack.start_all().await.unwrap_err();
    assert!(error.is_unknown());
    assert_eq!(
        error.to_string(),
        "service 'b' needs unknown service 'd'; registered: 'a', 'b', 'c'"
    );
    // It concerns those that need it.
    stack.start("c").await.unwrap();
    stack.register("d", Part::new("d", &log), &["a"]).unwrap();
    let error = stack.start("b").await.unwrap_err();
    assert_eq!(error.cycle().unwrap(), ["b", "d", "a", "b"]);
    assert_eq!(
        error.to_string(),
        "cyclic dependency between services: 'b' needs 'd' needs 'a' needs 'b'"
    );
    assert_eq!(log.lock().unwrap().iter().filter(|it| it.ends_with("starts")).count(), 1);
    let error = stack.start("e").await.unwrap_err();
    assert_eq!(error.to_string(), "unknown service 'e'; registered: 'a', 'b', 'c', 'd'");
    let error = stack.stop("e", LONG).await.unwrap_err();
    assert!(error.is_unknown());
    assert_eq!(error.to_string(), "unknown service 'e'; registered: 'a', 'b', 'c', 'd'");
    stack.remove("a").unwrap();
    stack.register("a", Part::new("a", &log), &["a"]).unwrap();
    assert_eq!(stack.start("a").await.unwrap_err().cycle().unwrap(), ["a", "a"]);
    stack.stop_all(LONG).await.unwrap();
}

async fn stops_what_has_no_order(rt: Arc<dyn Runtime>) {
    let (stack, log) = (ServiceStack::new(rt), Log::default());
    for (name, needs) in [("a", &["b"][..]), ("b", &["a"]), ("c", &["a", "nobody"]), ("d", &[])] {
        stack.register(name, Part::new(name, &log), needs).unwrap();
        stack.get(name).unwrap().start().await.unwrap();
    }
    stack.stop_all(LONG).await.unwrap();
    all_are(&stack, ServicePhase::Stopped);
}

async fn names_are_taken_once(rt: Arc<dyn Runtime>) {
    let (stack, log) = stack(&rt, |_| {});
    let error = stack.register("db", Part::new("db", &log), &[]).unwrap_err();
    assert!(error.is_duplicate());
    assert_eq!(error.to_string(), "service 'db' is already registered: choose another name");
    assert!(stack.remove("db").is_some() && stack.remove("db").is_none());
    assert!(stack.get("db").is_none());
    stack.register("db", Part::new("db", &log), &[]).unwrap();
}

async fn lists_what_there_is(rt: Arc<dyn Runtime>) {
    let (stack, _) = stack(&rt, |_| {});
    stack.start("db").await.unwrap();
    let list = serde_json::to_value(stack.list()).unwrap();
    assert_eq!(
        list[1],
        json!({ "name": "db", "type": "storage", "state": { "state": "running" }, "needs": [] })
    );
    assert_eq!(list[3]["needs"], json!(["db", "auth"]));
    assert_eq!(stack.list_types(), ["part", "storage"]);
    assert_eq!(format!("{stack:?}"), r#"["auth", "db", "mail", "web"]"#);
    stack.stop_all(LONG).await.unwrap();
}

async fn dispatches_by_name(rt: Arc<dyn Runtime>) {
    let (stack, _) = stack(&rt, |_| {});
    stack.start_all().await.unwrap();
    let mut run = stack.dispatch("mail", json!("hello")).unwrap();
    assert_eq!(run.events.next().await.unwrap().unwrap(), json!("mail says hello"));
    run.await.unwrap();
    let error = stack.dispatch("post", json!("hello")).unwrap_err();
    assert!(error.is_unknown());
    assert_eq!(error.known().unwrap(), ["auth", "db", "mail", "web"]);
    assert!(error.to_string().starts_with("unknown service 'post'; registered: 'auth', 'db'"));
    assert!(stack.dispatch("mail", json!(7)).unwrap_err().is_misfit());
    stack.stop_all(LONG).await.unwrap();
    assert!(stack.dispatch("mail", json!("hello")).unwrap_err().is_refused());
}

async fn asks_all_for_their_health(rt: Arc<dyn Runtime>) {
    let (stack, _) = stack(&rt, |part| match part.name {
        "db" => part.health = Does::Fail,
        "web" => part.health = Does::Hang,
        _ => {}
    });
    stack.start_all().await.unwrap();
    stack.get("mail").unwrap().stop(LONG).await.unwrap();
    let ill = stack.check_health(SHORT).await;
    assert_eq!(ill.keys().collect::<Vec<_>>(), ["db", "mail", "web"]);
    assert!(ill["db"].is_failed() && ill["mail"].is_not_running() && ill["web"].is_timeout());
    stack.stop_all(LONG).await.unwrap();
}

async fn start_of_all_against_stop_of_all(rt: Arc<dyn Runtime>) {
    let (stack, log) = stack(&rt, |_| {});
    let start = rt.spawn_with_handle({
        let stack = stack.clone();
        async move { stack.start_all().await }
    });
    stack.stop_all(LONG).await.unwrap();
    if let Err(error) = start.await.unwrap() {
        for (name, error) in error.failures() {
            assert!(error.is_stopped() || error.is_stopping(), "{name}: {error}");
        }
    }
    // What was started after its turn to stop.
    stack.stop_all(LONG).await.unwrap();
    all_are(&stack, ServicePhase::Stopped);
    drop(log);
}

async fn dropping_the_stack_aborts(rt: Arc<dyn Runtime>) {
    let (stack, _) = stack(&rt, |_| {});
    stack.start_all().await.unwrap();
    let kept = stack.get("web").unwrap();
    let mut watch = stack.get("db").unwrap().watch();
    drop(stack);
    watch.wait_for(ServiceState::is_ended).await.unwrap();
    assert!(kept.state().is_running());
    kept.stop(LONG).await.unwrap();
}
