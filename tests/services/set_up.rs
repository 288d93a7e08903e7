//! Set-up apart from a start, and as a part of one.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{
    ActionContext, ActionService, Service, ServiceContext, ServicePhase, ServiceState,
    ServiceWrapper, SetUp,
};
use async_runtime_compat::{with_blocking, with_timer, yield_now};
use futures_lite::future::poll_once;

use crate::everywhere::everywhere;
use crate::probe::{Alive, Ask, Does, LONG, Probe, Refused, SHORT, act, until};

everywhere! {
    question_starts_nothing,
    question_may_fail,
    question_does_not_hide_a_failure,
    set_up_starts_nothing,
    set_up_is_shown,
    set_up_of_a_start_is_shown,
    set_up_may_fail,
    set_up_that_does_not_help_fails,
    set_ups_are_shared,
    set_up_goes_on_when_nobody_waits,
    start_follows_a_set_up,
    start_fails_with_the_set_up,
    restart_ends_a_set_up,
    set_up_finds_a_service_that_runs_or_stops,
    set_up_is_done_after_a_start_that_fails,
    start_may_leave_the_set_up_to_others,
    start_that_is_stopped_at_once_leaves_it_required,
    nothing_that_was_spawned_is_left,
    dropping_the_wrapper_ends_it,
    runtime_that_refuses_is_an_error,
}

async fn question_starts_nothing(rt: Arc<dyn Runtime>) {
    let says = [SetUp::Needed, SetUp::Unchecked, SetUp::Needed, SetUp::Done];
    let service = Probe::default().set_up(says).wrap(&rt);
    for (says, phase) in [
        (SetUp::Needed, ServicePhase::SetupRequired),
        // This is no answer.
        (SetUp::Unchecked, ServicePhase::SetupRequired),
        (SetUp::Needed, ServicePhase::SetupRequired),
        (SetUp::Done, ServicePhase::Stopped),
    ] {
        assert_eq!(service.is_set_up().await.unwrap(), says);
        assert_eq!(service.state().phase(), phase);
        assert!(service.state().is_ended());
    }
    assert_eq!(service.service().log(), ["is_set_up"; 4]);
    let error = service.dispatch(Ask::Count(1)).unwrap_err();
    assert_eq!(error.to_string(), "service 'probe' does not accept actions because it is stopped");
    // A service that runs says what it likes.
    service.service().then("set_up", Does::Return);
    service.start().await.unwrap();
    assert_eq!(service.is_set_up().await.unwrap(), SetUp::Unchecked);
    assert!(service.state().is_running());
    service.stop(LONG).await.unwrap();
}

async fn question_may_fail(rt: Arc<dyn Runtime>) {
    for (does, message) in [
        (Does::Fail, "`is_set_up` of service 'probe' failed"),
        (Does::Panic, "service 'probe' panicked: is_set_up panics"),
    ] {
        let service = Probe::default().with("is_set_up", does).wrap(&rt);
        let error = service.is_set_up().await.unwrap_err();
        assert!(error.is_unknown() && !error.is_failed());
        assert_eq!(error.to_string(), "service 'probe' did not say whether it is set up");
        assert_eq!(error.source().unwrap().to_string(), message);
        assert_eq!(service.state().phase(), ServicePhase::Stopped);
    }
    let service = Probe::default().with("is_set_up", Does::Hang).wrap(&rt);
    assert!(poll_once(Box::pin(service.is_set_up())).await.is_none());
    // The call is over with its future.
    until(&rt, || service.service().alive.count() == 0).await;
}

async fn question_does_not_hide_a_failure(rt: Arc<dyn Runtime>) {
    let probe = Probe::default().set_up([SetUp::Done, SetUp::Needed]).with("start", Does::Fail);
    let service = probe.wrap(&rt);
    service.start().await.unwrap_err();
    assert_eq!(service.is_set_up().await.unwrap(), SetUp::Needed);
    assert!(service.state().failure().is_some());
}

