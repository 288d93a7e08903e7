//! The order of parts by their needs.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::task::Poll;

use crate::BoxFuture;

/// The parts that each of some parts has to wait for.
pub(super) type Order<K> = BTreeMap<K, BTreeSet<K>>;

/// Why there is no order to start in.
pub(super) enum Disorder<K> {
    /// A need is unknown.
    Unknown { part: K, needs: K },
    /// Each needs the next, and the last is the first.
    Cycle(Vec<K>),
}

/// Some parts and all that they need, each after its own needs.
///
/// The function returns the needs of a part, and `None` for an unknown one.
pub(super) fn to_start<K: Ord + Clone>(
    parts: impl IntoIterator<Item = K>,
    needs: impl Fn(&K) -> Option<Vec<K>>,
) -> Result<Order<K>, Disorder<K>> {
    let mut order = Order::new();
    for part in parts {
        // A list and not a recursion: needs may be of any depth. Each part stands with its needs that
        // have not been visited.
        let mut path = Vec::new();
        if !order.contains_key(&part) {
            if let Some(needs) = needs(&part) {
                visit(&mut order, &mut path, part, needs);
            }
        }
        while let Some((part, left)) = path.last_mut() {
            let part = part.clone();
            let Some(needed) = left.pop() else {
                path.pop();
                continue;
            };
            if let Some(start) = path.iter().position(|(part, _)| *part == needed) {
                let cycle = path[start..].iter().map(|(part, _)| part.clone()).chain([needed]);
                return Err(Disorder::Cycle(cycle.collect()));
            }
            if order.contains_key(&needed) {
                continue;
            }
            match needs(&needed) {
                Some(needs) => visit(&mut order, &mut path, needed, needs),
                None => return Err(Disorder::Unknown { part, needs: needed }),
            }
        }
    }
    Ok(order)
}

/// Begins to visit the needs of a part.
fn visit<K: Ord + Clone>(
    order: &mut Order<K>,
    path: &mut Vec<(K, Vec<K>)>,
    part: K,
    mut needs: Vec<K>,
) {
    order.insert(part.clone(), needs.iter().cloned().collect());
    needs.reverse();
    path.push((part, needs));
}

/// Some parts and all that need them, each after those that need it.
///
/// The function returns the parts that need a part.
pub(super) fn to_stop<K: Ord + Clone>(
    parts: impl IntoIterator<Item = K>,
    needing: impl Fn(&K) -> BTreeSet<K>,
) -> Order<K> {
    let mut order = Order::new();
    let mut left: Vec<_> = parts.into_iter().collect();
    while let Some(part) = left.pop() {
        if let Entry::Vacant(vacant) = order.entry(part) {
            let needing = needing(vacant.key());
            left.extend(needing.iter().cloned());
            vacant.insert(needing);
        }
    }
    order
}

/// The effect of a failure on the parts that wait for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFailure {
    /// They are held back.
    HoldBack,
    /// None: they continue as after a success.
    Continue,
}

/// The result of a walk.
pub(super) struct Walked<K, E> {
    pub(super) failures: BTreeMap<K, E>,
    /// The parts that were held back.
    pub(super) held_back: Vec<K>,
}

/// Acts on each part as soon as those that it waits for are done; on independent ones concurrently.
pub(super) async fn walk<'a, K: Ord + Clone, E>(
    mut order: Order<K>,
    on_failure: OnFailure,
    act: impl Fn(&K) -> BoxFuture<'a, Result<(), E>>,
) -> Walked<K, E> {
    let mut walked = Walked { failures: BTreeMap::new(), held_back: Vec::new() };
    let mut acting: Vec<(K, BoxFuture<'a, Result<(), E>>)> = Vec::new();
    loop {
        let mut turn: Vec<_> = order
            .iter()
            .filter(|(_, waits)| waits.is_empty())
            .map(|(part, _)| part.clone())
            .collect();
        if turn.is_empty() && acting.is_empty() && on_failure == OnFailure::Continue {
            // The rest wait for each other, and none is to be left out.
            turn.extend(circle(&order));
        }
        for part in turn {
            order.remove(&part);
            let action = act(&part);
            acting.push((part, action));
        }
        if acting.is_empty() {
            break;
        }
        let (part, result) = first(&mut acting).await;
        if result.is_ok() || on_failure == OnFailure::Continue {
            for waits in order.values_mut() {
                waits.remove(&part);
            }
        }
        if let Err(error) = result {
            walked.failures.insert(part, error);
        }
    }
    walked.held_back.extend(order.into_keys());
    walked
}

/// The parts of a cycle, each of which waits for the next. There is one if all wait.
fn circle<K: Ord + Clone>(order: &Order<K>) -> Vec<K> {
    let mut path = Vec::new();
    let mut next = order.keys().next();
    while let Some(part) = next {
        if let Some(start) = path.iter().position(|it| it == part) {
            return path.split_off(start);
        }
        path.push(part.clone());
        // Not one that is done or unknown.
        let mut waits = order.get(part).into_iter().flatten();
        next = waits.find(|it| order.contains_key(*it));
    }
    path
}

/// Waits for the first action to complete, and removes it.
async fn first<K, T>(acting: &mut Vec<(K, BoxFuture<'_, T>)>) -> (K, T) {
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
