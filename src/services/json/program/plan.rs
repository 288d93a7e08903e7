//! The order of the parts of a program, and the steps to take.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::future::ready;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::super::order::{Disorder, OnFailure, to_start, to_stop, walk};
use super::super::service::JsonService;
use super::super::service_stack::ServiceStack;
use super::super::task::JsonTask;
use super::super::task_stack::TaskStack;
use super::error::{Kind, PartError, ProgramError};
use super::part::Part;
use crate::BoxFuture;
use crate::services::service::StopError;
use crate::services::task::StartError;

/// The needs across kinds.
#[derive(Clone, Default)]
pub(super) struct Needs {
    pub(super) of_parts: BTreeMap<Part, Vec<Part>>,
    /// By the name of the job, for all of its actions.
    pub(super) of_jobs: BTreeMap<String, Vec<Part>>,
}

/// A snapshot of a program.
pub(super) struct Plan {
    /// With their needs in the stack.
    services: BTreeMap<String, (Arc<dyn JsonService>, Vec<Part>)>,
    tasks: BTreeMap<String, Arc<dyn JsonTask>>,
    needs: Needs,
}

impl Plan {
    pub(super) fn new(services: &ServiceStack, tasks: &TaskStack, needs: Needs) -> Plan {
        let services = services.list().into_iter().filter_map(|listed| {
            let needs = listed.needs.into_iter().map(Part::service).collect();
            // One that was removed meanwhile is left out.
            services.get(&listed.name).map(|service| (listed.name, (service, needs)))
        });
        let tasks = tasks
            .list()
            .into_iter()
            .filter_map(|listed| tasks.get(&listed.name).map(|task| (listed.name, task)));
        Plan { services: services.collect(), tasks: tasks.collect(), needs }
    }

    pub(super) fn all_services(&self) -> Vec<Part> {
        self.services.keys().map(Part::service).collect()
    }

    pub(super) fn has(&self, part: &Part) -> bool {
        match part {
            Part::Service { name } => self.services.contains_key(name),
            Part::Job { task, .. } => self.tasks.contains_key(task),
        }
    }

    /// The registered names of this kind of part.
    pub(super) fn known(&self, part: &Part) -> Vec<String> {
        match part {
            Part::Service { .. } => self.services.keys().cloned().collect(),
            Part::Job { .. } => self.tasks.keys().cloned().collect(),
        }
    }

    /// All needs of a part; `None` if it is unknown.
    fn needs_of(&self, part: &Part) -> Option<Vec<Part>> {
        let mut needs = match part {
            Part::Service { name } => self.services.get(name)?.1.clone(),
            Part::Job { task, .. } if self.tasks.contains_key(task) => {
                self.needs.of_jobs.get(task).cloned().unwrap_or_default()
            }
            Part::Job { .. } => return None,
        };
        needs.extend(self.needs.of_parts.get(part).into_iter().flatten().cloned());
        Some(needs)
    }

    /// The needs of a part that a start has to meet.
    fn open_needs_of(&self, part: &Part) -> Option<Vec<Part>> {
        let mut needs = self.needs_of(part)?;
        let is_running = match part {
            Part::Service { name } => {
                self.services.get(name).is_some_and(|(service, _)| service.state().is_running())
            }
            Part::Job { .. } => false,
        };
        if is_running {
            // Its jobs had been completed when it was started.
            needs.retain(|need| matches!(need, Part::Service { .. }));
        }
        Some(needs)
    }

    /// Starts parts after all that they need.
    pub(super) async fn start(&self, parts: Vec<Part>) -> Result<(), ProgramError> {
        let order = to_start(parts, |part| self.open_needs_of(part)).map_err(|disorder| {
            ProgramError::new(match disorder {
                Disorder::Cycle(parts) => Kind::Cycle(parts),
                Disorder::Unknown { part, needs } => {
                    let known = self.known(&needs);
                    Kind::Unknown { part: needs, needed_by: Some(part), known }
                }
            })
        })?;
        let walked = walk(order, OnFailure::HoldBack, |part| self.start_part(part)).await;
        if walked.failures.is_empty() {
            return Ok(());
        }
        let (failures, held_back) = (walked.failures, walked.held_back);
        Err(ProgramError::new(Kind::Failed { failures, held_back }))
    }

    fn start_part(&self, part: &Part) -> BoxFuture<'_, Result<(), PartError>> {
        match part {
            Part::Service { name } => match self.services.get(name) {
                Some((service, _)) => {
                    Box::pin(async { service.start().await.map_err(PartError::Service) })
                }
                // An order has no unknown parts.
                None => Box::pin(ready(Ok(()))),
            },
            Part::Job { task, action } => match self.tasks.get(task) {
                Some(task) => Box::pin(complete(&**task, action.clone())),
                None => Box::pin(ready(Ok(()))),
            },
        }
    }

    /// Stops all services, each after those that need it, directly or by way of a job.
    pub(super) async fn stop(&self, grace: Duration) -> BTreeMap<Part, StopError> {
        let mut all: BTreeMap<Part, Vec<Part>> = BTreeMap::new();
        let mut left = self.all_services();
        while let Some(part) = left.pop() {
            if let Entry::Vacant(vacant) = all.entry(part) {
                let needs = self.needs_of(vacant.key()).unwrap_or_default();
                left.extend(needs.iter().cloned());
                vacant.insert(needs);
            }
        }
        let order = to_stop(self.all_services(), |part| {
            let needing = all.iter().filter(|(_, needs)| needs.contains(part));
            needing.map(|(part, _)| part.clone()).collect()
        });
        let stop = |part: &Part| -> BoxFuture<'_, Result<(), StopError>> {
            match part {
                Part::Service { name } => match self.services.get(name) {
                    Some((service, _)) => service.stop(grace),
                    None => Box::pin(ready(Ok(()))),
                },
                // It has ended, and stands for the services that need it.
                Part::Job { .. } => Box::pin(ready(Ok(()))),
            }
        };
        walk(order, OnFailure::Continue, stop).await.failures
    }
}

/// Executes a job, after its present run if there is one.
async fn complete(task: &dyn JsonTask, action: Value) -> Result<(), PartError> {
    let mut was_idle = false;
    loop {
        let error = match task.execute(action.clone()) {
            Ok(run) => return run.await.map(drop).map_err(PartError::Job),
            Err(error) if error.is_refused() => error,
            Err(error) => return Err(PartError::Refused(error)),
        };
        // Refused because of another run, which may have ended since. If the error does not say so and it is
        // refused again without one, there is another reason.
        let start_error = error.refusal().and_then(|error| error.downcast_ref::<StartError<()>>());
        let is_running =
            start_error.is_some_and(StartError::is_running) || task.state().is_running();
        if !is_running && mem::replace(&mut was_idle, true) {
            return Err(PartError::Refused(error));
        }
        was_idle = !is_running;
        let ended = task.watch().wait_for(|state| !state.is_running()).await;
        if ended.is_none() {
            return Err(PartError::Refused(error));
        }
    }
}