async fn set_up_starts_nothing(rt: Arc<dyn Runtime>) {
    let says = [SetUp::Needed, SetUp::Needed, SetUp::Done, SetUp::Done];
    let service = Probe::default().set_up(says).wrap(&rt);
    service.is_set_up().await.unwrap();
    service.set_up().await.unwrap();
    assert_eq!(service.state().phase(), ServicePhase::Stopped);
    // It is done, and then unchecked.
    service.set_up().await.unwrap();
    service.set_up().await.unwrap();
    let questions = ["is_set_up", "is_set_up", "set_up", "is_set_up", "is_set_up"];
    assert_eq!(service.service().log(), [&questions[..], &["is_set_up", "set_up"]].concat());
    assert!(service.tasks().is_empty());
}

async fn set_up_is_shown(rt: Arc<dyn Runtime>) {
    let says = [SetUp::Needed];
    let service = Probe::default().set_up(says).with("set_up", Does::Hang).wrap(&rt);
    let set_up = rt.spawn_with_handle({
        let service = service.clone();
        async move { service.set_up().await }
    });
    service.wait_for(ServicePhase::SettingUp, LONG).await.unwrap();
    until(&rt, || service.service().calls("set_up") == 1).await;
    let error = service.dispatch(Ask::Count(1)).unwrap_err();
    assert!(error.to_string().ends_with("because it is being set up"), "{error}");
    assert_eq!(service.tasks()[0].task_name(), Some("probe/set_up"));
    assert!(service.stop(SHORT).await.unwrap_err().is_timeout());
    let error = set_up.await.unwrap().unwrap_err();
    assert!(error.is_stopped() && !error.is_failed());
    assert_eq!(error.to_string(), "service 'probe' was stopped while it was being set up");
    // It still has to be set up.
    assert_eq!(service.state().phase(), ServicePhase::SetupRequired);
    assert_eq!(service.service().alive.count(), 0);
}

async fn set_up_of_a_start_is_shown(rt: Arc<dyn Runtime>) {
    for (says, last) in
        [(SetUp::Needed, ServicePhase::SetupRequired), (SetUp::Unchecked, ServicePhase::Stopped)]
    {
        let service = Probe::default().set_up([says]).with("set_up", Does::FollowAndFail).wrap(&rt);
        let start = rt.spawn_with_handle({
            let service = service.clone();
            async move { service.start().await }
        });
        service.wait_for(ServicePhase::SettingUp, LONG).await.unwrap();
        service.stop(LONG).await.unwrap();
        assert!(start.await.unwrap().unwrap_err().is_stopped());
        assert_eq!(service.state().phase(), last);
        assert_eq!(service.service().calls("start"), 0);
    }
}

async fn set_up_may_fail(rt: Arc<dyn Runtime>) {
    for method in ["is_set_up", "set_up"] {
        for does in [Does::Fail, Does::Panic] {
            let service = Probe::default().with(method, does).wrap(&rt);
            let error = service.set_up().await.unwrap_err();
            assert!(error.is_failed());
            let reason = match does {
                Does::Fail => format!("`{method}` of service 'probe' failed: {method} refused"),
                _ => format!("service 'probe' panicked: {method} panics"),
            };
            assert_eq!(
                format!("{error:#}"),
                format!("service 'probe' could not be set up: {reason}")
            );
            assert_eq!(service.state().to_string(), format!("failed: {reason}"));
            service.service().then(method, Does::Return);
            service.set_up().await.unwrap();
            assert_eq!(service.state().phase(), ServicePhase::Stopped);
        }
    }
}

async fn set_up_that_does_not_help_fails(rt: Arc<dyn Runtime>) {
    let service = Probe::default().set_up([SetUp::Needed, SetUp::Needed]).wrap(&rt);
    let error = service.set_up().await.unwrap_err();
    assert!(error.failure().unwrap().message().contains("did not return `Done`"));
    assert_eq!(service.state().phase(), ServicePhase::Failed);
}

