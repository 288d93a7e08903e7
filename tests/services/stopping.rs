//! Stopping and restarting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{ServicePhase, ServiceState, ServiceWrapper};
use futures_lite::future::poll_once;

use crate::everywhere::everywhere;
use crate::probe::{Does, LONG, Probe, SHORT, until};

everywhere! {
    what_does_not_follow_is_aborted_after_the_grace_period,
    no_grace_aborts_at_once,
    what_is_spawned_meanwhile_is_waited_for,
    spawner_of_a_run_that_has_ended_takes_nothing,
    blocking_work_is_waited_for,
    failure_while_stopping_is_reported,
    stop_ends_a_start_that_does_not_follow,
    stop_ends_a_start_that_follows,
    stop_lets_the_method_of_the_start_finish,
    start_refuses_a_service_that_stops,
    shorter_grace_counts,
    stop_goes_on_when_nobody_waits,
    restart_stops_and_starts,
    restart_starts_what_is_not_running,
    restart_goes_on_when_nobody_waits,
    restart_follows_a_stop_that_fails,
    stop_ends_a_restart,
    start_joins_a_restart,
    dropping_the_wrapper_aborts,
    dropping_the_wrapper_ends_a_restart,
}

async fn hanging(rt: &Arc<dyn Runtime>) -> ServiceWrapper<Probe> {
    let service = Probe::default().with("run", Does::Hang).child(Does::Hang).wrap(rt);
    service.start().await.unwrap();
    let alive = &service.service().alive;
    // The service with what its start gave it, a child, a grandchild.
    until(rt, || alive.count() == 4).await;
    service
}

async fn what_does_not_follow_is_aborted_after_the_grace_period(rt: Arc<dyn Runtime>) {
    let service = hanging(&rt).await;
    let start = rt.now();
    let error = service.stop(SHORT).await.unwrap_err();
    assert!(rt.now() - start >= SHORT);
    assert!(error.is_timeout() && !error.is_failed());
    assert_eq!(error.aborted(), 3);
    assert_eq!(error.to_string(), "service 'probe' did not stop in time: 3 tasks were aborted");
    assert_eq!(service.service().alive.count(), 0);
    assert_eq!(service.state().phase(), ServicePhase::Stopped);
}

async fn no_grace_aborts_at_once(rt: Arc<dyn Runtime>) {
    let service = hanging(&rt).await;
    assert!(service.stop(Duration::ZERO).await.unwrap_err().is_timeout());
    assert_eq!(service.service().alive.count(), 0);
    assert_eq!(service.state().phase(), ServicePhase::Stopped);
}

async fn what_is_spawned_meanwhile_is_waited_for(rt: Arc<dyn Runtime>) {
    let service = Probe::default().wrap(&rt);
    service.start().await.unwrap();
    until(&rt, || service.service().calls("run") > 0).await;
    let cx = service.service().context.lock().unwrap().clone().unwrap();
    let done = Arc::new(AtomicBool::new(false));
    cx.runtime().spawn_detached({
        let (cx, done) = (cx.clone(), done.clone());
        async move {
            cx.cancel_token().cancelled().await;
            let goodbye = cx.runtime().spawn_with_handle(async { 7 });
            done.store(goodbye.await.is_ok(), Ordering::SeqCst);
        }
    });
    service.stop(LONG).await.unwrap();
    assert!(done.load(Ordering::SeqCst));
}

async fn spawner_of_a_run_that_has_ended_takes_nothing(rt: Arc<dyn Runtime>) {
    let service = Probe::default().wrap(&rt);
    service.start().await.unwrap();
    until(&rt, || service.service().calls("run") > 0).await;
    let cx = service.service().context.lock().unwrap().clone().unwrap();
    service.restart(LONG).await.unwrap();
    assert!(cx.runtime().spawn_with_handle(async {}).await.unwrap_err().is_shutdown());
    assert!(cx.runtime().spawn_blocking(|| ()).await.unwrap_err().is_shutdown());
    assert!(cx.cancel_token().is_cancelled());
    service.stop(LONG).await.unwrap();
}

