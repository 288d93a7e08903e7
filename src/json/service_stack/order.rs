//! Which service goes before which.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use super::JsonService;
use crate::spawner::BoxFuture;

/// A service of a stack.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) service: Arc<dyn JsonService>,
    /// The names of those that it needs.
    pub(super) needs: Vec<String>,
}

/// The services of a stack, as they are at one moment.
pub(super) type Services = BTreeMap<String, Entry>;

/// Which others each of some services has to wait for.
pub(super) type Order<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Why there is no order to start in.
pub(super) enum Disorder {
    /// One needs one that there is not.
    Unknown { service: String, needs: String },
    /// Each needs the next one, and the last is the first.
    Cycle(Vec<String>),
}

/// Those named and all that they need, each after those that it needs.
pub(super) fn to_start<'a>(
    services: &'a Services,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<Order<'a>, Disorder> {
    let mut order = Order::new();
    for name in names {
        // A list and not a recursion: services may need one another at any depth. Each with those
        // of its needs that were not looked at.
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

/// Begins to look at what a service needs, unless that was done.
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

/// Those named and all that need them, each after those that need it.
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

/// Whom a failure holds back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// Those that wait for the one that failed.
    HoldsBack,
    /// Nobody.
    IsPassedOver,
}

/// What came of it.
pub(super) struct Walked<E> {
    pub(super) failures: BTreeMap<String, E>,
    /// Those whose turn did not come, because one that they waited for failed.
    pub(super) held_back: Vec<String>,
}

/// Does something with each service, as soon as those that it waits for are done, and with those
/// that wait for none of each other at the same time.
pub(super) async fn walk<'a, E>(
    services: &'a Services,
    mut order: Order<'a>,
    failure: Failure,
    act: impl Fn(&'a dyn JsonService) -> BoxFuture<'a, Result<(), E>>,
) -> Walked<E> {
    let mut walked = Walked { failures: BTreeMap::new(), held_back: Vec::new() };
    let mut acting: Vec<(&str, BoxFuture<'a, Result<(), E>>)> = Vec::new();
    loop {
        let mut turn: Vec<_> =
            order.iter().filter(|(_, waits)| waits.is_empty()).map(|(name, _)| *name).collect();
        if turn.is_empty() && acting.is_empty() && failure == Failure::IsPassedOver {
            // Some wait for each other, and none is to be left out.
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
        if !failed || failure == Failure::IsPassedOver {
            for waits in order.values_mut() {
                waits.remove(name);
            }
        }
    }
    walked.held_back.extend(order.into_keys().map(str::to_owned));
    walked
}

/// Those of a circle, of whom each waits for the next. There is one if each waits for somebody.
fn circle<'a>(order: &Order<'a>) -> Vec<&'a str> {
    let mut path = Vec::new();
    let mut next = order.keys().next().copied();
    while let Some(name) = next {
        if let Some(start) = path.iter().position(|it| *it == name) {
            return path.split_off(start);
        }
        path.push(name);
        // Not one that is done, or that there is not.
        let mut waits = order.get(name).into_iter().flatten().copied();
        next = waits.find(|it| order.contains_key(it));
    }
    path
}

/// Waits for the first one to be done, and takes it out.
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