async fn set_ups_are_shared(rt: Arc<dyn Runtime>) {
    let says = [SetUp::Needed, SetUp::Done, SetUp::Done, SetUp::Done, SetUp::Done];
    let service = Probe::default().set_up(says).with("set_up", Does::Yield(3)).wrap(&rt);
    let set_ups: Vec<_> = (0..4)
        .map(|_| {
            let service = service.clone();
            rt.spawn_with_handle(async move { service.set_up().await })
        })
        .collect();
    for set_up in set_ups {
        set_up.await.unwrap().unwrap();
    }
    assert_eq!(service.service().calls("set_up"), 1);
}

async fn set_up_goes_on_when_nobody_waits(rt: Arc<dyn Runtime>) {
    let service = Probe::default().with("set_up", Does::Yield(3)).wrap(&rt);
    drop(service.set_up());
    assert_eq!(service.state().phase(), ServicePhase::Stopped, "it was not polled");
    assert!(poll_once(Box::pin(service.set_up())).await.is_none_or(|it| it.is_ok()));
    service.wait_for(ServicePhase::Stopped, LONG).await.unwrap();
    assert_eq!(service.service().calls("set_up"), 1);
}

async fn start_follows_a_set_up(rt: Arc<dyn Runtime>) {
    let says = [SetUp::Needed, SetUp::Done, SetUp::Done];
    let service = Probe::default().set_up(says).with("set_up", Does::Yield(3)).wrap(&rt);
    let mut set_up = Box::pin(service.set_up());
    let early = poll_once(&mut set_up).await;
    service.start().await.unwrap();
    assert!(service.state().is_running());
    match early {
        Some(result) => result.unwrap(),
        None => set_up.await.unwrap(),
    }
    let methods = ["is_set_up", "set_up", "is_set_up", "is_set_up", "start"];
    assert_eq!(service.service().log()[..5], methods);
    service.stop(LONG).await.unwrap();
}

async fn start_fails_with_the_set_up(rt: Arc<dyn Runtime>) {
    let service = Probe::default().set_up([SetUp::Needed]).with("set_up", Does::Fail).wrap(&rt);
    drop(poll_once(Box::pin(service.set_up())).await);
    let error = service.start().await.unwrap_err();
    assert!(error.is_failed());
    assert!(error.failure().unwrap().message().contains("set_up refused"));
    assert_eq!(service.state().phase(), ServicePhase::Failed);
    assert_eq!(service.service().calls("start"), 0);
}

async fn restart_ends_a_set_up(rt: Arc<dyn Runtime>) {
    let service = Probe::default().with("set_up", Does::FollowAndFail).wrap(&rt);
    let mut set_up = Box::pin(service.set_up());
    assert!(poll_once(&mut set_up).await.is_none());
    until(&rt, || service.service().calls("set_up") == 1).await;
    service.service().then("set_up", Does::Return);
    service.restart(LONG).await.unwrap();
    let error = set_up.await.unwrap_err();
    assert!(error.is_stopped());
    assert!(error.failure().unwrap().message().contains("set_up refused"));
    service.stop(LONG).await.unwrap();
}

async fn set_up_finds_a_service_that_runs_or_stops(rt: Arc<dyn Runtime>) {
    let service = Probe::default().with("run", Does::Hang).wrap(&rt);
    service.start().await.unwrap();
    until(&rt, || service.service().calls("run") == 1).await;
    service.set_up().await.unwrap();
    assert_eq!(service.service().calls("is_set_up"), 1);
    assert!(poll_once(Box::pin(service.stop(LONG))).await.is_none());
    let error = service.set_up().await.unwrap_err();
    assert!(error.is_stopping());
    assert_eq!(error.to_string(), "service 'probe' is stopping: set it up after it has stopped");
    assert!(service.stop(SHORT).await.unwrap_err().is_timeout());
}