async fn blocking_work_is_waited_for(rt: Arc<dyn Runtime>) {
    let service = Probe::default().wrap(&rt);
    service.start().await.unwrap();
    until(&rt, || service.service().calls("run") > 0).await;
    let cx = service.service().context.lock().unwrap().clone().unwrap();
    let alive = service.service().alive.clone();
    let token = cx.cancel_token();
    let (started, starts) = async_channel::bounded(1);
    let simulated = std::thread::current().name().is_none_or(|name| name.contains("sim::"));
    cx.runtime()
        .spawn_blocking(move || {
            started.try_send(()).unwrap();
            // In a simulation nobody could cancel it meanwhile.
            while !simulated && !token.is_cancelled() {
                std::thread::yield_now();
            }
            drop(alive);
        })
        .detach();
    starts.recv().await.unwrap();
    service.stop(LONG).await.unwrap();
    assert_eq!(service.service().alive.count(), 0);
}

async fn failure_while_stopping_is_reported(rt: Arc<dyn Runtime>) {
    let probe = Probe::default().with("run", Does::FollowAndFail);
    let service = probe.child(Does::Hang).wrap(&rt);
    service.start().await.unwrap();
    until(&rt, || service.service().calls("run") > 0).await;
    let error = service.stop(SHORT).await.unwrap_err();
    assert!(error.is_failed() && error.is_timeout());
    assert_eq!(error.aborted(), 2);
    assert_eq!(
        format!("{error:#}"),
        "service 'probe' failed before it stopped, and 2 tasks were aborted: \
         `run` of service 'probe' failed: run refused"
    );
    assert_eq!(service.state().phase(), ServicePhase::Failed);
}

/// A start that is under way, and its result.
async fn starting(
    rt: &Arc<dyn Runtime>,
    does: Does,
) -> (
    ServiceWrapper<Probe>,
    JoinHandle<Result<(), async_runtime_compat::services::ServiceStartError>>,
) {
    let service = Probe::default().with("start", does).wrap(rt);
    let start = rt.spawn_with_handle({
        let service = service.clone();
        async move { service.start().await }
    });
    until(rt, || service.service().calls("start") > 0).await;
    (service, start)
}

async fn stop_ends_a_start_that_does_not_follow(rt: Arc<dyn Runtime>) {
    let (service, start) = starting(&rt, Does::Hang).await;
    assert!(service.stop(SHORT).await.unwrap_err().is_timeout());
    let error = start.await.unwrap().unwrap_err();
    assert!(error.is_stopped());
    assert_eq!(error.to_string(), "service 'probe' was stopped while starting");
    assert_eq!(service.state().phase(), ServicePhase::Stopped);
    assert_eq!(service.service().alive.count(), 0);
}

async fn stop_ends_a_start_that_follows(rt: Arc<dyn Runtime>) {
    let (service, start) = starting(&rt, Does::FollowAndFail).await;
    service.stop(LONG).await.unwrap();
    let error = start.await.unwrap().unwrap_err();
    assert!(error.is_stopped());
    assert!(error.failure().unwrap().message().contains("start refused"));
    assert_eq!(service.state().phase(), ServicePhase::Stopped);
}

async fn stop_lets_the_method_of_the_start_finish(rt: Arc<dyn Runtime>) {
    let (service, start) = starting(&rt, Does::FollowSlowly).await;
    service.stop(LONG).await.unwrap();
    assert!(start.await.unwrap().unwrap_err().is_stopped());
    assert_eq!(service.service().calls("run"), 0);
    assert_eq!(service.service().alive.count(), 0);
}

async fn start_refuses_a_service_that_stops(rt: Arc<dyn Runtime>) {
    let service = hanging(&rt).await;
    assert!(poll_once(Box::pin(service.stop(LONG))).await.is_none());
    let error = service.start().await.unwrap_err();
    assert!(error.is_stopping());
    assert_eq!(
        error.to_string(),
        "service 'probe' is stopping: start it after it has stopped, or use `restart`"
    );
    service.stop(Duration::ZERO).await.unwrap_err();
}

async fn shorter_grace_counts(rt: Arc<dyn Runtime>) {
    let service = hanging(&rt).await;
    let first = rt.spawn_with_handle({
        let service = service.clone();
        async move { service.stop(Duration::MAX).await }
    });
    service.wait_for(ServicePhase::Stopping, LONG).await.unwrap();
    assert!(poll_once(Box::pin(service.stop(SHORT))).await.is_none());
    // It would never come to its end.
    let second = service.stop(Duration::MAX).await.unwrap_err();
    let first = first.await.unwrap().unwrap_err();
    assert_eq!((first.aborted(), second.aborted()), (3, 3));
}

