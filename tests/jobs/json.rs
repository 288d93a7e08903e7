//! Jobs that are called in JSON, one by one and by name.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{
    JsonRun, JsonTask, Outcome, Repeat, StartError, Task, TaskContext, TaskStack, TaskState,
    TaskWrapper, full_message,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::kit::everywhere;

everywhere! {
    events_and_output_are_json,
    action_that_does_not_fit_starts_nothing,
    event_that_is_no_json_is_told_in_its_place,
    output_that_is_no_json_is_an_error_of_the_handle,
    job_that_runs_is_not_started,
    state_is_json_too,
    stack_calls_by_name,
    stack_names_those_that_there_are,
    stack_lists_what_it_has,
    stack_cancels_all,
    stack_runs_each_verb_as_it_repeats,
    stack_asks_without_a_start,
    stack_of_a_new_process_lists_what_was_done,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Order {
    /// Who is to pay.
    customer: Customer,
    items: Vec<Item>,
}

#[derive(Deserialize, JsonSchema)]
struct Customer {
    name: String,
    age: u8,
}

#[derive(Deserialize, JsonSchema)]
enum Item {
    Book { pages: u16 },
    Ball(f32),
}

#[derive(Serialize, JsonSchema)]
struct Packed {
    number: usize,
    what: String,
    /// By (row, column), which JSON has no keys for.
    at: HashMap<(u8, u8), u8>,
}

/// Packs orders, and counts how often.
#[derive(Default)]
struct Packing {
    runs: Arc<AtomicU32>,
}

impl Task for Packing {
    type Action = Order;
    type Event = Packed;
    type Output = BTreeMap<String, usize>;
    type Error = String;

    async fn run(&self, order: Order, cx: TaskContext<Packed>) -> Result<Self::Output, String> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        let mut at = HashMap::new();
        for (number, item) in order.items.iter().enumerate() {
            let what = match item {
                Item::Book { pages } => format!("{pages} pages"),
                Item::Ball(size) => {
                    at.insert((0, 1), 2);
                    format!("a ball of {size}")
                }
            };
            cx.emit(Packed { number, what, at: at.clone() }).await;
            at.clear();
        }
        let Customer { name, age } = order.customer;
        if age < 18 {
            Err(format!("{name} is too young"))
        } else {
            Ok([(name, order.items.len())].into())
        }
    }
}

fn packing(rt: Arc<dyn Runtime>) -> (Arc<dyn JsonTask>, Arc<AtomicU32>) {
    let task = Packing::default();
    let runs = task.runs.clone();
    (Arc::new(TaskWrapper::builder(rt, task).name("packing").build()), runs)
}

fn order() -> Value {
    json!({
        "customer": { "name": "Ada", "age": 36 },
        "items": [{ "Book": { "pages": 200 } }, { "Book": { "pages": 300 } }],
    })
}

async fn events_and_output_are_json(rt: Arc<dyn Runtime>) {
    let (task, _) = packing(rt);
    let JsonRun { mut events, handle, .. } = task.execute(order()).unwrap();
    let first = json!({ "number": 0, "what": "200 pages", "at": {} });
    assert_eq!(events.next().await, Some(Ok(first)));
    assert_eq!(events.next().await.unwrap().unwrap()["what"], "300 pages");
    assert_eq!(events.next().await, None);
    assert_eq!(handle.await.unwrap(), Outcome::Completed(json!({ "Ada": 2 })));
    assert!(task.state().is_completed());
    let again = task.execute(order()).unwrap().await.unwrap();
    assert_eq!(
        again,
        Outcome::Completed(json!({ "Ada": 2 })),
        "it is done as often as it is asked for"
    );
}

async fn action_that_does_not_fit_starts_nothing(rt: Arc<dyn Runtime>) {
    let (task, runs) = packing(rt);
    let mut watch = task.watch();
    for (pointer, wrong, path, message) in [
        (
            "/customer/age",
            json!("old"),
            "customer.age",
            "invalid type: string \"old\", expected u8",
        ),
        ("/customer/age", json!(300), "customer.age", "invalid value: integer `300`, expected u8"),
        ("/customer/age", json!(null), "customer.age", "invalid type: null, expected u8"),
        ("/items/1/Book/pages", json!(-1), "items[1].Book.pages", "expected u16"),
        ("/items/0", json!({ "Sock": 1 }), "items[0]", "expected `Book` or `Ball`"),
        ("/items/0", json!({ "Book": {} }), "items[0].Book.pages", "missing field `pages`"),
        ("/customer", json!({ "age": 1 }), "customer.name", "missing field `name`"),
        ("", json!({ "items": [] }), "customer", "missing field `customer`"),
        ("", json!({ "item": [] }), "item", "expected `customer` or `items`"),
        ("", json!(7), "", "invalid type: integer `7`, expected struct Order"),
    ] {
        let mut action = order();
        *action.pointer_mut(pointer).unwrap() = wrong;
        let error = task.execute(action.clone()).unwrap_err();
        assert!(error.is_misfit() && !error.is_unknown() && !error.is_refused());
        assert_eq!(error.path(), Some(path), "{error}");
        let text = error.to_string();
        assert!(text.starts_with("invalid action for task 'packing': "), "{text}");
        assert!(text.ends_with(message), "no {message:?} in: {text}");
        assert_eq!(text.contains(&format!("at '{path}': ")), !path.is_empty(), "{text}");
        assert_eq!(error.into_action(), action, "it is given back");
    }
    assert!(matches!(task.state(), TaskState::NotStarted));
    assert_eq!(runs.load(Ordering::SeqCst), 0);
    drop(task);
    assert!(watch.changed().await.is_none(), "it never was anything else");
}