async fn set_up_is_done_after_a_start_that_fails(rt: Arc<dyn Runtime>) {
    let service = Probe::default().with("start", Does::YieldAndFail(3)).wrap(&rt);
    let mut start = Box::pin(service.start());
    let early = poll_once(&mut start).await;
    service.set_up().await.unwrap();
    let started = match early {
        Some(result) => result,
        None => start.await,
    };
    assert!(started.unwrap_err().is_failed());
    assert_eq!(service.state().phase(), ServicePhase::Stopped);
    // Once in the start, and once by itself.
    assert_eq!(service.service().log(), ["is_set_up", "set_up", "start", "is_set_up", "set_up"]);
}

async fn start_may_leave_the_set_up_to_others(rt: Arc<dyn Runtime>) {
    let says = [SetUp::Needed, SetUp::Needed, SetUp::Done, SetUp::Done];
    let probe = Probe::default().set_up(says);
    let builder = ServiceWrapper::builder(rt.clone(), probe).name("probe");
    let service = builder.set_up_on_start(false).build();
    let error = service.start().await.unwrap_err();
    assert!(error.is_set_up_required() && !error.is_failed() && !error.is_stopped());
    assert_eq!(
        error.to_string(),
        "service 'probe' is not set up: call `set_up` before starting it"
    );
    assert_eq!(service.state().phase(), ServicePhase::SetupRequired);
    let error = service.dispatch(Ask::Count(1)).unwrap_err();
    assert!(error.to_string().ends_with("because it is not set up"), "{error}");
    assert_eq!(service.service().log(), ["is_set_up"]);
    service.set_up().await.unwrap();
    service.start().await.unwrap();
    assert_eq!(service.service().calls("set_up"), 1);
    service.stop(LONG).await.unwrap();
}

async fn start_that_is_stopped_at_once_leaves_it_required(rt: Arc<dyn Runtime>) {
    let probe = Probe::default().set_up([SetUp::Needed, SetUp::Needed, SetUp::Needed]);
    let builder = ServiceWrapper::builder(rt.clone(), probe).name("probe");
    let service = builder.set_up_on_start(false).build();
    service.is_set_up().await.unwrap();
    // The stop may come before the start asks, or after it.
    let mut start = Box::pin(service.start());
    let early = poll_once(&mut start).await;
    service.stop(LONG).await.unwrap();
    assert_eq!(service.state().phase(), ServicePhase::SetupRequired);
    if early.is_none() {
        start.await.unwrap_err();
    }
}

/// Leaves tasks behind in its set-up.
#[derive(Default)]
struct Spawning {
    alive: Alive,
}

impl Spawning {
    fn spawn(&self, does: Does, cx: &ServiceContext) {
        let (token, alive) = (cx.cancel_token(), self.alive.clone());
        cx.spawner().spawn_detached(async move {
            act(does, "left", &token, alive).await.ok();
        });
    }
}

impl ActionService for Spawning {
    type Action = ();
    type Event = ();
    type Error = Refused;

    async fn is_set_up(&self, cx: &ServiceContext) -> Result<SetUp, Refused> {
        self.spawn(Does::Hang, cx);
        Ok(SetUp::Unchecked)
    }

    async fn set_up(&self, cx: &ServiceContext) -> Result<(), Refused> {
        self.spawn(Does::FollowSlowly, cx);
        Ok(())
    }

    async fn dispatch(&self, (): (), _: ActionContext<()>) -> Result<(), Refused> {
        Ok(())
    }
}

async fn nothing_that_was_spawned_is_left(rt: Arc<dyn Runtime>) {
    let service = ServiceWrapper::builder(rt, Spawning::default()).grace(SHORT).build();
    service.is_set_up().await.unwrap();
    assert_eq!(service.service().alive.count(), 0);
    service.set_up().await.unwrap();
    assert_eq!(service.service().alive.count(), 0);
    assert_eq!(service.state().phase(), ServicePhase::Stopped);
}

