//! The services and tasks of a program, by name, on one runtime and in one group.

use std::sync::{Arc, Weak};
use std::time::Duration;

use async_runtime_compat::prelude::*;
use async_runtime_compat::services::{
    JsonError, JsonRun, Outcome, RunError, ServiceStack, StackStopError, TaskStack, full_message,
};
use async_runtime_compat::{CancelToken, ShutdownReport, TaskGroup, with_blocking, with_timer};
use futures_lite::StreamExt as _;
use serde_json::{Value, json};

use super::server::{Call, Registry, RequestError};

/// The services and tasks of a program, and all tasks that they spawn.
pub struct App {
    pub services: ServiceStack,
    pub tasks: TaskStack,
    group: TaskGroup,
    runtime: Arc<dyn Runtime>,
}

impl App {
    /// A program without services and tasks yet, on the given runtime.
    pub fn new(runtime: Arc<dyn Runtime>) -> Arc<App> {
        // The same runtime, except that its tasks join the group.
        let group = TaskGroup::builder(runtime.clone()).timer(runtime.clone()).build();
        let grouped = with_blocking(group.spawner(), runtime.clone());
        let runtime: Arc<dyn Runtime> = Arc::new(with_timer(grouped, runtime));
        Arc::new(App {
            services: ServiceStack::new(runtime.clone()),
            tasks: TaskStack::new(runtime.clone()),
            group,
            runtime,
        })
    }

    /// The program's runtime, whose tasks join the group.
    pub fn runtime(&self) -> Arc<dyn Runtime> {
        self.runtime.clone()
    }

    /// The group of all tasks. It lists each with its name, spawn location and age.
    pub fn group(&self) -> &TaskGroup {
        &self.group
    }

    /// Stops the services, dependents first, and then the remaining tasks. Each of them is aborted
    /// after the grace period. When this returns, no task is left.
    ///
    /// Returns how the remaining tasks ended.
    ///
    /// # Errors
    ///
    /// If services failed or had to be aborted; the error names them. The others have stopped.
    pub async fn shutdown(&self, grace: Duration) -> Result<ShutdownReport, StackStopError> {
        let stopped = self.services.stop_all(grace).await;
        let report = self.group.shutdown(&*self.runtime, grace).await;
        stopped.map(|()| report)
    }
}

// Weak, because the program owns the WebSocket service, which owns this registry.
impl Registry for Weak<App> {
    fn list(&self) -> Value {
        match self.upgrade() {
            Some(app) => json!({ "services": app.services.list(), "tasks": app.tasks.list() }),
            None => json!({ "services": [], "tasks": [] }),
        }
    }

    fn actions(&self) -> Value {
        match self.upgrade() {
            Some(app) => json!({
                "services": app.services.all_actions(),
                "tasks": app.tasks.all_actions(),
            }),
            None => json!({ "services": [], "tasks": [] }),
        }
    }

    fn dispatch(&self, service: &str, action: Value) -> Result<Call, RequestError> {
        let app = self.upgrade().ok_or_else(shut_down)?;
        let run = app.services.dispatch(service, action);
        let run = run.map_err(|error| refusal(&error, "unknown_service", "not_running"))?;
        Ok(call(run, |()| Value::Null))
    }

    fn execute(&self, task: &str, action: Value) -> Result<Call, RequestError> {
        let app = self.upgrade().ok_or_else(shut_down)?;
        let run = app.tasks.execute(task, action);
        let run = run.map_err(|error| refusal(&error, "unknown_task", "already_running"))?;
        Ok(call(run, |outcome| match outcome {
            Outcome::Completed(output) => json!({ "outcome": "completed", "output": output }),
            Outcome::AlreadyCompleted => json!({ "outcome": "already_completed" }),
        }))
    }
}

/// Converts a run into a call that the server can forward.
fn call<T: Send + 'static>(run: JsonRun<T>, tell: fn(T) -> Value) -> Call {
    let JsonRun { events, mut handle, .. } = run;
    let cancelled = CancelToken::new();
    let token = cancelled.clone();
    let result = async move {
        let result = match cancelled.run_until_cancelled(&mut handle).await {
            Some(result) => result,
            None => handle.cancel().await,
        };
        result.map(tell).map_err(|error| failure(&error))
    };
    let events = events.map(|event| {
        event.map_err(|error| {
            let bad = RequestError::new("bad_event", error.to_string());
            if error.path().is_empty() { bad } else { bad.at_path(error.path()) }
        })
    });
    Call {
        events: Box::pin(events),
        result: Box::pin(result),
        cancel: Box::new(move || token.cancel()),
    }
}

/// The error if nothing was started.
fn refusal(error: &JsonError, unknown: &'static str, refused: &'static str) -> RequestError {
    let message = full_message(error);
    if let Some(known) = error.known() {
        return RequestError::new(unknown, message).with_known(known.to_vec());
    }
    match error.path() {
        None => RequestError::new(refused, message),
        Some("") => RequestError::new("bad_action", message).at_path("action"),
        Some(path) => {
            let dot = if path.starts_with('[') { "" } else { "." };
            RequestError::new("bad_action", message).at_path(&format!("action{dot}{path}"))
        }
    }
}

/// The error if a call has no result.
fn failure(error: &RunError) -> RequestError {
    let code = if error.is_cancelled() {
        "cancelled"
    } else if error.is_panic() {
        "panicked"
    } else if error.is_shutdown() {
        "shut_down"
    } else {
        "failed"
    };
    RequestError::new(code, full_message(error))
}

fn shut_down() -> RequestError {
    RequestError::new("shut_down", "the server is shutting down".to_owned())
}
