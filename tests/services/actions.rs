//! Actions that are dispatched to a service.

use std::error::Error;
use std::sync::Arc;

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{Run, ServicePhase};

use crate::everywhere::everywhere;
use crate::probe::{Ask, Does, LONG, Probe, Refused, SHORT, until};

everywhere! {
    answers_with_events_and_a_result,
    waits_for_a_slow_reader,
    goes_on_without_a_reader,
    goes_on_without_a_handle,
    is_refused_unless_the_service_runs,
    fails_by_itself,
    panics_by_itself,
    is_cancelled_by_its_handle,
    has_its_grace,
    ends_what_it_has_spawned,
    is_stopped_with_the_service,
    is_aborted_with_the_service,
    is_listed,
    goes_with_the_wrapper,
}

async fn answers_with_events_and_a_result(rt: Arc<dyn Runtime>) {
    let service = Probe::default().wrap(&rt);
    service.start().await.unwrap();
    let runs: Vec<_> = (0..3).map(|_| service.dispatch(Ask::Count(50)).unwrap()).collect();
    for run in runs {
        let Run { mut events, handle, .. } = run;
        let mut read = Vec::new();
        while let Some(event) = events.next().await {
            read.push(event);
        }
        assert!(read.into_iter().eq(1..=50));
        handle.await.unwrap();
    }
    service.stop(LONG).await.unwrap();
}

async fn waits_for_a_slow_reader(rt: Arc<dyn Runtime>) {
    let probe =
        async_runtime_compat::services::ServiceWrapper::builder(rt.clone(), Probe::default());
    let service = probe.event_capacity(2).build();
    service.start().await.unwrap();
    let Run { mut events, handle, .. } = service.dispatch(Ask::Count(5)).unwrap();
    crate::probe::yields(20).await;
    assert!(!handle.is_finished());
    for number in 1..=5 {
        assert_eq!(events.next().await, Some(number));
    }
    assert_eq!(events.next().await, None);
    handle.await.unwrap();
    service.stop(LONG).await.unwrap();
}

async fn goes_on_without_a_reader(rt: Arc<dyn Runtime>) {
    let service = Probe::default().wrap(&rt);
    service.start().await.unwrap();
    let Run { mut events, handle, .. } = service.dispatch(Ask::Count(1000)).unwrap();
    assert_eq!(events.next().await, Some(1));
    drop(events);
    handle.await.unwrap();
    // As a whole, it is its result.
    service.dispatch(Ask::Count(1000)).unwrap().await.unwrap();
    service.stop(LONG).await.unwrap();
}

async fn goes_on_without_a_handle(rt: Arc<dyn Runtime>) {
    let service = Probe::default().wrap(&rt);
    service.start().await.unwrap();
    let Run { mut events, handle, .. } = service.dispatch(Ask::Count(50)).unwrap();
    drop(handle);
    let mut last = 0;
    while let Some(event) = events.next().await {
        last = event;
    }
    assert_eq!(last, 50);
    service.stop(LONG).await.unwrap();
}

async fn is_refused_unless_the_service_runs(rt: Arc<dyn Runtime>) {
    let service = Probe::default().with("run", Does::Hang).wrap(&rt);
    let error = service.dispatch(Ask::Count(3)).unwrap_err();
    assert_eq!(error.to_string(), "service 'probe' does not accept actions because it is stopped");
    assert_eq!(error.into_action(), Ask::Count(3));
    service.start().await.unwrap();
    service.service().then("start", Does::Hang);
    let restart = rt.spawn_with_handle({
        let service = service.clone();
        async move { service.restart(LONG).await }
    });
    service.wait_for(ServicePhase::Stopping, LONG).await.unwrap();
    let error = service.dispatch(Ask::Count(3)).unwrap_err();
    assert_eq!(error.state().phase(), ServicePhase::Stopping);
    // To get to the start.
    assert!(futures_lite::future::poll_once(Box::pin(service.restart(SHORT))).await.is_none());
    service.wait_for(ServicePhase::Starting, LONG).await.unwrap();
    until(&rt, || service.service().calls("start") == 2).await;
    let error = service.dispatch(Ask::Count(3)).unwrap_err();
    assert_eq!(error.state().phase(), ServicePhase::Starting);
    service.stop(SHORT).await.unwrap_err();
    restart.await.unwrap().unwrap_err();
    service.service().then("start", Does::Fail);
    service.start().await.unwrap_err();
    let error = service.dispatch(Ask::Count(3)).unwrap_err();
    assert_eq!(error.state().phase(), ServicePhase::Failed);
    assert!(error.source().is_some());
}

async fn fails_by_itself(rt: Arc<dyn Runtime>) {
    let service = Probe::default().with("ask", Does::Fail).wrap(&rt);
    service.start().await.unwrap();
    let error = service.dispatch(Ask::Act("ask")).unwrap().await.unwrap_err();
    assert_eq!(error.to_string(), "an action of service 'probe' failed");
    assert_eq!(error.source().unwrap().downcast_ref::<Refused>().unwrap().0, "ask");
    assert!(service.state().is_running());
    service.stop(LONG).await.unwrap();
}

