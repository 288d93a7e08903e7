//! Errors of services as one string.

use std::sync::Arc;

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{ServicePhase, full_message};

use crate::everywhere::everywhere;
use crate::probe::{Ask, Does, LONG, Probe, SHORT};

everywhere! {
    start_that_fails_is_told_with_its_cause,
    failed_service_says_why_it_takes_no_action,
    stop_and_health_are_told_with_their_causes,
    action_that_fails_is_told_with_its_cause,
}

async fn start_that_fails_is_told_with_its_cause(rt: Arc<dyn Runtime>) {
    let service = Probe::default().with("start", Does::Fail).wrap(&rt);
    let error = service.start().await.unwrap_err();
    assert_eq!(error.to_string(), "service 'probe' failed to start");
    let cause = full_message(error.failure().unwrap());
    assert!(cause.ends_with(" failed: start refused"), "{cause}");
    assert_eq!(full_message(&error), format!("service 'probe' failed to start: {cause}"));
    assert_eq!(full_message(&error), format!("{error:#}"));
    service.service().then("start", Does::Panic);
    let error = full_message(&service.start().await.unwrap_err());
    assert!(error.starts_with("service 'probe' failed to start: "), "{error}");
    assert!(error.ends_with(" panicked: start panics"), "{error}");
}

async fn failed_service_says_why_it_takes_no_action(rt: Arc<dyn Runtime>) {
    let service = Probe::default().with("run", Does::Fail).wrap(&rt);
    let error = service.dispatch(Ask::Count(1)).unwrap_err();
    let message = "service 'probe' does not accept actions because it is stopped";
    assert_eq!(full_message(&error), message);
    service.start().await.unwrap();
    service.wait_for(ServicePhase::Failed, LONG).await.unwrap();
    let error = service.dispatch(Ask::Count(1)).unwrap_err();
    let message = full_message(&error);
    let start = "service 'probe' does not accept actions because it has failed: ";
    assert!(message.starts_with(start), "{message}");
    assert!(message.ends_with(" failed: run refused"), "{message}");
}

async fn stop_and_health_are_told_with_their_causes(rt: Arc<dyn Runtime>) {
    let service = Probe::default().with("run", Does::FollowAndFail).wrap(&rt);
    service.service().then("check_health", Does::Fail);
    service.start().await.unwrap();
    let error = full_message(&service.check_health(LONG).await.unwrap_err());
    assert!(error.starts_with("service 'probe' is unhealthy: "), "{error}");
    assert!(error.ends_with("check_health refused"), "{error}");
    let error = full_message(&service.stop(LONG).await.unwrap_err());
    assert!(error.starts_with("service 'probe' failed before it stopped: "), "{error}");
    assert!(error.ends_with("run refused"), "{error}");
    let error = full_message(&service.check_health(LONG).await.unwrap_err());
    assert!(
        error.starts_with("service 'probe' cannot be checked because it has failed: "),
        "{error}"
    );
    let error = full_message(&service.wait_for(ServicePhase::Running, SHORT).await.unwrap_err());
    assert!(error.contains("it has failed: ") && error.ends_with("run refused"), "{error}");
}

async fn action_that_fails_is_told_with_its_cause(rt: Arc<dyn Runtime>) {
    let service = Probe::default().with("ask", Does::Fail).wrap(&rt);
    service.start().await.unwrap();
    let error = service.dispatch(Ask::Act("ask")).unwrap().await.unwrap_err();
    assert_eq!(full_message(&error), "an action of service 'probe' failed: ask refused");
    service.service().then("ask", Does::Panic);
    let error = service.dispatch(Ask::Act("ask")).unwrap().await.unwrap_err();
    assert_eq!(full_message(&error), "an action of service 'probe' panicked: ask panics");
    service.stop(LONG).await.unwrap();
}

#[cfg(feature = "json")]
mod json {
    use async_runtime_compat::services::{ActionContext, Service, ServiceContext, ServiceStack};
    use serde_json::json;

    use super::*;

    /// Starts, and fails at once if it is told to.
    struct Part(bool);

    impl Service for Part {
        type Action = u32;
        type Event = ();
        type Error = String;
        type Ready = ();

        async fn start(&self, _: &ServiceContext) -> Result<(), String> {
            if self.0 { Err("disk is full".to_owned()) } else { Ok(()) }
        }

        async fn run(&self, (): (), cx: ServiceContext) -> Result<(), String> {
            cx.cancel_token().cancelled().await;
            Ok(())
        }

        async fn dispatch(&self, action: u32, _: ActionContext<()>) -> Result<(), String> {
            Err(format!("{action} is too much"))
        }
    }

    everywhere! {
        errors_of_a_stack_are_one_string,
    }

    async fn errors_of_a_stack_are_one_string(rt: Arc<dyn Runtime>) {
        let stack = ServiceStack::new(rt);
        stack.register("works", Part(false), &[]).unwrap();
        stack.register("breaks", Part(true), &[]).unwrap();
        stack.register("needy", Part(false), &["breaks"]).unwrap();
        let error = stack.dispatch("works", json!(1)).unwrap_err();
        let message = "service 'works' does not accept actions because it is stopped";
        assert_eq!(
            (full_message(&error), error.to_string()),
            (message.to_owned(), message.to_owned())
        );

        let error = full_message(&stack.start_all().await.unwrap_err());
        assert!(error.starts_with("service 'breaks' failed to start: "), "{error}");
        assert_eq!(error.matches("disk is full").count(), 1, "{error}");
        assert!(
            error.ends_with("; 'needy' was not started because a dependency failed"),
            "{error}"
        );

        let error = full_message(&stack.dispatch("breaks", json!(1)).unwrap_err());
        let start = "service 'breaks' does not accept actions because it has failed: ";
        assert!(error.starts_with(start) && error.ends_with(": disk is full"), "{error}");
        let error = stack.dispatch("works", json!(7)).unwrap().await.unwrap_err();
        let message = "an action of service 'works' failed: 7 is too much";
        assert_eq!(full_message(&error), message);
        stack.stop_all(LONG).await.unwrap();
    }
}
