//! Jobs and services: typed parts of a program that report progress, stop in order, and leave
//! nothing behind.
//!
//! |                                   | [`Task`], run by a [`TaskWrapper`] | [`Service`], run by a [`ServiceWrapper`]  |
//! |-----------------------------------|------------------------------------|-------------------------------------------|
//! | what it is                        | a job that runs to a result        | a part of a program that runs until stopped |
//! | input                             | one typed action per run           | typed actions while it runs               |
//! | output                            | typed events and a result          | typed events for each action              |
//! | state                             | [`TaskState`]                      | [`ServiceState`]                          |
//! | by name, in JSON (feature `json`) | `TaskStack`                        | `ServiceStack`                            |
//!
//! Both run on any [`Runtime`](crate::Runtime), and both own their tasks: whatever a job or a service
//! spawns through its context, at any depth and including blocking work, is gone before its state
//! says that it has ended. (Actions that a service accepts while it does not run are apart.)
//!
//! The module needs the feature `services`; the JSON forms need `json`. It uses only public items of
//! the rest of the crate, so anything here can be built outside of it, too.
//!
//! # Jobs
//!
//! A job that a server runs on request is more than a future: users want to see its progress and its
//! state, to cancel it, and not to run it twice at a time. A [`Task`] is such a job, with typed input, events
//! and output. A [`TaskWrapper`] runs it, on any runtime:
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use async_runtime_compat::prelude::*;
//! use async_runtime_compat::services::{BoxError, Run, Task, TaskContext, TaskWrapper};
//!
//! /// Fetches pages concurrently.
//! struct Crawl;
//!
//! impl Task for Crawl {
//!     type Action = Vec<String>;
//!     type Event = String;
//!     type Output = usize;
//!     type Error = BoxError;
//!
//!     async fn run(&self, pages: Vec<String>, cx: TaskContext<String>) -> Result<usize, BoxError> {
//!         // Tasks spawned here end with the job.
//!         let mut fetches = JoinGroup::new(Arc::new(cx.spawner()));
//!         for page in pages {
//!             fetches.spawn(async move { /* fetch it */ page });
//!         }
//!         let mut count = 0;
//!         while let Some(page) = fetches.join_next().await {
//!             count += 1;
//!             // Waits for the reader; returns at once if the events were dropped.
//!             cx.emit(page?).await;
//!         }
//!         Ok(count)
//!     }
//! }
//!
//! async fn crawl(runtime: Arc<dyn Runtime>) -> Result<(), BoxError> {
//!     let crawl = TaskWrapper::builder(runtime, Crawl).grace(Duration::from_secs(5)).build();
//!     let Run { mut events, handle, .. } = crawl.start(vec!["/".to_owned()])?;
//!     while let Some(page) = events.next().await {
//!         println!("{page}");
//!     }
//!     println!("{:?}, {}", handle.await?, crawl.state());
//!     Ok(())
//! }
//! # #[cfg(feature = "smol")]
//! # futures_lite::future::block_on(crawl(Arc::new(async_runtime_compat::smol::SmolSpawner))).unwrap();
//! ```
//!
//! | event                                       | effect                                                                      |
//! |---------------------------------------------|-----------------------------------------------------------------------------|
//! | `start` while it runs                       | an error that returns the action; nothing is started                        |
//! | `start` after it ended                      | it runs again, unless the work of the action is done                        |
//! | its work is done, as [`Task::is_completed`] says | it does not run: [`Outcome::AlreadyCompleted`]                         |
//! | its work is done, as [`Task::repeat`] says: a run has completed the job, or the key of the action | nothing is spawned: [`Outcome::AlreadyCompleted`] |
//! | `check_completed`                           | asks whether the work of an action is done; starts nothing                  |
//! | the events are dropped                      | it continues; further events are dropped                                    |
//! | the events are kept but not read            | it waits once the channel is full                                           |
//! | the handle or the wrapper is dropped        | it continues                                                                |
//! | `cancel()`                                  | cancels its token, waits for the grace period, then drops its future: `is_cancelled` |
//! | it ends after it was cancelled              | `is_cancelled`, even if it returned `Ok`; its own error becomes the source  |
//! | it panics                                   | failed: `is_panic`, with the message                                        |
//! | its group aborts it, its runtime shuts down | failed: `is_cancelled`, `is_shutdown`                                       |
//! | it ends, for whatever reason                | its tasks are dropped, then the events end, then the state changes          |
//!
//! With the feature `json`, jobs of different types share the type `dyn JsonTask`, and a `TaskStack`
//! holds them by name, for a wire protocol to call:
//!
//! ```
//! # #[cfg(feature = "json")] {
//! use async_runtime_compat::services::{JsonRun, TaskStack, full_message};
//! use serde_json::Value;
//!
//! async fn call(tasks: &TaskStack, name: &str, action: Value) {
//!     let run = match tasks.execute(name, action) {
//!         Ok(run) => run,
//!         // unknown task 'crawler'; registered: 'crawl', 'import'
//!         // invalid action for task 'crawl': at '[3]': invalid type: integer `7`, expected a string
//!         Err(error) => return println!("{error}"),
//!     };
//!     let JsonRun { mut events, handle, .. } = run;
//!     while let Some(event) = events.next().await {
//!         match event {
//!             Ok(event) => println!("{event}"),
//!             Err(error) => println!("{error}"),
//!         }
//!     }
//!     match handle.await {
//!         Ok(outcome) => println!("{outcome:?}"),
//!         // task 'crawl' failed: disk is full
//!         Err(error) => println!("{}", full_message(&error)),
//!     }
//! }
//! # }
//! ```
//!
//! `is_completed(name, action)` asks a job whether the work of an action is done, without a start. A
//! server calls `check_known_actions()` when it starts, so that the listing shows the work of earlier
//! processes as completed.
//!
//! `all_actions()` returns a `Descriptor` of each job, with its description and the JSON schemas of its
//! action, events, output and error; `list()` returns names, types, states and runs. Both are ready to be
//! serialized. An action derives `serde::Deserialize` and `schemars::JsonSchema`; events
//! and outputs derive `serde::Serialize` and `JsonSchema`.
//!
//! # Services
//!
//! The parts of a server run as long as the server does; they are started, stopped, restarted and
//! queried. A [`Service`] defines how it starts, what it does until it is stopped, and which actions
//! it accepts. A [`ServiceWrapper`] runs it, on any runtime:
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use async_runtime_compat::prelude::*;
//! use async_runtime_compat::services::{
//!     ActionContext, BoxError, Service, ServiceContext, ServiceWrapper,
//! };
//!
//! struct Server;
//!
//! /// A bound socket.
//! struct Listener;
//!
//! impl Listener {
//!     async fn accept(&self) -> String {
//!         std::future::pending().await
//!     }
//! }
//!
//! impl Service for Server {
//!     type Action = String;
//!     type Event = String;
//!     type Error = BoxError;
//!     type Ready = Listener;
//!
//!     /// The service is running when this returns. An error is returned to the caller of `start`.
//!     async fn start(&self, _: &ServiceContext) -> Result<Listener, BoxError> {
//!         Ok(Listener)
//!     }
//!
//!     async fn run(&self, listener: Listener, cx: ServiceContext) -> Result<(), BoxError> {
//!         let token = cx.cancel_token();
//!         while let Some(connection) = token.run_until_cancelled(listener.accept()).await {
//!             // Tasks spawned here, at any depth, end with the service.
//!             cx.spawner().spawn_detached(async move { println!("{connection}") });
//!         }
//!         Ok(())
//!     }
//!
//!     /// Runs as a task of its own while the service runs.
//!     async fn dispatch(&self, news: String, cx: ActionContext<String>) -> Result<(), BoxError> {
//!         cx.emit(format!("sent: {news}")).await;
//!         Ok(())
//!     }
//! }
//!
//! async fn serve(runtime: Arc<dyn Runtime>) -> Result<(), BoxError> {
//!     let server = ServiceWrapper::new(runtime, Server);
//!     server.start().await?;
//!     let mut sending = server.dispatch("good evening".to_owned())?;
//!     while let Some(event) = sending.events.next().await {
//!         println!("{event}");
//!     }
//!     server.restart(Duration::from_secs(10)).await?;
//!     server.stop(Duration::from_secs(10)).await?;
//!     Ok(())
//! }
//! # #[cfg(feature = "smol")]
//! # futures_lite::future::block_on(serve(Arc::new(async_runtime_compat::smol::SmolSpawner))).unwrap();
//! ```
//!
//! | event                                        | effect                                                                   |
//! |----------------------------------------------|--------------------------------------------------------------------------|
//! | `is_set_up()`                                | asks it in any state, and starts nothing; the state tells a need afterwards |
//! | `set_up()`                                   | sets it up if needed, and starts nothing; joins a set-up that is under way |
//! | `start` while it is being set up             | starts it afterwards; fails if the set-up fails                          |
//! | `start` while it starts, or runs             | joins that start, or does nothing                                        |
//! | `start` while it stops                       | an error; joins a restart that is under way                              |
//! | `is_set_up`, `set_up` or `start` fails or panics | failed, with the reason, which `start` returns, too; it can be started again |
//! | `run` fails or panics                        | failed, with the reason, once its tasks are gone                         |
//! | `run` returns                                | stopped, once its tasks are gone                                         |
//! | `stop(grace)`                                | cancels its token, waits for the grace period, aborts the rest and waits for it; an abort is reported as an error |
//! | `stop` while it starts, or is being set up   | ends that; its callers get an error                                      |
//! | `stop` twice                                 | both wait for the same end; the earlier deadline counts                  |
//! | `stop` after it stopped or failed            | does nothing                                                             |
//! | `restart(grace)`                             | stops and starts it, even if stopping failed                             |
//! | dropping the future of one of these          | the transition continues                                                 |
//! | an action fails or panics                    | the action returns the error; the service continues                      |
//! | it stops during an action                    | cancels the action's token; the action is aborted with the service       |
//! | an action while it does not run              | is refused, unless the service [`accepts`](Service::accepts) actions always; `stop` ends it then |
//! | the last wrapper is dropped                  | it is aborted                                                            |
//! | its group aborts it, its runtime shuts down  | failed: `is_cancelled`, `is_shutdown`                                    |
//!
//! `state()`, `watch()` and `wait_for(phase, timeout)` observe its state; `check_health(timeout)`
//! calls the service's own check; `tasks()` lists its tasks. A service that only takes actions
//! implements [`ActionService`], which needs no `start` and no `run`.
//!
//! With the feature `json`, services of different types share the type `dyn JsonService`, and a
//! `ServiceStack` holds them by name. A service lists its dependencies, starts after them, and stops
//! before them:
//!
//! ```
//! # #[cfg(feature = "json")] {
//! use std::time::Duration;
//!
//! use async_runtime_compat::services::{BoxError, ServiceStack};
//! use serde_json::json;
//!
//! async fn run(services: &ServiceStack, until: impl Future<Output = ()>) -> Result<(), BoxError> {
//!     // Independent services start concurrently. A failed start holds back only its dependents.
//!     services.start_all().await?;
//!     let run = services.dispatch("mail", json!({ "to": "ada@example.com" }))?;
//!     run.await?;
//!     until.await;
//!     // A service that does not stop in time is aborted and does not keep the others from stopping.
//!     // The error lists all of them.
//!     services.stop_all(Duration::from_secs(10)).await?;
//!     Ok(())
//! }
//! # }
//! ```
//!
//! A `Program` holds both stacks, with needs across them: a service may need a job to have completed,
//! and a job may need a service to run.
//!
//! # A whole program
//!
//! The example `websocket_server` is a server made of these parts. The server itself is a service of
//! a `ServiceStack`; its clients call the other services and the jobs by name, and receive the events
//! on the connection as they are emitted:
//!
//! ```text
//! > {"id": 1, "op": "dispatch", "service": "ticker", "action": {"ticks": 2, "millis": 100}}
//! > {"id": 2, "op": "execute",  "task": "primes",    "action": {"below": "all"}}
//! < {"id": 2, "error": {"code": "bad_action", "path": "action.below", "message": "invalid action for
//!      task 'primes': at 'below': invalid type: string \"all\", expected u32"}}
//! < {"id": 1, "event": {"tick": 1, "of": 2}}
//! < {"id": 1, "event": {"tick": 2, "of": 2}}
//! < {"id": 1, "ok": null}
//! ```
//!
//! Three things make it shut down in order. Everything is spawned on one runtime whose tasks are in
//! one group. The server starts after the services that its clients call, and stops before them. And
//! the server spawns its own tasks on the runtime of its [`ServiceContext`]:
//!
//! ```
//! # #[cfg(feature = "json")] {
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use async_runtime_compat::prelude::*;
//! use async_runtime_compat::TaskGroup;
//! use async_runtime_compat::services::{BoxError, JsonError, ServiceStack, TaskStack, full_message};
//! use serde_json::Value;
//!
//! pub struct App {
//!     pub services: ServiceStack,
//!     pub tasks: TaskStack,
//!     group: TaskGroup,
//!     runtime: Arc<dyn Runtime>,
//! }
//!
//! impl App {
//!     pub fn new(runtime: Arc<dyn Runtime>) -> App {
//!         let group = TaskGroup::new(runtime.clone());
//!         // The same runtime, with its tasks and its blocking work in the group.
//!         let runtime = group.runtime(runtime);
//!         let services = ServiceStack::new(runtime.clone());
//!         App { services, tasks: TaskStack::new(runtime.clone()), group, runtime }
//!     }
//!
//!     /// Handles a request of a connection. An unknown name and an invalid action are errors that
//!     /// say so; nothing is started.
//!     pub async fn call(
//!         &self,
//!         service: &str,
//!         action: Value,
//!         mut send: impl AsyncFnMut(Value),
//!     ) -> Result<(), JsonError> {
//!         let mut run = self.services.dispatch(service, action)?;
//!         while let Some(event) = run.events.next().await {
//!             match event {
//!                 // A slow client slows down the action: the channel of the events is bounded.
//!                 Ok(event) => send(event).await,
//!                 Err(error) => send(error.to_string().into()).await,
//!             }
//!         }
//!         match run.await {
//!             Ok(()) => send(Value::Null).await,
//!             // One string: an action of service 'mail' failed: disk is full
//!             Err(error) => send(full_message(&error).into()).await,
//!         }
//!         Ok(())
//!     }
//!
//!     /// Everything has been dropped when this returns.
//!     pub async fn shutdown(&self, grace: Duration) -> Result<(), BoxError> {
//!         let stopped = self.services.stop_all(grace).await;
//!         let left = self.group.shutdown(&*self.runtime, grace).await;
//!         println!("tasks that were left: {left}");
//!         Ok(stopped?)
//!     }
//! }
//! # }
//! ```
//!
//! The example `soak` runs this server under 200 connections for a given time, while its services
//! are started, stopped, killed and made to panic at random. It fails if a task is left, if an event
//! was lost while its service was running, or if memory has grown.