async fn event_that_is_no_json_is_told_in_its_place(rt: Arc<dyn Runtime>) {
    let (task, _) = packing(rt);
    let mut action = order();
    action["items"] = json!([{ "Ball": 1.5 }, { "Book": { "pages": 7 } }]);
    let JsonRun { mut events, handle, .. } = task.execute(action).unwrap();
    let error = events.next().await.unwrap().unwrap_err();
    assert!(error.path().starts_with("at"), "{error}");
    let text = error.to_string();
    assert!(text.starts_with("cannot serialize an event of task 'packing': at 'at"), "{text}");
    assert!(text.ends_with("key must be a string"), "{text}");
    assert_eq!(events.next().await.unwrap().unwrap()["what"], "7 pages", "it goes on");
    assert_eq!(events.next().await, None);
    assert_eq!(handle.await.unwrap(), Outcome::Completed(json!({ "Ada": 2 })));
}

struct Keys;

impl Task for Keys {
    type Action = ();
    type Event = ();
    type Output = HashMap<(u8, u8), u8>;
    type Error = String;

    async fn run(&self, (): (), _: TaskContext<()>) -> Result<Self::Output, String> {
        Ok([((0, 1), 2)].into())
    }
}

async fn output_that_is_no_json_is_an_error_of_the_handle(rt: Arc<dyn Runtime>) {
    let task: Arc<dyn JsonTask> = Arc::new(TaskWrapper::new(rt, Keys));
    let error = task.execute(json!(null)).unwrap().await.unwrap_err();
    assert!(format!("{error:#}").contains("key must be a string"), "{error:#}");
    assert!(task.state().is_completed(), "it was done nevertheless");
}

struct Never;

impl Task for Never {
    type Action = u32;
    type Event = ();
    type Output = ();
    type Error = String;

    async fn run(&self, _: u32, _: TaskContext<()>) -> Result<(), String> {
        pending().await
    }

    fn type_name(&self) -> &'static str {
        "never"
    }
}

async fn job_that_runs_is_not_started(rt: Arc<dyn Runtime>) {
    let task: Arc<dyn JsonTask> = Arc::new(TaskWrapper::new(rt, Never));
    assert_eq!(task.name(), "never");
    let run = task.execute(json!(1)).unwrap();
    let error = task.execute(json!(2)).unwrap_err();
    assert!(error.is_refused() && error.path().is_none());
    let message = error.to_string();
    assert!(message.starts_with("task 'never' is already running"), "{message}");
    let refusal = error.refusal().unwrap();
    assert!(refusal.downcast_ref::<StartError<()>>().unwrap().is_running());
    assert_eq!(error.into_action(), json!(2));
    assert!(task.execute(json!("two")).unwrap_err().is_misfit(), "that comes first");
    assert!(run.handle.cancel().await.unwrap_err().is_cancelled());
    assert!(task.state().is_failed());
}

async fn state_is_json_too(rt: Arc<dyn Runtime>) {
    let (task, _) = packing(rt);
    let now = || serde_json::to_value(task.state()).unwrap();
    assert_eq!(now(), json!({ "state": "not_started" }));
    let mut young = order();
    young["customer"]["age"] = json!(7);
    let run = task.execute(young).unwrap();
    assert!(run.handle.await.is_err());
    assert_eq!(now(), json!({ "state": "failed", "reason": "Ada is too young" }));
    task.execute(order()).unwrap().await.unwrap();
    assert_eq!(now(), json!({ "state": "completed" }));
}

