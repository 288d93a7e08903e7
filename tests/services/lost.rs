//! Services whose runtime goes away.

use std::sync::Arc;

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{ServicePhase, ServiceState, ServiceWrapper};
use futures_lite::future::block_on;

use crate::probe::{Ask, Does, LONG, Probe, until};

/// Starts a service with an action, loses its runtime, and says what becomes of it.
fn survives(rt: &Arc<dyn Runtime>, lose: impl FnOnce()) {
    let service = Probe::default().with("ask", Does::Hang).child(Does::Follow).wrap(rt);
    block_on(service.start()).unwrap();
    let action = service.dispatch(Ask::Act("ask")).unwrap();
    block_on(until(rt, || service.service().calls("ask") == 1));
    lose();
    block_on(is_lost(&service));
    assert!(block_on(action.handle).is_err());
}

async fn is_lost(service: &ServiceWrapper<Probe>) {
    let state = service.watch().wait_for(ServiceState::is_ended).await.unwrap();
    assert!(state.failure().unwrap().is_shutdown(), "{state}");
    assert_eq!(service.service().alive.count(), 0);
    service.stop(LONG).await.unwrap();
    for _ in 0..2 {
        let error = service.start().await.unwrap_err();
        assert!(error.failure().unwrap().is_shutdown());
        assert!(service.restart(LONG).await.unwrap_err().is_failed());
    }
    assert!(service.dispatch(Ask::Count(1)).is_err());
    assert_eq!(service.state().phase(), ServicePhase::Failed);
}

#[cfg(feature = "tokio")]
#[test]
fn tokio_is_dropped() {
    use async_runtime_compat::tokio::TokioSpawner;

    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let tokio = builder.worker_threads(2).enable_time().build().unwrap();
    let rt: Arc<dyn Runtime> = Arc::new(TokioSpawner::new(tokio.handle().clone()));
    survives(&rt, || drop(tokio));
}

#[cfg(feature = "async-executor")]
#[test]
fn executor_is_dropped() {
    use async_executor::Executor;
    use async_runtime_compat::async_executor::ExecutorSpawner;

    let executor = Arc::new(Executor::new());
    let rt: Arc<dyn Runtime> = Arc::new(ExecutorSpawner::new(executor.clone()));
    let (stop, stopped) = async_channel::bounded::<()>(1);
    let thread = std::thread::spawn(move || block_on(executor.run(stopped.recv())).unwrap_err());
    survives(&rt, || {
        drop(stop);
        thread.join().unwrap();
    });
}

#[cfg(feature = "tokio")]
#[test]
fn actions_before_a_start_are_lost_with_their_runtime() {
    use async_runtime_compat::tokio::TokioSpawner;
    use futures_lite::future::poll_once;

    for stops in [false, true] {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let tokio = builder.worker_threads(2).enable_time().build().unwrap();
        let rt: Arc<dyn Runtime> = Arc::new(TokioSpawner::new(tokio.handle().clone()));
        let service = Probe::default().always().with("ask", Does::Hang).wrap(&rt);
        let action = service.dispatch(Ask::Act("ask")).unwrap();
        block_on(until(&rt, || service.service().calls("ask") == 1));
        let mut stop = Box::pin(service.stop(LONG));
        if stops {
            assert!(block_on(poll_once(&mut stop)).is_none());
        }
        drop(tokio);
        assert!(block_on(action.handle).is_err());
        // The task that waits for them is lost, too, or refused.
        let _ = block_on(stop);
        assert_eq!(service.service().alive.count(), 0);
        assert!(service.tasks().is_empty());
        assert!(block_on(service.is_set_up()).unwrap_err().failure().unwrap().is_shutdown());
        assert!(block_on(service.set_up()).unwrap_err().failure().unwrap().is_shutdown());
        let refused = service.dispatch(Ask::Count(1)).unwrap();
        assert!(block_on(refused.handle).unwrap_err().is_shutdown());
    }
}

/// No timer is needed where nothing has to wait.
#[cfg(feature = "tokio")]
#[test]
fn runtime_without_a_timer_has_no_grace() {
    use async_runtime_compat::tokio::TokioSpawner;

    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let rt: Arc<dyn Runtime> = Arc::new(TokioSpawner::new(tokio.handle().clone()));
    let service = Probe::default().with("run", Does::Return).wrap(&rt);
    block_on(service.start()).unwrap();
    block_on(service.watch().wait_for(ServiceState::is_ended)).unwrap();
    service.service().then("run", Does::Hang);
    block_on(service.start()).unwrap();
    assert!(block_on(service.stop(LONG)).unwrap_err().is_timeout());
    assert_eq!(service.state().phase(), ServicePhase::Stopped);
}

#[cfg(feature = "tokio")]
#[test]
fn wrapper_dropped_before_the_first_step_is_no_failure() {
    use async_runtime_compat::tokio::TokioSpawner;
    use futures_lite::future::poll_once;

    let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    tokio.block_on(async {
        let rt: Arc<dyn Runtime> = Arc::new(TokioSpawner::current().unwrap());
        let service = Probe::default().wrap(&rt);
        let mut watch = service.watch();
        assert!(poll_once(service.start()).await.is_none());
        drop(service);
        let state = watch.wait_for(ServiceState::is_ended).await.unwrap();
        assert_eq!(state.phase(), ServicePhase::Stopped, "{state}");
    });
}