mod contain;
mod events;
#[cfg(feature = "json")]
mod json;
mod run;
mod service;
mod task;

pub use self::events::{Events, TryEmitError};
#[cfg(feature = "json")]
pub use self::json::{
    Descriptor, JsonError, JsonEventError, JsonEvents, JsonHandle, JsonRun, JsonService, JsonTask,
    Part, PartError, Program, ProgramError, RegisterError, ServiceStack, StackSetUpError,
    StackStartError, StackStopError, StackedService, StackedTask, TaskStack,
};
pub use self::run::{BoxError, Run, RunError, RunHandle, full_message};
pub use self::service::{
    Accepts, ActionContext, ActionService, DispatchError, HealthError, NotReached, Service,
    ServiceContext, ServicePhase, ServiceStartError, ServiceState, ServiceWrapper,
    ServiceWrapperBuilder, SetUp, SetUpError, StopError,
};
pub use self::task::{
    Outcome, Repeat, RunRecord, StartError, Task, TaskContext, TaskRun, TaskState, TaskWrapper,
    TaskWrapperBuilder,
};

/// The last segment of a type's name, with its generic arguments.
fn short_name(path: &str) -> &str {
    let end = path.find('<').unwrap_or(path.len());
    let start = path[..end].rfind("::").map_or(0, |at| at + 2);
    &path[start..]
}
