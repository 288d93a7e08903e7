//! Services without a start and a run of their own, and actions before a start.

use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{
    Accepts, ActionContext, ActionService, Run, Service, ServiceContext, ServicePhase,
    ServiceWrapper,
};
use async_runtime_compat::{with_blocking, with_timer};
use futures_lite::future::poll_once;

use crate::everywhere::everywhere;
use crate::probe::{Alive, Ask, Does, LONG, Probe, Refused, SHORT, until};

everywhere! {
    needs_no_start_and_no_run,
    run_keeps_what_the_start_gave_it,
    accepts_actions_in_every_state_but_one,
    stop_ends_them,
    stop_aborts_them,
    stop_goes_on_when_nobody_waits,
    start_and_restart_leave_them,
    are_listed,
    go_with_the_wrapper,
    go_with_an_outer_group,
    outer_group_that_is_closed_refuses_them,
}

/// Only takes actions.
struct Echo {
    accepts: Accepts,
}

impl ActionService for Echo {
    type Action = u32;
    type Event = u32;
    type Error = Refused;

    async fn dispatch(&self, number: u32, cx: ActionContext<u32>) -> Result<(), Refused> {
        cx.emit(number).await;
        Ok(())
    }

    fn accepts(&self) -> Accepts {
        self.accepts
    }

    fn type_name(&self) -> &'static str {
        "some::echo"
    }
}

async fn echo(service: &ServiceWrapper<Echo>) {
    let Run { mut events, handle, .. } = service.dispatch(7).unwrap();
    assert_eq!(events.next().await, Some(7));
    assert_eq!(events.next().await, None);
    handle.await.unwrap();
}

async fn needs_no_start_and_no_run(rt: Arc<dyn Runtime>) {
    let service = ServiceWrapper::new(rt.clone(), Echo { accepts: Accepts::WhileRunning });
    assert_eq!(service.name(), "echo");
    assert_eq!(service.dispatch(7).unwrap_err().into_action(), 7);
    service.start().await.unwrap();
    echo(&service).await;
    service.check_health(LONG).await.unwrap();
    service.restart(LONG).await.unwrap();
    echo(&service).await;
    service.stop(LONG).await.unwrap();
    assert_eq!(service.dispatch(7).unwrap_err().into_action(), 7);

    let service = ServiceWrapper::new(rt, Echo { accepts: Accepts::Always });
    echo(&service).await;
    assert_eq!(service.state().phase(), ServicePhase::Stopped);
    service.stop(LONG).await.unwrap();
}

/// Has a start, and the default `run`.
#[derive(Default)]
struct Keeps {
    alive: Alive,
}

impl Service for Keeps {
    type Action = ();
    type Event = ();
    type Error = Refused;
    type Ready = Alive;

    async fn start(&self, _: &ServiceContext) -> Result<Alive, Refused> {
        Ok(self.alive.clone())
    }

    async fn dispatch(&self, (): (), _: ActionContext<()>) -> Result<(), Refused> {
        Ok(())
    }
}

async fn run_keeps_what_the_start_gave_it(rt: Arc<dyn Runtime>) {
    let service = ServiceWrapper::new(rt, Keeps::default());
    service.start().await.unwrap();
    for _ in 0..3 {
        service.dispatch(()).unwrap().await.unwrap();
        assert_eq!(service.service().alive.count(), 1);
    }
    service.stop(LONG).await.unwrap();
    assert_eq!(service.service().alive.count(), 0);
}

async fn accepts_actions_in_every_state_but_one(rt: Arc<dyn Runtime>) {
    let service = Probe::default().always().with("start", Does::Fail).wrap(&rt);
    let count = async || service.dispatch(Ask::Count(3)).unwrap().await.unwrap();
    count().await;
    service.start().await.unwrap_err();
    assert_eq!(service.state().phase(), ServicePhase::Failed);
    count().await;
    assert_eq!(service.state().phase(), ServicePhase::Failed);
    for (method, phase) in [("set_up", ServicePhase::SettingUp), ("start", ServicePhase::Starting)]
    {
        service.service().then("start", Does::Return);
        service.service().then(method, Does::Follow);
        assert!(poll_once(Box::pin(service.start())).await.is_none());
        service.wait_for(phase, LONG).await.unwrap();
        count().await;
        service.stop(LONG).await.unwrap();
        service.service().then(method, Does::Return);
    }
    service.start().await.unwrap();
    count().await;
    service.service().then("ask", Does::Hang);
    let hangs = service.dispatch(Ask::Act("ask")).unwrap();
    assert!(poll_once(Box::pin(service.stop(LONG))).await.is_none());
    let error = service.dispatch(Ask::Count(3)).unwrap_err();
    assert_eq!(error.state().phase(), ServicePhase::Stopping);
    service.stop(Duration::ZERO).await.unwrap_err();
    assert!(hangs.await.unwrap_err().is_cancelled());
    count().await;
}

