//! Starting, and what follows from it.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{ServicePhase, ServiceState, SetUp};
use async_runtime_compat::{with_blocking, with_timer};
use futures_lite::future::poll_once;

use crate::everywhere::everywhere;
use crate::probe::{Does, LONG, Probe, Refused, SHORT, until};

everywhere! {
    starts_runs_and_stops,
    set_up_runs_where_it_is_needed,
    set_up_that_does_not_help_fails_the_start,
    each_method_may_fail_the_start,
    each_method_may_panic,
    failed_service_starts_again,
    failure_of_run_ends_what_was_spawned,
    end_of_run_ends_what_was_spawned,
    service_may_cancel_its_own_token,
    starts_are_shared,
    start_goes_on_when_nobody_waits,
    wait_for_gives_the_state_or_says_what_it_is,
    watch_sees_the_last_state,
    tasks_are_listed,
    outer_group_stops_the_service,
    outer_group_aborts_the_service,
}

async fn starts_runs_and_stops(rt: Arc<dyn Runtime>) {
    let service = Probe::default().child(Does::Follow).wrap(&rt);
    assert_eq!(service.state().phase(), ServicePhase::Stopped);
    for round in 1..=2 {
        service.start().await.unwrap();
        assert!(service.state().is_running());
        service.start().await.unwrap();
        service.stop(LONG).await.unwrap();
        assert_eq!(service.state().phase(), ServicePhase::Stopped);
        assert_eq!(service.service().alive.count(), 0);
        assert!(service.tasks().is_empty());
        assert_eq!(service.service().calls("start"), round);
        service.stop(LONG).await.unwrap();
    }
    let methods = ["is_set_up", "set_up", "start", "run"];
    assert_eq!(service.service().log(), [methods, methods].concat());
}

async fn set_up_runs_where_it_is_needed(rt: Arc<dyn Runtime>) {
    let service = Probe::default().set_up([SetUp::Done, SetUp::Needed, SetUp::Done]).wrap(&rt);
    service.start().await.unwrap();
    service.restart(LONG).await.unwrap();
    service.stop(LONG).await.unwrap();
    let done = ["is_set_up", "start", "run"];
    let needed = ["is_set_up", "set_up", "is_set_up", "start", "run"];
    assert_eq!(service.service().log(), [&done[..], &needed].concat());
}

async fn set_up_that_does_not_help_fails_the_start(rt: Arc<dyn Runtime>) {
    for then in [SetUp::Needed, SetUp::Unchecked] {
        let service = Probe::default().set_up([SetUp::Needed, then]).wrap(&rt);
        let error = service.start().await.unwrap_err();
        assert!(error.is_failed());
        assert_eq!(
            format!("{error:#}"),
            "service 'probe' failed to start: `set_up` of service 'probe' failed: \
             `is_set_up` did not return `Done` afterwards"
        );
        assert_eq!(service.state().phase(), ServicePhase::Failed);
        assert_eq!(service.service().log(), ["is_set_up", "set_up", "is_set_up"]);
    }
}

async fn each_method_may_fail_the_start(rt: Arc<dyn Runtime>) {
    for method in ["is_set_up", "set_up", "start"] {
        let service = Probe::default().with(method, Does::Fail).wrap(&rt);
        let error = service.start().await.unwrap_err();
        assert!(error.is_failed() && !error.is_stopped() && !error.is_stopping());
        let failure = error.failure().unwrap();
        assert_eq!(failure.to_string(), format!("`{method}` of service 'probe' failed"));
        let refused = failure.source().unwrap().downcast_ref::<Refused>().unwrap();
        assert_eq!(refused.0, method);
        assert_eq!(service.service().log().last(), Some(&method));
        let state = service.state();
        assert_eq!(
            state.to_string(),
            format!("failed: `{method}` of service 'probe' failed: {method} refused")
        );
    }
}

async fn each_method_may_panic(rt: Arc<dyn Runtime>) {
    for method in ["is_set_up", "set_up", "start", "run"] {
        let service = Probe::default().with(method, Does::Panic).child(Does::Follow).wrap(&rt);
        let started = service.start().await;
        assert_eq!(started.is_err(), method != "run");
        let state = service.wait_for(ServicePhase::Failed, LONG).await.unwrap();
        let failure = state.failure().unwrap();
        assert!(failure.is_panic());
        assert_eq!(failure.to_string(), format!("service 'probe' panicked: {method} panics"));
        assert_eq!(service.service().alive.count(), 0);
    }
}

async fn failed_service_starts_again(rt: Arc<dyn Runtime>) {
    let service = Probe::default().with("start", Does::Fail).wrap(&rt);
    service.start().await.unwrap_err();
    // It stays failed, and keeps its reason.
    service.stop(LONG).await.unwrap();
    assert!(service.state().failure().is_some());
    service.service().then("start", Does::Return);
    service.start().await.unwrap();
    service.service().then("run", Does::Fail);
    service.restart(LONG).await.unwrap();
    service.wait_for(ServicePhase::Failed, LONG).await.unwrap();
    service.service().then("run", Does::Follow);
    service.restart(LONG).await.unwrap();
    assert!(service.state().is_running());
    service.stop(LONG).await.unwrap();
}

async fn failure_of_run_ends_what_was_spawned(rt: Arc<dyn Runtime>) {
    let probe = Probe::default().with("run", Does::Fail);
    let service = probe.child(Does::Follow).child(Does::FollowSlowly).wrap(&rt);
    service.start().await.unwrap();
    let state = service.wait_for(ServicePhase::Failed, LONG).await.unwrap();
    assert_eq!(service.service().alive.count(), 0);
    assert_eq!(state.to_string(), "failed: `run` of service 'probe' failed: run refused");
}

