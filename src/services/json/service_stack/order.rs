//! The order of services by their dependencies.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use super::JsonService;
use crate::BoxFuture;

/// A service of a stack.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) service: Arc<dyn JsonService>,
    /// The names of its dependencies.
    pub(super) needs: Vec<String>,
}

/// A snapshot of the services of a stack.
pub(super) type Services = BTreeMap<String, Entry>;

/// The services that each of some services has to wait for.
pub(super) type Order<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Why there is no order to start in.
pub(super) enum Disorder {
    /// A dependency is unknown.
    Unknown { service: String, needs: String },
    /// Each depends on the next, and the last is the first.
    Cycle(Vec<String>),
}

/// The named services and all of their dependencies, each after its own.
pub(super) fn to_start<'a>(
    services: &'a Services,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<Order<'a>, Disorder> {
    let mut order = Order::new();
    for name in names {
        // A list and not a recursion: dependencies may be of any depth. Each service stands with its
        // dependencies that have not been visited.
        let mut path = Vec::new();
        visit(services, &mut order, &mut path, name);
        while let Some((service, left)) = path.last_mut() {
            let service = *service;
            let Some(needed) = left.pop() else {
                path.pop();
                continue;
            };
            if !services.contains_key(needed) {
                let (service, needs) = (service.to_owned(), needed.to_owned());
                return Err(Disorder::Unknown { service, needs });
            }
            if let Some(start) = path.iter().position(|(name, _)| *name == needed) {
                let names = path[start..].iter().map(|(name, _)| *name).chain([needed]);
                return Err(Disorder::Cycle(names.map(str::to_owned).collect()));
            }
            visit(services, &mut order, &mut path, needed);
        }
    }
    Ok(order)
}

/// Begins to visit the dependencies of a service, unless that was done.
fn visit<'a>(
    services: &'a Services,
    order: &mut Order<'a>,
    path: &mut Vec<(&'a str, Vec<&'a str>)>,
    name: &'a str,
) {
    let Some(entry) = services.get(name) else { return };
    if !order.contains_key(name) {
        let needs: Vec<_> = entry.needs.iter().map(String::as_str).rev().collect();
        order.insert(name, needs.iter().copied().collect());
        path.push((name, needs));
    }
}

/// The named services and all of their dependents, each after its own.
pub(super) fn to_stop<'a>(
    services: &'a Services,
    names: impl IntoIterator<Item = &'a str>,
) -> Order<'a> {
    let mut order = Order::new();
    let mut left: Vec<_> = names.into_iter().collect();
    while let Some(name) = left.pop() {
        if order.contains_key(name) {
            continue;
        }
        let needing = services.iter().filter(|(_, entry)| entry.needs.iter().any(|it| it == name));
        let needing: BTreeSet<_> = needing.map(|(name, _)| name.as_str()).collect();
        left.extend(&needing);
        order.insert(name, needing);
    }
    order
}

/// The effect of a failure on the services that wait for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFailure {
    /// They are held back.
    HoldBack,
    /// None: they continue as after a success.
    Continue,
}

/// The result of a walk.
pub(super) struct Walked<E> {
    pub(super) failures: BTreeMap<String, E>,
    /// The services that were held back.
    pub(super) held_back: Vec<String>,
}

/// Acts on each service as soon as those that it waits for are done; on independent ones
/// concurrently.
pub(super) async fn walk<'a, E>(
    services: &'a Services,
    mut order: Order<'a>,
    on_failure: OnFailure,
    act: impl Fn(&'a dyn JsonService) -> BoxFuture<'a, Result<(), E>>,
) -> Walked<E> {
    let mut walked = Walked { failures: BTreeMap::new(), held_back: Vec::new() };
    let mut acting: Vec<(&str, BoxFuture<'a, Result<(), E>>)> = Vec::new();
    loop {
        let mut turn: Vec<_> =
            order.iter().filter(|(_, waits)| waits.is_empty()).map(|(name, _)| *name).collect();
        if turn.is_empty() && acting.is_empty() && on_failure == OnFailure::Continue {
            // The rest wait for each other, and none is to be left out.
            turn.extend(circle(&order));
        }
        for name in turn {
            order.remove(name);
            if let Some(entry) = services.get(name) {
                acting.push((name, act(&*entry.service)));
            }
        }
        if acting.is_empty() {
            break;
        }
        let (name, result) = first(&mut acting).await;
        let failed = result.is_err();
        if let Err(error) = result {
            walked.failures.insert(name.to_owned(), error);
        }
        if !failed || on_failure == OnFailure::Continue {
            for waits in order.values_mut() {
                waits.remove(name);
            }
        }
    }
    walked.held_back.extend(order.into_keys().map(str::to_owned));
    walked
}

/// The services of a cycle, each of which waits for the next. There is one if all wait.
fn circle<'a>(order: &Order<'a>) -> Vec<&'a str> {
    let mut path = Vec::new();
    let mut next = order.keys().next().copied();
    while let Some(name) = next {
        if let Some(start) = path.iter().position(|it| *it == name) {
            return path.split_off(start);
        }
        path.push(name);
        // Not one that is done or unknown.
        let mut waits = order.get(name).into_iter().flatten().copied();
        next = waits.find(|it| order.contains_key(it));
    }
    path
}

/// Waits for the first action to complete, and removes it.
async fn first<'a, T>(acting: &mut Vec<(&'a str, BoxFuture<'_, T>)>) -> (&'a str, T) {
    poll_fn(|cx| {
        let done = acting.iter_mut().enumerate().find_map(|(index, (_, future))| {
            match future.as_mut().poll(cx) {
                Poll::Ready(output) => Some((index, output)),
                Poll::Pending => None,
            }
        });
        match done {
            Some((index, output)) => Poll::Ready((acting.remove(index).0, output)),
            None => Poll::Pending,
        }
    })
    .await
}