async fn stop_ends_them(rt: Arc<dyn Runtime>) {
    let service = Probe::default().always().with("ask", Does::FollowSlowly).wrap(&rt);
    for started in [false, true] {
        let runs: Vec<_> = (0..3).map(|_| service.dispatch(Ask::Act("ask")).unwrap()).collect();
        if started {
            service.start().await.unwrap();
        }
        let stops: Vec<_> = (0..2)
            .map(|_| {
                let service = service.clone();
                rt.spawn_with_handle(async move { service.stop(LONG).await })
            })
            .collect();
        for stop in stops {
            stop.await.unwrap().unwrap();
        }
        for run in runs {
            assert!(run.handle.is_finished());
            assert!(run.await.unwrap_err().is_cancelled());
        }
        assert_eq!(service.service().alive.count(), 0);
        assert!(service.tasks().is_empty());
        assert_eq!(service.state().phase(), ServicePhase::Stopped);
    }
}

async fn stop_aborts_them(rt: Arc<dyn Runtime>) {
    let service = Probe::default().always().with("ask", Does::Hang).wrap(&rt);
    let before = service.dispatch(Ask::Act("ask")).unwrap();
    service.start().await.unwrap();
    let after = service.dispatch(Ask::Act("ask")).unwrap();
    until(&rt, || service.service().calls("ask") == 2).await;
    let error = service.stop(SHORT).await.unwrap_err();
    assert!(error.is_timeout() && !error.is_failed());
    assert_eq!(error.aborted(), 2);
    for run in [before, after] {
        assert!(run.handle.is_finished());
        assert!(run.await.unwrap_err().is_cancelled());
    }
    assert_eq!(service.service().alive.count(), 0);
    service.dispatch(Ask::Count(3)).unwrap().await.unwrap();
}

async fn stop_goes_on_when_nobody_waits(rt: Arc<dyn Runtime>) {
    let service = Probe::default().always().with("ask", Does::Hang).wrap(&rt);
    let run = service.dispatch(Ask::Act("ask")).unwrap();
    assert!(poll_once(Box::pin(service.stop(LONG))).await.is_none());
    // It would put off the end of the stop.
    let error = service.dispatch(Ask::Count(1)).unwrap_err();
    assert_eq!(error.state().phase(), ServicePhase::Stopping);
    assert!(poll_once(Box::pin(service.stop(SHORT))).await.is_none());
    assert!(run.await.unwrap_err().is_cancelled());
    until(&rt, || service.dispatch(Ask::Count(0)).is_ok()).await;
}

async fn start_and_restart_leave_them(rt: Arc<dyn Runtime>) {
    let service = Probe::default().always().with("ask", Does::Follow).wrap(&rt);
    let run = service.dispatch(Ask::Act("ask")).unwrap();
    service.start().await.unwrap();
    service.restart(LONG).await.unwrap();
    assert!(!run.handle.is_finished());
    service.stop(LONG).await.unwrap();
    assert!(run.handle.is_finished());
    assert!(run.await.unwrap_err().is_cancelled());
}

async fn are_listed(rt: Arc<dyn Runtime>) {
    let service = Probe::default().always().with("ask", Does::Follow).wrap(&rt);
    let run = service.dispatch(Ask::Act("ask")).unwrap();
    let tasks = service.tasks();
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0].task_name(), Some("probe/dispatch"));
    assert!(tasks[0].spawned_at().file().ends_with("actions_only.rs"), "{}", tasks[0]);
    service.stop(LONG).await.unwrap();
    assert!(run.await.unwrap_err().is_cancelled());
}

async fn go_with_the_wrapper(rt: Arc<dyn Runtime>) {
    let service = Probe::default().always().with("ask", Does::Hang).wrap(&rt);
    let run = service.dispatch(Ask::Act("ask")).unwrap();
    let alive = service.service().alive.clone();
    drop(service);
    assert!(run.await.unwrap_err().is_cancelled());
    until(&rt, || alive.count() == 0).await;
}

async fn go_with_an_outer_group(rt: Arc<dyn Runtime>) {
    let group = TaskGroup::new(rt.clone());
    let grouped = with_blocking(with_timer(group.spawner(), rt.clone()), rt.clone());
    let probe = Probe::default().always().with("ask", Does::Hang);
    let service = probe.wrap(&(Arc::new(grouped) as Arc<dyn Runtime>));
    let run = service.dispatch(Ask::Act("ask")).unwrap();
    until(&rt, || service.service().calls("ask") == 1).await;
    let report = group.shutdown(&*rt, SHORT).await;
    assert_eq!(report.aborted, 1);
    assert!(run.await.unwrap_err().is_cancelled());
    // Its task is refused, and it ends nevertheless.
    service.stop(LONG).await.unwrap();
    assert_eq!(service.service().alive.count(), 0);
}

async fn outer_group_that_is_closed_refuses_them(rt: Arc<dyn Runtime>) {
    let group = TaskGroup::new(rt.clone());
    group.close();
    let grouped = with_blocking(with_timer(group.spawner(), rt.clone()), rt.clone());
    let service = Probe::default().always().wrap(&(Arc::new(grouped) as Arc<dyn Runtime>));
    let run = service.dispatch(Ask::Count(3)).unwrap();
    assert!(run.await.unwrap_err().is_shutdown());
    service.stop(LONG).await.unwrap();
}