async fn panics_by_itself(rt: Arc<dyn Runtime>) {
    let service = Probe::default().with("ask", Does::Panic).wrap(&rt);
    service.start().await.unwrap();
    let error = service.dispatch(Ask::Act("ask")).unwrap().await.unwrap_err();
    assert!(error.is_panic());
    assert_eq!(error.to_string(), "an action of service 'probe' panicked: ask panics");
    assert!(service.state().is_running());
    service.stop(LONG).await.unwrap();
}

async fn is_cancelled_by_its_handle(rt: Arc<dyn Runtime>) {
    let service = Probe::default().with("follows", Does::Follow).wrap(&rt);
    service.service().then("fails", Does::FollowAndFail);
    service.start().await.unwrap();
    let follows = service.dispatch(Ask::Act("follows")).unwrap();
    let other = service.dispatch(Ask::Act("follows")).unwrap();
    // Whatever it gives, it was cancelled.
    assert!(follows.handle.cancel().await.unwrap_err().is_cancelled());
    let fails = service.dispatch(Ask::Act("fails")).unwrap();
    let error = fails.handle.cancel().await.unwrap_err();
    assert!(error.is_cancelled() && error.source().is_some());
    assert!(!other.handle.is_finished());
    assert!(service.state().is_running());
    service.stop(LONG).await.unwrap();
    assert!(other.await.unwrap_err().is_cancelled());
}

async fn has_its_grace(rt: Arc<dyn Runtime>) {
    let probe = Probe::default().with("hangs", Does::Hang);
    let service = async_runtime_compat::services::ServiceWrapper::builder(rt.clone(), probe);
    let service = service.grace(SHORT).build();
    service.start().await.unwrap();
    let start = rt.now();
    let error = service.dispatch(Ask::Act("hangs")).unwrap().handle.cancel().await.unwrap_err();
    assert!(error.is_cancelled());
    assert!(rt.now() - start >= SHORT);
    service.stop(LONG).await.unwrap();
    assert_eq!(service.service().alive.count(), 0);
}

async fn ends_what_it_has_spawned(rt: Arc<dyn Runtime>) {
    let service = Probe::default().wrap(&rt);
    service.start().await.unwrap();
    service.wait_for(ServicePhase::Running, LONG).await.unwrap();
    until(&rt, || service.service().calls("run") > 0).await;
    let before = service.service().alive.count();
    service.dispatch(Ask::Leave(3)).unwrap().await.unwrap();
    assert_eq!(service.service().alive.count(), before);
    service.stop(LONG).await.unwrap();
}

async fn is_stopped_with_the_service(rt: Arc<dyn Runtime>) {
    let service = Probe::default().with("ask", Does::FollowSlowly).wrap(&rt);
    service.start().await.unwrap();
    let runs: Vec<_> = (0..3).map(|_| service.dispatch(Ask::Act("ask")).unwrap()).collect();
    service.stop(LONG).await.unwrap();
    for run in runs {
        assert!(run.handle.is_finished());
        assert!(run.await.unwrap_err().is_cancelled());
    }
    assert_eq!(service.service().alive.count(), 0);
}

async fn is_aborted_with_the_service(rt: Arc<dyn Runtime>) {
    let service = Probe::default().wrap(&rt);
    service.start().await.unwrap();
    let flood = service.dispatch(Ask::Flood).unwrap();
    let full = service.dispatch(Ask::Flood).unwrap();
    let (events, handle) = (full.events, full.handle);
    let error = service.stop(SHORT).await.unwrap_err();
    assert_eq!(error.aborted(), 2);
    for handle in [flood.handle, handle] {
        assert!(handle.is_finished());
        assert!(handle.await.unwrap_err().is_cancelled());
    }
    drop(events);
}

async fn is_listed(rt: Arc<dyn Runtime>) {
    let service = Probe::default().with("ask", Does::Follow).wrap(&rt);
    service.start().await.unwrap();
    let run = service.dispatch(Ask::Act("ask")).unwrap();
    let tasks = service.tasks();
    let dispatched = tasks.iter().find(|task| task.task_name() == Some("probe/dispatch")).unwrap();
    assert!(dispatched.spawned_at().file().ends_with("actions.rs"), "{dispatched}");
    service.stop(LONG).await.unwrap();
    assert!(run.await.unwrap_err().is_cancelled());
}

async fn goes_with_the_wrapper(rt: Arc<dyn Runtime>) {
    let service = Probe::default().with("ask", Does::Hang).wrap(&rt);
    service.start().await.unwrap();
    let run = service.dispatch(Ask::Act("ask")).unwrap();
    let alive = service.service().alive.clone();
    drop(service);
    assert!(run.await.unwrap_err().is_cancelled());
    // The service itself may be a step behind.
    until(&rt, || alive.count() == 0).await;
}
