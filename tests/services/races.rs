//! Races, in the simulation, over many schedules.

use std::sync::Arc;
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{Run, RunError, ServicePhase, ServiceState, ServiceWrapper};
use async_runtime_compat_sim::SimRuntime;

use crate::probe::{Ask, Does, LONG, Probe, SHORT, yields};

const RUNS: u64 = 1000;

/// Explores a test that has a runtime, and the same as a trait object.
macro_rules! explore {
    (|$rt:ident| $body:expr) => {
        test_support::explore::explore(RUNS, |sim: SimRuntime| async move {
            let $rt: Arc<dyn Runtime> = Arc::new(sim);
            $body
        })
    };
}

/// Does something with the service in a task of its own.
fn beside<T, F>(
    rt: &Arc<dyn Runtime>,
    service: &ServiceWrapper<Probe>,
    f: impl FnOnce(ServiceWrapper<Probe>) -> F + Send + 'static,
) -> JoinHandle<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    rt.spawn_with_handle(f(service.clone()))
}

/// What is to be so of a service that has ended.
fn is_over(service: &ServiceWrapper<Probe>) {
    assert!(service.state().is_ended(), "it is {}", service.state());
    assert_eq!(service.service().alive.count(), 0, "something is left");
    assert!(service.tasks().is_empty());
}

#[test]
fn stop_against_start() {
    explore!(|rt| {
        let service = Probe::default().with("start", Does::Yield(1)).child(Does::Follow).wrap(&rt);
        let start = beside(&rt, &service, |it| async move { it.start().await });
        let stop = beside(&rt, &service, |it| async move { it.stop(LONG).await });
        let (started, stopped) = (start.await.unwrap(), stop.await.unwrap());
        assert!(stopped.is_ok());
        match started {
            // The stop was first, and found nothing to stop, or last.
            Ok(()) => {}
            Err(error) => {
                assert!(error.is_stopped() || error.is_stopping(), "{error}");
                is_over(&service);
            }
        }
        service.stop(LONG).await.unwrap();
        is_over(&service);
    });
}

#[test]
fn stop_against_the_end_of_the_service() {
    for end in [Does::Yield(2), Does::Fail, Does::Panic] {
        explore!(|rt| {
            let service = Probe::default().with("run", end).child(Does::FollowSlowly).wrap(&rt);
            service.start().await.unwrap();
            let stops = [LONG, Duration::ZERO]
                .map(|grace| beside(&rt, &service, move |it| async move { it.stop(grace).await }));
            for stop in stops {
                let stopped = stop.await.unwrap();
                is_over(&service);
                if let Err(error) = stopped {
                    assert_eq!(error.is_failed(), service.state().failure().is_some());
                }
            }
            if matches!(end, Does::Yield(_)) {
                assert_eq!(service.state().phase(), ServicePhase::Stopped);
            }
        });
    }
}

#[test]
fn dispatch_against_stop() {
    explore!(|rt| {
        let service =
            Probe::default().with("ask", Does::Yield(1)).with("hang", Does::Hang).wrap(&rt);
        service.start().await.unwrap();
        let dispatches: Vec<_> = [Ask::Act("ask"), Ask::Leave(2), Ask::Act("hang")]
            .map(|ask| {
                beside(&rt, &service, |it| async move {
                    let Run { events, handle, .. } = it.dispatch(ask).ok()?;
                    drop(events);
                    Some(handle.await)
                })
            })
            .into();
        yields(1).await;
        service.stop(SHORT).await.ok();
        is_over(&service);
        for dispatch in dispatches {
            // Each that was taken has a result, and is told the truth.
            if let Some(Err(error)) = dispatch.await.unwrap() {
                assert!(error.is_cancelled(), "{error}");
            }
        }
        is_over(&service);
    });
}

#[test]
fn full_channel_against_a_reader_that_leaves() {
    explore!(|rt| {
        let builder = ServiceWrapper::builder(rt.clone(), Probe::default());
        let service = builder.event_capacity(1).build();
        service.start().await.unwrap();
        let Run { mut events, handle, .. } = service.dispatch(Ask::Count(4)).unwrap();
        let reader = rt.spawn_with_handle(async move {
            let first = events.next().await;
            yields(1).await;
            drop(events);
            first
        });
        assert_eq!(reader.await.unwrap(), Some(1));
        handle.await.unwrap();
        service.stop(LONG).await.unwrap();
        is_over(&service);
    });
}

#[test]
fn no_event_is_lost_when_the_service_stops() {
    explore!(|rt| {
        let service = Probe::default().wrap(&rt);
        service.start().await.unwrap();
        let Run { mut events, handle, .. } = service.dispatch(Ask::Count(5)).unwrap();
        let stop = beside(&rt, &service, |it| async move { it.stop(LONG).await });
        let mut read = Vec::new();
        while let Some(event) = events.next().await {
            read.push(event);
        }
        assert_eq!(read, [1, 2, 3, 4, 5], "it had its time");
        handle.await.ok();
        stop.await.unwrap().unwrap();
    });
}

#[test]
fn cancel_of_an_action_against_its_end_and_the_stop() {
    explore!(|rt| {
        let service = Probe::default().with("ask", Does::Yield(2)).wrap(&rt);
        service.start().await.unwrap();
        let Run { handle, .. } = service.dispatch(Ask::Act("ask")).unwrap();
        let cancel = rt.spawn_with_handle(async move { handle.cancel().await });
        service.stop(LONG).await.unwrap();
        is_over(&service);
        if let Err(error) = cancel.await.unwrap() {
            assert!(error.is_cancelled(), "{error}");
        }
    });
}