async fn stack_calls_by_name(rt: Arc<dyn Runtime>) {
    let stack = TaskStack::new(rt.clone());
    let typed = stack.register("pack", Packing::default()).unwrap();
    stack.insert("elsewhere", packing(rt).0).unwrap();
    for name in ["pack", "elsewhere"] {
        let run = stack.clone().execute(name, order()).unwrap();
        assert_eq!(run.await.unwrap(), Outcome::Completed(json!({ "Ada": 2 })));
        assert!(stack.get(name).unwrap().state().is_completed());
    }
    assert!(typed.is_completed(), "it is the same job");
    let error = stack.execute("pack", json!([])).unwrap_err();
    assert!(error.is_misfit(), "{error}");
    assert!(stack.remove("pack").is_some() && stack.get("pack").is_none());
    assert!(stack.remove("pack").is_none());
}

async fn stack_names_those_that_there_are(rt: Arc<dyn Runtime>) {
    let stack = TaskStack::new(rt);
    let error = stack.execute("pack", json!(1)).unwrap_err();
    assert_eq!(error.to_string(), "unknown task 'pack'; none are registered");
    stack.register("send", Never).unwrap();
    stack.register("pack", Never).unwrap();
    let error = stack.register("pack", Packing::default()).unwrap_err();
    assert!(error.is_duplicate());
    assert!(error.to_string().starts_with("task 'pack' is already registered"), "{error}");
    assert_eq!(stack.get("pack").unwrap().type_name(), "never", "the first one stays");
    let error = stack.execute("Pack", json!(1)).unwrap_err();
    assert!(error.is_unknown());
    assert_eq!(error.known().unwrap(), ["pack", "send"]);
    assert_eq!(error.to_string(), "unknown task 'Pack'; registered: 'pack', 'send'");
    assert_eq!(error.into_action(), json!(1));
}