async fn dropping_the_wrapper_ends_it(rt: Arc<dyn Runtime>) {
    let service = Probe::default().with("set_up", Does::Hang).wrap(&rt);
    let (alive, mut watch) = (service.service().alive.clone(), service.watch());
    assert!(poll_once(Box::pin(service.set_up())).await.is_none());
    drop(service);
    watch.wait_for(ServiceState::is_ended).await.unwrap();
    until(&rt, || alive.count() == 0).await;
}

async fn runtime_that_refuses_is_an_error(rt: Arc<dyn Runtime>) {
    let group = TaskGroup::new(rt.clone());
    group.close();
    let closed = with_blocking(with_timer(group.spawner(), rt.clone()), rt);
    let service = Probe::default().wrap(&(Arc::new(closed) as Arc<dyn Runtime>));
    let error = service.is_set_up().await.unwrap_err();
    assert!(error.is_unknown() && error.failure().unwrap().is_shutdown());
    for _ in 0..2 {
        let error = service.set_up().await.unwrap_err();
        assert!(error.is_failed() && error.failure().unwrap().is_shutdown());
        assert_eq!(service.state().phase(), ServicePhase::Failed);
    }
}

/// Is set up once its `set_up` is done, and answers late.
#[derive(Default)]
struct Late {
    done: AtomicBool,
}

impl Service for Late {
    type Action = ();
    type Event = ();
    type Error = Refused;
    type Ready = ();

    async fn is_set_up(&self, _: &ServiceContext) -> Result<SetUp, Refused> {
        let done = self.done.load(Ordering::SeqCst);
        yield_now().await;
        Ok(if done { SetUp::Done } else { SetUp::Needed })
    }

    async fn set_up(&self, _: &ServiceContext) -> Result<(), Refused> {
        self.done.store(true, Ordering::SeqCst);
        Ok(())
    }

    async fn start(&self, _: &ServiceContext) -> Result<(), Refused> {
        Ok(())
    }

    async fn dispatch(&self, (): (), _: ActionContext<()>) -> Result<(), Refused> {
        Ok(())
    }
}

#[test]
fn answer_that_comes_late_is_not_believed() {
    test_support::explore::explore(1000, |sim| async move {
        let rt: Arc<dyn Runtime> = Arc::new(sim);
        let service = ServiceWrapper::new(rt.clone(), Late::default());
        let [asked, set_up] = [true, false].map(|asks| {
            let service = service.clone();
            rt.spawn_with_handle(async move {
                if asks { service.is_set_up().await.map(drop) } else { service.set_up().await }
            })
        });
        asked.await.unwrap().unwrap();
        set_up.await.unwrap().unwrap();
        assert_eq!(service.state().phase(), ServicePhase::Stopped);
    });
}

#[test]
fn set_up_against_start_and_stop() {
    test_support::explore::explore(1000, |sim| async move {
        let rt: Arc<dyn Runtime> = Arc::new(sim);
        let service = ServiceWrapper::new(rt.clone(), Late::default());
        let set_up = rt.spawn_with_handle({
            let service = service.clone();
            async move { service.set_up().await }
        });
        let start = rt.spawn_with_handle({
            let service = service.clone();
            async move { service.start().await }
        });
        let stop = rt.spawn_with_handle({
            let service = service.clone();
            async move { service.stop(LONG).await }
        });
        stop.await.unwrap().unwrap();
        if let Err(error) = set_up.await.unwrap() {
            assert!(error.is_stopped() || error.is_stopping(), "{error}");
        }
        if let Err(error) = start.await.unwrap() {
            assert!(error.is_stopped() || error.is_stopping(), "{error}");
        }
        service.stop(LONG).await.unwrap();
        assert!(service.state().is_ended() && service.tasks().is_empty());
    });
}
