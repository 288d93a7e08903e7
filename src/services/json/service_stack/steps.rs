//! Starting and stopping the services of a stack in their order.

use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use super::super::order::{Disorder, OnFailure, Order, Walked, to_start, to_stop, walk};
use super::super::service::JsonService;
use super::error::{Kind, StackStartError, StackStopError};
use crate::BoxFuture;
use crate::services::service::HealthError;

/// A service of a stack.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) service: Arc<dyn JsonService>,
    /// The names of its dependencies.
    pub(super) needs: Vec<String>,
}

/// The services of a stack, or a snapshot of them.
pub(super) type Services = BTreeMap<String, Entry>;

/// Starts the chosen services and all of their dependencies, each after its own.
pub(super) async fn start<'a>(
    services: &'a Services,
    chosen: impl IntoIterator<Item = &'a str>,
) -> Result<(), StackStartError> {
    let needs = |name: &&str| {
        let needs = &services.get(*name)?.needs;
        Some(needs.iter().map(String::as_str).collect())
    };
    let order = to_start(chosen, needs).map_err(|disorder| {
        StackStartError::new(match disorder {
            Disorder::Cycle(names) => Kind::Cycle(names.into_iter().map(str::to_owned).collect()),
            Disorder::Unknown { part, needs } => {
                let (name, needed_by) = (needs.to_owned(), Some(part.to_owned()));
                Kind::Unknown { name, needed_by, known: names(services) }
            }
        })
    })?;
    let walked = each(services, order, OnFailure::HoldBack, JsonService::start).await;
    if walked.failures.is_empty() {
        return Ok(());
    }
    let held_back = walked.held_back.into_iter().map(str::to_owned).collect();
    Err(StackStartError::new(Kind::Failed { failures: owned(walked.failures), held_back }))
}

/// Stops the chosen services and all of their dependents, each after its own.
pub(super) async fn stop<'a>(
    services: &'a Services,
    chosen: impl IntoIterator<Item = &'a str>,
    grace: Duration,
) -> Result<(), StackStopError> {
    let needing = |name: &&str| {
        let needing = services.iter().filter(|(_, it)| it.needs.iter().any(|need| need == name));
        needing.map(|(name, _)| name.as_str()).collect()
    };
    let order = to_stop(chosen, needing);
    let walked = each(services, order, OnFailure::Continue, |service| service.stop(grace)).await;
    if walked.failures.is_empty() {
        return Ok(());
    }
    Err(StackStopError { failures: owned(walked.failures), unknown: None })
}

/// Checks the health of all services, and returns the errors.
pub(super) async fn check_health(
    services: &Services,
    timeout: Duration,
) -> BTreeMap<String, HealthError> {
    let order = services.keys().map(|name| (name.as_str(), BTreeSet::new())).collect();
    let walked =
        each(services, order, OnFailure::Continue, |service| service.check_health(timeout)).await;
    owned(walked.failures)
}

/// Acts on services in an order.
async fn each<'a, E: Send + 'a>(
    services: &'a Services,
    order: Order<&'a str>,
    on_failure: OnFailure,
    act: impl Fn(&'a dyn JsonService) -> BoxFuture<'a, Result<(), E>>,
) -> Walked<&'a str, E> {
    let act = |name: &&str| match services.get(*name) {
        Some(entry) => act(&*entry.service),
        // An order has no unknown names.
        None => Box::pin(ready(Ok(()))),
    };
    walk(order, on_failure, act).await
}

fn owned<E>(failures: BTreeMap<&str, E>) -> BTreeMap<String, E> {
    failures.into_iter().map(|(name, error)| (name.to_owned(), error)).collect()
}

pub(super) fn names(services: &Services) -> Vec<String> {
    services.keys().cloned().collect()
}
