//! Services by their actions and events in JSON.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{
    ActionContext, DispatchError, JsonService, Service, ServiceContext, ServicePhase,
    ServiceWrapper,
};
use async_runtime_compat::{with_blocking, with_timer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::everywhere::everywhere;
use crate::probe::{LONG, Refused};

everywhere! {
    action_in_json_gives_events_in_json,
    action_that_does_not_fit_is_refused,
    action_is_refused_unless_the_service_runs,
    event_that_is_no_json_is_an_error_in_its_place,
    lifecycle_is_that_of_the_wrapper,
    handle_cancels,
    state_of_a_failure_has_its_reason,
}

/// Tells stories.
struct Teller;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Tell {
    to: Listener,
    words: Vec<u8>,
}

#[derive(Deserialize, JsonSchema)]
struct Listener {
    name: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Told {
    Word {
        name: String,
        word: u8,
    },
    /// Its keys are no strings.
    Odd(BTreeMap<(u8, u8), u8>),
}

impl Service for Teller {
    type Action = Tell;
    type Event = Told;
    type Error = Refused;
    type Ready = ();

    async fn start(&self, _: &ServiceContext) -> Result<(), Refused> {
        Ok(())
    }

    async fn run(&self, (): (), cx: ServiceContext) -> Result<(), Refused> {
        cx.cancel_token().cancelled().await;
        Ok(())
    }

    async fn dispatch(&self, tell: Tell, cx: ActionContext<Told>) -> Result<(), Refused> {
        for word in tell.words {
            let told = match word {
                0 => Told::Odd([((1, 2), 3)].into()),
                255 => return Err(Refused("255")),
                254 => {
                    cx.cancel_token().cancelled().await;
                    return Ok(());
                }
                word => Told::Word { name: tell.to.name.clone(), word },
            };
            cx.emit(told).await;
        }
        Ok(())
    }

    fn type_name(&self) -> &'static str {
        "teller"
    }
}

fn teller(rt: &Arc<dyn Runtime>) -> Arc<dyn JsonService> {
    Arc::new(ServiceWrapper::builder(rt.clone(), Teller).name("grandma").build())
}

async fn action_in_json_gives_events_in_json(rt: Arc<dyn Runtime>) {
    let service = teller(&rt);
    service.start().await.unwrap();
    let mut run = service.dispatch(json!({ "to": { "name": "Ada" }, "words": [7, 8] })).unwrap();
    let mut events = Vec::new();
    while let Some(event) = run.events.next().await {
        events.push(event.unwrap());
    }
    let word = |word| json!({ "word": { "name": "Ada", "word": word } });
    assert_eq!(events, [word(7), word(8)]);
    run.await.unwrap();
    let run = service.dispatch(json!({ "to": { "name": "Ada" }, "words": [255] })).unwrap();
    assert_eq!(
        format!("{:#}", run.await.unwrap_err()),
        "an action of service 'grandma' failed: 255 refused"
    );
    service.stop(LONG).await.unwrap();
}

async fn action_that_does_not_fit_is_refused(rt: Arc<dyn Runtime>) {
    let service = teller(&rt);
    // It is not looked at whether the service runs.
    for started in [false, true] {
        if started {
            service.start().await.unwrap();
        }
        for (action, path, expected) in [
            (json!({ "to": { "name": 7 }, "words": [] }), "to.name", "expected a string"),
            (json!({ "to": { "name": "A" }, "words": [1, 256] }), "words[1]", "expected u8"),
            (json!({ "to": {}, "words": [] }), "to.name", "missing field `name`"),
            (
                json!({ "to": { "name": "A" }, "words": [], "x": 1 }),
                "x",
                "expected `to` or `words`",
            ),
            (json!(3), "", "expected struct Tell"),
        ] {
            let error = service.dispatch(action.clone()).unwrap_err();
            assert!(error.is_misfit());
            assert_eq!(error.path(), Some(path));
            let text = error.to_string();
            assert!(text.starts_with("invalid action for service 'grandma': "), "{text}");
            assert!(text.contains(expected), "{text}");
            assert_eq!(error.into_action(), action);
        }
        assert_eq!(service.tasks().len(), usize::from(started), "nothing is begun");
    }
    service.stop(LONG).await.unwrap();
}

async fn action_is_refused_unless_the_service_runs(rt: Arc<dyn Runtime>) {
    let service = teller(&rt);
    let action = json!({ "to": { "name": "Ada" }, "words": [] });
    let error = service.dispatch(action.clone()).unwrap_err();
    assert!(error.is_refused());
    assert_eq!(
        error.to_string(),
        "service 'grandma' does not accept actions because it is stopped"
    );
    let refusal = error.refusal().unwrap().downcast_ref::<DispatchError<()>>().unwrap();
    assert_eq!(refusal.state().phase(), ServicePhase::Stopped);
    assert!(error.source().is_none(), "that was all");
    assert_eq!(error.into_action(), action);
}

async fn event_that_is_no_json_is_an_error_in_its_place(rt: Arc<dyn Runtime>) {
    let service = teller(&rt);
    service.start().await.unwrap();
    let mut run = service.dispatch(json!({ "to": { "name": "A" }, "words": [1, 0, 2] })).unwrap();
    assert!(run.events.next().await.unwrap().is_ok());
    let error = run.events.next().await.unwrap().unwrap_err();
    assert!(
        error.to_string().starts_with("cannot serialize an event of service 'grandma': "),
        "{error}"
    );
    assert!(run.events.next().await.unwrap().is_ok());
    assert!(run.events.next().await.is_none());
    run.await.unwrap();
    service.stop(LONG).await.unwrap();
}

async fn lifecycle_is_that_of_the_wrapper(rt: Arc<dyn Runtime>) {
    let service = teller(&rt);
    assert_eq!((service.name(), service.type_name()), ("grandma", "teller"));
    assert_eq!(service.action_schema()["properties"]["words"]["type"], "array");
    assert!(service.event_schema().to_string().contains("odd"));
    let mut watch = service.watch();
    service.start().await.unwrap();
    service.wait_for(ServicePhase::Running, LONG).await.unwrap();
    service.check_health(LONG).await.unwrap();
    service.restart(LONG).await.unwrap();
    assert_eq!(serde_json::to_value(service.state()).unwrap(), json!({ "state": "running" }));
    service.stop(LONG).await.unwrap();
    assert_eq!(watch.changed().await.unwrap().phase(), ServicePhase::Stopped);
}

async fn handle_cancels(rt: Arc<dyn Runtime>) {
    let service = teller(&rt);
    service.start().await.unwrap();
    let run = service.dispatch(json!({ "to": { "name": "A" }, "words": [254] })).unwrap();
    assert!(run.handle.cancel().await.unwrap_err().is_cancelled());
    service.stop(LONG).await.unwrap();
}

async fn state_of_a_failure_has_its_reason(rt: Arc<dyn Runtime>) {
    let group = TaskGroup::new(rt.clone());
    group.close();
    let closed = with_blocking(with_timer(group.spawner(), rt.clone()), rt.clone());
    let service = teller(&(Arc::new(closed) as Arc<dyn Runtime>));
    service.start().await.unwrap_err();
    let state = serde_json::to_value(service.state()).unwrap();
    assert_eq!(state, json!({ "state": "failed", "reason": "the runtime was shut down" }));
}
