//! Services and jobs that need each other.

mod error;
mod part;
mod plan;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::Value;

use self::error::Kind;
pub use self::error::{PartError, ProgramError};
pub use self::part::Part;
use self::plan::{Needs, Plan};
use super::service_stack::{ServiceStack, StackStopError};
use super::task_stack::TaskStack;
use crate::services::contain::lock;

/// The services and the jobs of a program, with needs across both kinds.
///
/// A service may need a job to have completed an action, and a job may need a service to run.
/// [`start_all`](Program::start_all) orders both. The needs of services among themselves are those of
/// the [`ServiceStack`].
///
/// The stacks do not know the needs across kinds: a service that is started through its stack is
/// started without them.
///
/// Clones share the program. Dropping it stops nothing, and drops its clones of the stacks.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// # use std::convert::Infallible;
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use async_runtime_compat::services::{Part, Program, ServiceStack, TaskStack};
/// # use async_runtime_compat::services::{ActionContext, ActionService, Task, TaskContext};
/// use async_runtime_compat::smol::SmolSpawner;
/// use serde_json::json;
/// #
/// # struct Says;
/// # impl ActionService for Says {
/// #     type Action = String;
/// #     type Event = String;
/// #     type Error = Infallible;
/// #     async fn dispatch(&self, _: String, _: ActionContext<String>) -> Result<(), Infallible> {
/// #         Ok(())
/// #     }
/// # }
/// # struct Migrate;
/// # impl Task for Migrate {
/// #     type Action = String;
/// #     type Event = ();
/// #     type Output = ();
/// #     type Error = Infallible;
/// #     async fn run(&self, _: String, _: TaskContext<()>) -> Result<(), Infallible> {
/// #         Ok(())
/// #     }
/// # }
/// # let (db, api, migrate) = (Says, Says, Migrate);
///
/// # futures_lite::future::block_on(async {
/// let runtime = Arc::new(SmolSpawner);
/// let (services, tasks) = (ServiceStack::new(runtime.clone()), TaskStack::new(runtime));
/// services.register("db", db, &[])?;
/// services.register("api", api, &[])?;
/// tasks.register("migrate", migrate)?;
///
/// let program = Program::new(services, tasks);
/// program.needs(Part::service("api"), [Part::job("migrate", json!("latest"))]);
/// program.job_needs("migrate", [Part::service("db")]);
///
/// // Starts `db`, then runs `migrate`, then starts `api`.
/// program.start_all().await?;
/// program.stop_all(Duration::from_secs(10)).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// # }
/// ```
#[derive(Clone)]
pub struct Program {
    shared: Arc<Shared>,
}

struct Shared {
    services: ServiceStack,
    tasks: TaskStack,
    needs: Mutex<Needs>,
}

impl Program {
    /// A program of these services and jobs, with no needs across kinds yet. Services and jobs may be
    /// added to the stacks later.
    #[must_use]
    pub fn new(services: ServiceStack, tasks: TaskStack) -> Program {
        Program { shared: Arc::new(Shared { services, tasks, needs: Mutex::default() }) }
    }