async fn end_of_run_ends_what_was_spawned(rt: Arc<dyn Runtime>) {
    let probe = Probe::default().with("run", Does::Yield(2)).child(Does::Follow);
    let service = probe.child(Does::Return).wrap(&rt);
    service.start().await.unwrap();
    service.wait_for(ServicePhase::Stopped, LONG).await.unwrap();
    assert_eq!(service.service().alive.count(), 0);
}

async fn service_may_cancel_its_own_token(rt: Arc<dyn Runtime>) {
    let service = Probe::default().child(Does::Follow).wrap(&rt);
    service.start().await.unwrap();
    until(&rt, || service.service().calls("run") > 0).await;
    let context = service.service().context.lock().unwrap().clone().unwrap();
    context.cancel_token().cancel();
    service.wait_for(ServicePhase::Stopped, LONG).await.unwrap();
    assert_eq!(service.service().alive.count(), 0);
}

async fn starts_are_shared(rt: Arc<dyn Runtime>) {
    let service = Probe::default().with("start", Does::Yield(3)).wrap(&rt);
    let starts: Vec<_> = (0..4)
        .map(|_| {
            let service = service.clone();
            rt.spawn_with_handle(async move { service.start().await })
        })
        .collect();
    for start in starts {
        start.await.unwrap().unwrap();
    }
    assert_eq!(service.service().calls("start"), 1);
    service.stop(LONG).await.unwrap();
}

async fn start_goes_on_when_nobody_waits(rt: Arc<dyn Runtime>) {
    let service = Probe::default().with("start", Does::Yield(3)).wrap(&rt);
    drop(service.start());
    assert_eq!(service.state().phase(), ServicePhase::Stopped, "it was not polled");
    assert!(poll_once(Box::pin(service.start())).await.is_none_or(|started| started.is_ok()));
    service.wait_for(ServicePhase::Running, LONG).await.unwrap();
    service.stop(LONG).await.unwrap();
}

async fn wait_for_gives_the_state_or_says_what_it_is(rt: Arc<dyn Runtime>) {
    let service = Probe::default().with("start", Does::Fail).wrap(&rt);
    service.wait_for(ServicePhase::Stopped, Duration::ZERO).await.unwrap();
    let error = service.wait_for(ServicePhase::Running, SHORT).await.unwrap_err();
    assert_eq!(error.to_string(), "service 'probe' was not running within 20ms: it is stopped");
    service.start().await.unwrap_err();
    let error = service.wait_for(ServicePhase::Running, SHORT).await.unwrap_err();
    assert!(matches!(error.state(), ServiceState::Failed(_)));
    assert!(error.source().is_some());
}

async fn watch_sees_the_last_state(rt: Arc<dyn Runtime>) {
    let service = Probe::default().wrap(&rt);
    let mut watch = service.watch();
    service.start().await.unwrap();
    assert_eq!(watch.changed().await.unwrap().phase(), ServicePhase::Running);
    service.stop(LONG).await.unwrap();
    assert_eq!(watch.changed().await.unwrap().phase(), ServicePhase::Stopped);
    drop(service);
    assert!(watch.changed().await.is_none());
    assert_eq!(watch.state().phase(), ServicePhase::Stopped);
}

async fn tasks_are_listed(rt: Arc<dyn Runtime>) {
    let service = Probe::default().child(Does::Follow).wrap(&rt);
    assert!(service.tasks().is_empty());
    service.start().await.unwrap();
    until(&rt, || service.tasks().len() == 3).await;
    let tasks = service.tasks();
    assert_eq!(tasks[0].task_name(), Some("probe/run"));
    assert!(tasks[0].spawned_at().file().ends_with("probe.rs"), "{}", tasks[0]);
    assert!(tasks.iter().all(|task| task.age().is_some()));
    service.stop(LONG).await.unwrap();
}

/// A runtime that spawns into a group.
fn grouped(rt: &Arc<dyn Runtime>) -> (TaskGroup, Arc<dyn Runtime>) {
    let group = TaskGroup::new(rt.clone());
    let grouped = with_blocking(with_timer(group.spawner(), rt.clone()), rt.clone());
    (group, Arc::new(grouped))
}

async fn outer_group_aborts_the_service(rt: Arc<dyn Runtime>) {
    let (group, inner) = grouped(&rt);
    let service = Probe::default().child(Does::Hang).wrap(&inner);
    service.start().await.unwrap();
    group.abort_all();
    let state = service.watch().wait_for(ServiceState::is_ended).await.unwrap();
    assert!(state.failure().unwrap().is_cancelled(), "{state}");
    assert_eq!(service.service().alive.count(), 0);
    // The group is open, so that there may be another run.
    service.start().await.unwrap();
    service.stop(SHORT).await.ok();
}

async fn outer_group_stops_the_service(rt: Arc<dyn Runtime>) {
    let (group, inner) = grouped(&rt);
    let service = Probe::default().child(Does::Follow).wrap(&inner);
    service.start().await.unwrap();
    let report = group.shutdown(&*rt, LONG).await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(service.state().phase(), ServicePhase::Stopped);
    assert_eq!(service.service().alive.count(), 0);
    let error = service.start().await.unwrap_err();
    assert!(error.failure().unwrap().is_shutdown());
}