#[test]
fn shutdown_against_spawn() {
    explore!(|rt| {
        let service = Probe::default().child(Does::Follow).child(Does::Hang).wrap(&rt);
        service.start().await.unwrap();
        service.stop(SHORT).await.ok();
        is_over(&service);
        // A spawner that is left over spawns nothing.
        let cx = service.service().context.lock().unwrap().take();
        if let Some(cx) = cx {
            let alive = service.service().alive.clone();
            let late = cx.spawner().spawn_with_handle(async move { drop(alive) });
            assert!(late.await.unwrap_err().is_shutdown());
        }
        is_over(&service);
    });
}

#[test]
fn outside_spawns_against_stop() {
    explore!(|rt| {
        let service = Probe::default().wrap(&rt);
        service.start().await.unwrap();
        crate::probe::until(&rt, || service.service().calls("run") == 1).await;
        let cx = service.service().context.lock().unwrap().take().unwrap();
        let alive = service.service().alive.clone();
        let outside = rt.spawn_with_handle(async move {
            for _ in 0..3 {
                let alive = alive.clone();
                cx.spawner().spawn_detached(async move {
                    yields(1).await;
                    drop(alive);
                });
                yields(1).await;
            }
        });
        service.stop(LONG).await.ok();
        assert!(service.tasks().is_empty());
        outside.await.unwrap();
        is_over(&service);
    });
}

#[test]
fn restart_twice() {
    explore!(|rt| {
        let service = Probe::default().child(Does::FollowSlowly).wrap(&rt);
        service.start().await.unwrap();
        let restarts = [LONG, LONG]
            .map(|grace| beside(&rt, &service, move |it| async move { it.restart(grace).await }));
        for restart in restarts {
            // The second may stop the first one while it starts.
            if let Err(error) = restart.await.unwrap() {
                assert!(error.is_stopped(), "{error}");
            }
        }
        assert!(service.state().is_running(), "it is {}", service.state());
        let starts = service.service().calls("start");
        assert!((2..=3).contains(&starts), "{starts} starts");
        service.stop(LONG).await.unwrap();
        is_over(&service);
    });
}

#[test]
fn stop_against_restart_against_start() {
    explore!(|rt| {
        let service = Probe::default().with("start", Does::Yield(1)).child(Does::Follow).wrap(&rt);
        service.start().await.unwrap();
        let restart = beside(&rt, &service, |it| async move { it.restart(LONG).await });
        let stop = beside(&rt, &service, |it| async move { it.stop(LONG).await });
        let start = beside(&rt, &service, |it| async move { it.start().await });
        stop.await.unwrap().unwrap();
        for started in [restart.await.unwrap(), start.await.unwrap()] {
            if let Err(error) = started {
                assert!(error.is_stopped() || error.is_stopping(), "{error}");
            }
        }
        // Nobody is at it any more, so it has come to rest.
        let state = service.state();
        assert!(state.is_running() || state.is_ended(), "it is {state}");
        service.stop(LONG).await.unwrap();
        is_over(&service);
    });
}

#[test]
fn dropping_the_wrapper_against_all() {
    explore!(|rt| {
        let service = Probe::default().with("ask", Does::Follow).child(Does::Hang).wrap(&rt);
        let (alive, mut watch) = (service.service().alive.clone(), service.watch());
        service.start().await.unwrap();
        let action = service.dispatch(Ask::Act("ask")).unwrap();
        let restart = beside(&rt, &service, |it| async move {
            // Not to the end: it would keep the service until then.
            futures_lite::future::poll_once(Box::pin(it.restart(LONG))).await;
        });
        yields(1).await;
        drop(service);
        restart.await.unwrap();
        assert!(action.await.unwrap_err().is_cancelled());
        while watch.changed().await.is_some() {}
        assert!(watch.state().is_ended(), "it is {}", watch.state());
        assert_eq!(alive.count(), 0);
    });
}

#[test]
fn health_against_stop() {
    explore!(|rt| {
        let service = Probe::default().with("check_health", Does::Yield(2)).wrap(&rt);
        service.start().await.unwrap();
        let check = beside(&rt, &service, |it| async move { it.check_health(LONG).await });
        yields(1).await;
        let stopped = service.stop(Duration::ZERO).await;
        is_over(&service);
        if let Err(error) = check.await.unwrap() {
            let cancelled = error.failure().is_some_and(RunError::is_cancelled);
            assert!(error.is_not_running() || cancelled, "{error:#}");
        }
        drop(stopped);
    });
}

#[test]
fn node_is_killed() {
    test_support::explore::explore(300, |sim: SimRuntime| async move {
        let node = sim.node("server");
        let rt: Arc<dyn Runtime> = Arc::new(node.runtime());
        let service = Probe::default().child(Does::Follow).wrap(&rt);
        let start = sim.spawn_with_handle({
            let service = service.clone();
            async move { service.start().await }
        });
        let restart = sim.spawn_with_handle({
            let service = service.clone();
            async move { service.restart(LONG).await }
        });
        yields(2).await;
        node.kill();
        // Whatever it was at, everybody is told.
        start.await.unwrap().ok();
        restart.await.unwrap().ok();
        service.watch().wait_for(ServiceState::is_ended).await.unwrap();
        assert_eq!(service.service().alive.count(), 0);
        let error = service.start().await.unwrap_err();
        assert!(error.failure().unwrap().is_shutdown());
    });
}