async fn stack_lists_what_it_has(rt: Arc<dyn Runtime>) {
    let stack = TaskStack::new(rt);
    for name in ["b", "a"] {
        stack.register(name, Never).unwrap();
    }
    stack.register("c", Packing::default()).unwrap();
    let run = stack.execute("b", json!(1)).unwrap();
    let list = serde_json::to_value(stack.list()).unwrap();
    let packing = std::any::type_name::<Packing>();
    assert_eq!(
        list,
        json!([
            { "name": "a", "type": "never", "state": { "state": "not_started" }, "runs": [] },
            {
                "name": "b",
                "type": "never",
                "state": { "state": "running" },
                "runs": [{ "run": 1, "repeat": "always", "state": { "state": "running" } }],
            },
            { "name": "c", "type": packing, "state": { "state": "not_started" }, "runs": [] },
        ])
    );
    assert_eq!(stack.list_types(), [packing, "never"]);
    let actions = stack.all_actions();
    assert_eq!(actions.iter().map(|it| &*it.name).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(actions[0].action["type"], "integer");
    let order = &actions[2].action;
    assert_eq!(order["required"], json!(["customer", "items"]));
    assert_eq!(order["properties"]["customer"]["description"], "Who is to pay.");
    let task = stack.get("c").unwrap();
    assert_eq!(task.action_schema(), *order);
    assert_eq!(task.event_schema()["properties"]["what"]["type"], "string");
    assert_eq!(task.output_schema()["type"], "object");
    run.handle.cancel().await.unwrap_err();
}

async fn stack_cancels_all(rt: Arc<dyn Runtime>) {
    let stack = TaskStack::new(rt);
    let mut runs = Vec::new();
    for name in ["a", "b", "c"] {
        stack.register(name, Never).unwrap();
        runs.push(stack.execute(name, json!(1)).unwrap());
    }
    stack.register("idle", Never).unwrap();
    let states = stack.cancel_all().await;
    assert_eq!(states.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert!(states.values().all(|state| state.error().unwrap().is_cancelled()));
    for run in runs {
        assert!(run.await.unwrap_err().is_cancelled());
    }
}

/// What a deployment leaves behind, whichever process does it.
#[derive(Clone, Default)]
struct Hosts(Arc<Mutex<BTreeSet<String>>>);

impl Hosts {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap()
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Verb {
    Verify,
    Deploy { host: String },
}

/// A job with several verbs.
struct Deployer {
    hosts: Hosts,
    known: &'static [&'static str],
}

impl Task for Deployer {
    type Action = Verb;
    type Event = String;
    type Output = usize;
    type Error = String;

    fn repeat(&self, verb: &Verb) -> Repeat {
        match verb {
            Verb::Verify => Repeat::Always,
            Verb::Deploy { host } => Repeat::once_per(host),
        }
    }

    fn known_actions(&self) -> Vec<Verb> {
        self.known.iter().map(|&host| Verb::Deploy { host: host.to_owned() }).collect()
    }

    async fn is_completed(&self, verb: &Verb, _: &TaskContext<String>) -> Result<bool, String> {
        match verb {
            Verb::Verify => Ok(false),
            Verb::Deploy { host } if host == "lost" => Err("no route to 'lost'".to_owned()),
            Verb::Deploy { host } => Ok(self.hosts.lock().contains(host)),
        }
    }

    async fn run(&self, verb: Verb, cx: TaskContext<String>) -> Result<usize, String> {
        if let Verb::Deploy { host } = verb {
            cx.emit(host.clone()).await;
            self.hosts.lock().insert(host);
        }
        Ok(self.hosts.lock().len())
    }
}

fn deploy(host: &str) -> Value {
    json!({ "deploy": { "host": host } })
}

fn deployer(rt: &Arc<dyn Runtime>, hosts: &Hosts, known: &'static [&'static str]) -> TaskStack {
    let stack = TaskStack::new(rt.clone());
    stack.register("deployer", Deployer { hosts: hosts.clone(), known }).unwrap();
    stack
}

async fn stack_runs_each_verb_as_it_repeats(rt: Arc<dyn Runtime>) {
    let stack = deployer(&rt, &Hosts::default(), &[]);
    let run = async |action: Value| stack.execute("deployer", action).unwrap().await.unwrap();
    let done = |hosts: usize| Outcome::Completed(json!(hosts));
    assert_eq!(run(json!("verify")).await, done(0));
    assert_eq!(run(deploy("a")).await, done(1), "another verb is other work");
    assert_eq!(run(deploy("b")).await, done(2), "and so is another host");
    assert_eq!(run(deploy("a")).await, Outcome::AlreadyCompleted);
    assert_eq!(run(json!("verify")).await, done(2));
    let completed = json!({ "state": "completed" });
    let listed = serde_json::to_value(stack.list()).unwrap();
    assert_eq!(
        listed[0]["runs"],
        json!([
            { "run": 1, "repeat": "always", "state": completed },
            { "run": 2, "repeat": { "once_per": "a" }, "state": completed },
            { "run": 3, "repeat": { "once_per": "b" }, "state": completed },
            { "run": 4, "repeat": "always", "state": completed },
        ])
    );
    let run = stack.execute("deployer", deploy("c")).unwrap();
    assert_eq!(run.handle.number(), Some(5));
    run.await.unwrap();
}

async fn stack_asks_without_a_start(rt: Arc<dyn Runtime>) {
    let hosts = Hosts::default();
    let stack = deployer(&rt, &hosts, &[]);
    assert!(!stack.is_completed("deployer", deploy("a")).await.unwrap());
    assert!(matches!(stack.list()[0].state, TaskState::NotStarted));
    hosts.lock().insert("a".to_owned());
    assert!(stack.is_completed("deployer", deploy("a")).await.unwrap());
    assert!(!stack.is_completed("deployer", deploy("b")).await.unwrap());
    assert_eq!(hosts.lock().len(), 1, "nothing was started");

    let error = stack.is_completed("deploy", deploy("a")).await.unwrap_err();
    assert_eq!(error.to_string(), "unknown task 'deploy'; registered: 'deployer'");
    let error = stack.is_completed("deployer", json!({ "deploy": {} })).await.unwrap_err();
    assert_eq!(error.path(), Some("deploy.host"));
    let error = stack.is_completed("deployer", deploy("lost")).await.unwrap_err();
    assert!(error.is_failed() && !error.is_refused() && !error.is_misfit());
    assert!(!error.failure().unwrap().is_cancelled());
    let message = "the completion check of task 'deployer' failed: no route to 'lost'";
    assert_eq!(full_message(&error), message);
    assert_eq!(error.into_action(), deploy("lost"));
}

async fn stack_of_a_new_process_lists_what_was_done(rt: Arc<dyn Runtime>) {
    let hosts = Hosts::default();
    let before = deployer(&rt, &hosts, &[]);
    before.execute("deployer", deploy("a")).unwrap().await.unwrap();
    drop(before);

    let stack = deployer(&rt, &hosts, &["a", "b", "lost"]);
    stack.register("other", Never).unwrap();
    let failures = stack.check_known_actions().await;
    assert_eq!(failures.keys().collect::<Vec<_>>(), ["deployer"]);
    assert_eq!(failures["deployer"].message(), "no route to 'lost'");
    let completed = json!({ "state": "completed" });
    assert_eq!(
        serde_json::to_value(stack.list()).unwrap(),
        json!([
            {
                "name": "deployer",
                "type": std::any::type_name::<Deployer>(),
                "state": completed,
                "runs": [{ "run": null, "repeat": { "once_per": "a" }, "state": completed }],
            },
            { "name": "other", "type": "never", "state": { "state": "not_started" }, "runs": [] },
        ])
    );
    // Somebody undoes it. It is not taken for done.
    hosts.lock().clear();
    let again = stack.execute("deployer", deploy("a")).unwrap().await.unwrap();
    assert_eq!(again, Outcome::Completed(json!(1)));
}
