//! Asking a service for its health.

use std::error::Error;
use std::sync::Arc;

use async_runtime_compat::prelude::*;
use futures_lite::future::poll_once;

use crate::everywhere::everywhere;
use crate::probe::{Does, LONG, Probe, SHORT, until};

everywhere! {
    says_what_the_service_says,
    takes_no_longer_than_it_was_given,
    is_that_of_a_service_that_runs,
    ends_with_the_service,
}

async fn says_what_the_service_says(rt: Arc<dyn Runtime>) {
    let service = Probe::default().wrap(&rt);
    service.start().await.unwrap();
    service.check_health(LONG).await.unwrap();
    service.service().then("check_health", Does::Fail);
    let error = service.check_health(LONG).await.unwrap_err();
    assert!(error.is_failed());
    assert_eq!(
        format!("{error:#}"),
        "service 'probe' is unhealthy: `check_health` of service 'probe' failed: check_health \
         refused"
    );
    service.service().then("check_health", Does::Panic);
    let error = service.check_health(LONG).await.unwrap_err();
    assert!(error.is_failed() && error.failure().unwrap().is_panic());
    assert!(service.state().is_running(), "a check does nothing to the service");
    service.stop(LONG).await.unwrap();
}

async fn takes_no_longer_than_it_was_given(rt: Arc<dyn Runtime>) {
    let service = Probe::default().with("check_health", Does::Hang).wrap(&rt);
    service.start().await.unwrap();
    let error = service.check_health(SHORT).await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(error.to_string(), "service 'probe' did not complete its health check within 20ms");
    assert!(poll_once(Box::pin(service.check_health(LONG))).await.is_none());
    // Those that hang are aborted, and do not keep the service from stopping.
    service.stop(LONG).await.unwrap();
    assert_eq!(service.service().alive.count(), 0);
}

async fn is_that_of_a_service_that_runs(rt: Arc<dyn Runtime>) {
    let service = Probe::default().with("start", Does::Fail).wrap(&rt);
    let error = service.check_health(LONG).await.unwrap_err();
    assert!(error.is_not_running() && error.source().is_none());
    assert_eq!(error.to_string(), "service 'probe' cannot be checked because it is stopped");
    service.start().await.unwrap_err();
    let error = service.check_health(LONG).await.unwrap_err();
    assert!(error.is_not_running() && error.source().is_some());
    assert_eq!(service.service().calls("check_health"), 0);
}

async fn ends_with_the_service(rt: Arc<dyn Runtime>) {
    let service = Probe::default().with("check_health", Does::Hang).wrap(&rt);
    service.start().await.unwrap();
    let check = rt.spawn_with_handle({
        let service = service.clone();
        async move { service.check_health(LONG).await }
    });
    until(&rt, || service.service().calls("check_health") > 0).await;
    // On a machine that is busy, `run` may not end in time, either.
    assert!(service.stop(SHORT).await.unwrap_err().aborted() >= 1);
    let error = check.await.unwrap().unwrap_err();
    assert!(error.failure().unwrap().is_cancelled());
}
