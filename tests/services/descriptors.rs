//! Descriptions of services and jobs.

use std::convert::Infallible;
use std::sync::Arc;

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{
    ActionContext, ActionService, ServiceStack, SetUp, Task, TaskContext, TaskStack,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::everywhere::everywhere;

everywhere! {
    services_are_described,
    jobs_are_described,
    set_up_is_asked_by_name,
}

#[derive(Deserialize, JsonSchema)]
#[allow(dead_code, reason = "only its schema counts")]
struct Letter {
    /// An address.
    to: String,
    #[serde(default)]
    copies: u8,
}

#[derive(Serialize, JsonSchema)]
struct Sent {
    copy: u8,
}

struct Mail;

impl ActionService for Mail {
    type Action = Letter;
    type Event = Sent;
    type Error = Infallible;

    async fn dispatch(&self, _: Letter, cx: ActionContext<Sent>) -> Result<(), Infallible> {
        cx.emit(Sent { copy: 1 }).await;
        Ok(())
    }

    fn type_name(&self) -> &'static str {
        "post"
    }

    fn description(&self) -> &'static str {
        "sends letters"
    }
}

/// Has no description.
struct Quiet;

impl ActionService for Quiet {
    type Action = bool;
    type Event = ();
    type Error = Infallible;

    async fn is_set_up(
        &self,
        _: &async_runtime_compat::services::ServiceContext,
    ) -> Result<SetUp, Infallible> {
        Ok(SetUp::Needed)
    }

    async fn dispatch(&self, _: bool, _: ActionContext<()>) -> Result<(), Infallible> {
        Ok(())
    }

    fn type_name(&self) -> &'static str {
        "quiet"
    }
}

async fn services_are_described(rt: Arc<dyn Runtime>) {
    let stack = ServiceStack::new(rt);
    // In no order.
    for name in ["mail", "a", "z", "b"] {
        if name == "mail" {
            stack.register(name, Mail, &[]).unwrap();
        } else {
            stack.register(name, Quiet, &[]).unwrap();
        }
    }
    // The name in the stack counts.
    stack.insert("copy", stack.get("mail").unwrap(), &[]).unwrap();
    let all = stack.all_actions();
    assert_eq!(all.iter().map(|it| &*it.name).collect::<Vec<_>>(), ["a", "b", "copy", "mail", "z"]);
    let text = serde_json::to_string(&all).unwrap();
    assert_eq!(text, serde_json::to_string(&stack.all_actions()).unwrap());
    let fields = ["name", "type", "description", "action", "event", "output", "error"];
    let places = fields.map(|field| text.find(&format!("\"{field}\":")).unwrap());
    assert!(places.is_sorted(), "{text}");

    let mail = serde_json::to_value(&all[3]).unwrap();
    assert_eq!(mail["name"], "mail");
    assert_eq!(mail["type"], "post");
    assert_eq!(mail["description"], "sends letters");
    assert_eq!(mail["action"]["required"], json!(["to"]), "what has a default need not be there");
    assert_eq!(mail["action"]["properties"]["to"]["description"], "An address.");
    assert_eq!(mail["event"]["required"], json!(["copy"]));
    assert_eq!(mail["output"]["type"], "null");
    assert_eq!(mail["error"]["type"], "string");
    assert_eq!(mail.as_object().unwrap().len(), fields.len());
    assert_eq!(all[0].description, "");
    assert_eq!(all[0].action["type"], "boolean");
    // One by one, with its own name.
    assert_eq!(stack.get("copy").unwrap().descriptor(), all[3]);
}

struct Count;

impl Task for Count {
    type Action = Letter;
    type Event = Sent;
    type Output = Vec<u8>;
    type Error = Infallible;

    async fn run(&self, _: Letter, _: TaskContext<Sent>) -> Result<Vec<u8>, Infallible> {
        Ok(vec![1])
    }

    fn type_name(&self) -> &'static str {
        "count"
    }

    fn description(&self) -> &'static str {
        "counts letters"
    }
}

async fn jobs_are_described(rt: Arc<dyn Runtime>) {
    let stack = TaskStack::new(rt);
    for name in ["b", "a"] {
        stack.register(name, Count).unwrap();
    }
    let all = serde_json::to_value(stack.all_actions()).unwrap();
    for (descriptor, name) in all.as_array().unwrap().iter().zip(["a", "b"]) {
        assert_eq!(descriptor["name"], name);
        assert_eq!(descriptor["type"], "count");
        assert_eq!(descriptor["description"], "counts letters");
        assert_eq!(descriptor["action"]["properties"]["copies"]["type"], "integer");
        assert_eq!(descriptor["event"]["properties"]["copy"]["type"], "integer");
        assert_eq!(descriptor["output"]["type"], "array");
        assert_eq!(descriptor["error"]["type"], "string");
    }
    assert_eq!(all.as_array().unwrap().len(), 2);
}

async fn set_up_is_asked_by_name(rt: Arc<dyn Runtime>) {
    let stack = ServiceStack::new(rt.clone());
    stack.register("quiet", Quiet, &["nobody"]).unwrap();
    stack.register("mail", Mail, &[]).unwrap();
    let states = || serde_json::to_value(stack.list()).unwrap();
    assert_eq!(states()[1]["state"], json!({ "state": "stopped" }));
    assert_eq!(stack.is_set_up("quiet").await.unwrap(), SetUp::Needed);
    assert_eq!(serde_json::to_value(SetUp::Needed).unwrap(), "needed");
    assert_eq!(states()[1]["state"], json!({ "state": "setup_required" }));
    assert_eq!(stack.is_set_up("mail").await.unwrap(), SetUp::Unchecked);
    stack.set_up("mail").await.unwrap();
    assert_eq!(states()[0]["state"], json!({ "state": "stopped" }));
    // It needs something that is not there, and is not started.
    let error = stack.set_up("quiet").await.unwrap_err();
    assert!(error.error().unwrap().is_failed() && !error.is_unknown());
    assert_eq!(error.to_string(), "service 'quiet' could not be set up");
    assert!(std::error::Error::source(&error).is_some());
    for error in
        [stack.set_up("qiet").await.unwrap_err(), stack.is_set_up("qiet").await.unwrap_err()]
    {
        assert!(error.is_unknown() && error.error().is_none());
        assert_eq!(error.to_string(), "unknown service 'qiet'; registered: 'mail', 'quiet'");
    }
}