async fn stop_goes_on_when_nobody_waits(rt: Arc<dyn Runtime>) {
    let service = hanging(&rt).await;
    drop(service.stop(SHORT));
    assert!(service.state().is_running(), "it was not polled");
    assert!(poll_once(Box::pin(service.stop(SHORT))).await.is_none());
    service.wait_for(ServicePhase::Stopped, LONG).await.unwrap();
    assert_eq!(service.service().alive.count(), 0);
}

async fn restart_stops_and_starts(rt: Arc<dyn Runtime>) {
    let service = Probe::default().child(Does::FollowSlowly).wrap(&rt);
    service.start().await.unwrap();
    for round in 2..=4 {
        service.restart(LONG).await.unwrap();
        assert!(service.state().is_running());
        assert_eq!(service.service().calls("start"), round);
    }
    service.stop(LONG).await.unwrap();
    assert_eq!(service.service().alive.count(), 0);
}

async fn restart_starts_what_is_not_running(rt: Arc<dyn Runtime>) {
    let service = Probe::default().wrap(&rt);
    service.restart(LONG).await.unwrap();
    assert!(service.state().is_running());
    service.service().then("start", Does::Fail);
    assert!(service.restart(LONG).await.unwrap_err().is_failed());
    assert_eq!(service.state().phase(), ServicePhase::Failed);
    service.service().then("start", Does::Return);
    service.restart(LONG).await.unwrap();
    service.stop(LONG).await.unwrap();
}

async fn restart_goes_on_when_nobody_waits(rt: Arc<dyn Runtime>) {
    let service = Probe::default().with("run", Does::FollowSlowly).wrap(&rt);
    service.start().await.unwrap();
    assert!(poll_once(Box::pin(service.restart(LONG))).await.is_none_or(|it| it.is_ok()));
    until(&rt, || service.service().calls("start") == 2).await;
    service.wait_for(ServicePhase::Running, LONG).await.unwrap();
    service.stop(LONG).await.unwrap();
}

async fn restart_follows_a_stop_that_fails(rt: Arc<dyn Runtime>) {
    let service = Probe::default().with("run", Does::FollowAndFail).child(Does::Hang).wrap(&rt);
    service.start().await.unwrap();
    service.restart(SHORT).await.unwrap();
    assert!(service.state().is_running());
    service.stop(SHORT).await.unwrap_err();
}

async fn stop_ends_a_restart(rt: Arc<dyn Runtime>) {
    let service = hanging(&rt).await;
    let restart = rt.spawn_with_handle({
        let service = service.clone();
        async move { service.restart(Duration::MAX).await }
    });
    service.wait_for(ServicePhase::Stopping, LONG).await.unwrap();
    service.stop(SHORT).await.unwrap_err();
    assert_eq!(service.state().phase(), ServicePhase::Stopped);
    assert!(restart.await.unwrap().unwrap_err().is_stopped());
    assert_eq!(service.service().calls("start"), 1);
}

async fn start_joins_a_restart(rt: Arc<dyn Runtime>) {
    let service = hanging(&rt).await;
    assert!(poll_once(Box::pin(service.restart(SHORT))).await.is_none());
    service.start().await.unwrap();
    assert_eq!(service.service().calls("start"), 2);
    service.stop(Duration::ZERO).await.unwrap_err();
}

async fn dropping_the_wrapper_aborts(rt: Arc<dyn Runtime>) {
    let service = hanging(&rt).await;
    let (alive, mut watch) = (service.service().alive.clone(), service.watch());
    let clone = service.clone();
    drop(service);
    assert!(clone.state().is_running());
    drop(clone);
    let state = watch.wait_for(ServiceState::is_ended).await.unwrap();
    assert_eq!(state.phase(), ServicePhase::Stopped);
    assert!(watch.changed().await.is_none());
    assert_eq!(alive.count(), 0);
}

async fn dropping_the_wrapper_ends_a_restart(rt: Arc<dyn Runtime>) {
    let service = hanging(&rt).await;
    let mut watch = service.watch();
    let mut restart = Box::pin(service.restart(Duration::MAX));
    assert!(poll_once(&mut restart).await.is_none());
    drop(restart);
    drop(service);
    let state = watch.wait_for(ServiceState::is_ended).await.unwrap();
    assert_eq!(state.phase(), ServicePhase::Stopped);
    assert!(watch.changed().await.is_none());
}