    fn lock(&self) -> MutexGuard<'_, Needs> {
        lock(&self.shared.needs)
    }

    /// The services.
    #[must_use]
    pub fn services(&self) -> &ServiceStack {
        &self.shared.services
    }

    /// The jobs.
    #[must_use]
    pub fn tasks(&self) -> &TaskStack {
        &self.shared.tasks
    }

    /// Adds needs of a service, or of one action of a job.
    ///
    /// Names are resolved at the start, and may be registered later.
    pub fn needs(&self, part: Part, needs: impl IntoIterator<Item = Part>) {
        let needs: Vec<_> = needs.into_iter().collect();
        self.lock().of_parts.entry(part).or_default().extend(needs);
    }

    /// Adds needs of all actions of a job.
    ///
    /// They apply where this type runs the job: in [`complete`](Program::complete), and in a start
    /// that needs it.
    pub fn job_needs(&self, task: impl Into<String>, needs: impl IntoIterator<Item = Part>) {
        let needs: Vec<_> = needs.into_iter().collect();
        self.lock().of_jobs.entry(task.into()).or_default().extend(needs);
    }

    fn plan(&self) -> Plan {
        // Copied first: listing the stacks calls the user's services.
        let needs = self.lock().clone();
        Plan::new(&self.shared.services, &self.shared.tasks, needs)
    }

    /// Starts all services, and completes the jobs that they need, each part once its own needs are
    /// met. Jobs that nothing needs are left alone.
    ///
    /// Independent parts start concurrently. A failure holds back the parts that need it, and no
    /// others; parts that have started continue. Running services are left as they are, and the jobs
    /// that only they need are not run again. A job that is running when it is needed is waited for,
    /// and then executed. The events of the jobs are dropped.
    ///
    /// Do not call it concurrently with [`stop_all`](Program::stop_all), and do not await it in a job or a service that
    /// it starts: that would wait for itself.
    ///
    /// # Errors
    ///
    /// [`ProgramError`] if a need is unknown, or needs are cyclic, in which case nothing was started
    /// and the error names the path; or if not all parts succeeded.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, starts and jobs that have begun continue, and no others begin.
    /// Calling it again carries on.
    pub async fn start_all(&self) -> Result<(), ProgramError> {
        let plan = self.plan();
        plan.start(plan.all_services()).await
    }

    /// Starts the service with this name after all that it needs, like
    /// [`start_all`](Program::start_all).
    ///
    /// # Errors
    ///
    /// [`ProgramError`], also if the name is unknown.
    ///
    /// # Cancel safety
    ///
    /// As [`start_all`](Program::start_all).
    pub async fn start(&self, service: &str) -> Result<(), ProgramError> {
        self.start_part(Part::service(service)).await
    }

    /// Completes an action of the job with this name after all that it needs, like
    /// [`start_all`](Program::start_all). If the job says that the action was completed before,
    /// the job does not run.
    ///
    /// # Errors
    ///
    /// [`ProgramError`], also if the name is unknown.
    ///
    /// # Cancel safety
    ///
    /// As [`start_all`](Program::start_all).
    pub async fn complete(&self, task: &str, action: Value) -> Result<(), ProgramError> {
        self.start_part(Part::job(task, action)).await
    }

    async fn start_part(&self, part: Part) -> Result<(), ProgramError> {
        let plan = self.plan();
        if !plan.has(&part) {
            let known = plan.known(&part);
            return Err(ProgramError::new(Kind::Unknown { part, needed_by: None, known }));
        }
        plan.start(vec![part]).await
    }

    /// Cancels all running jobs, waits until they have ended, and then stops all services, each once
    /// the services that need it have stopped, directly or by way of a job. Jobs that services start meanwhile are
    /// cancelled at the end.
    ///
    /// The grace period is that of each service; see [`ServiceStack::stop_all`]. Jobs have their own.
    ///
    /// # Errors
    ///
    /// [`StackStopError`], with all services that did not stop cleanly. All have stopped nevertheless.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, stops that have begun continue, and no others begin. Calling it again
    /// carries on.
    pub async fn stop_all(&self, grace: Duration) -> Result<(), StackStopError> {
        self.shared.tasks.cancel_all().await;
        let failures = self.plan().stop(grace).await;
        // A service may have started one before it stopped.
        self.shared.tasks.cancel_all().await;
        if failures.is_empty() {
            return Ok(());
        }
        let failures = failures.into_iter().map(|(part, error)| (part.into_name(), error));
        Err(StackStopError::of(failures.collect::<BTreeMap<_, _>>()))
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("services", &self.shared.services)
            .field("tasks", &self.shared.tasks)
            .finish_non_exhaustive()
    }
}
