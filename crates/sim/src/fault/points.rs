//! The decisions of a run: at each point, whether to inject a fault.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::entry::Fault;
use super::rules::{Rules, Tally};
use crate::rng::{SimRng, derive};

/// Keep these draws apart from those of a generator with the same label.
const ENABLED: u64 = 1 << 32;
const FIRES: u64 = 2 << 32;
const AMOUNT: u64 = 3 << 32;

/// How a fault comes about.
#[derive(Clone, Copy)]
pub(crate) enum Chance {
    /// The program does it.
    Asked,
    /// The seed may do it: the probabilities that the point is enabled in a run, and that it fires
    /// then.
    Drawn { enabled: f64, fires: f64 },
}

/// The points that were reached, and what was decided there.
pub(crate) struct Points {
    seed: u64,
    /// By label and node.
    reached: HashMap<String, Point>,
    /// The only faults to inject; `None` if the seed decides.
    only: Option<Arc<[Fault]>>,
    rules: Tally,
    injected: Vec<Fault>,
}

struct Point {
    label: Arc<str>,
    node: Option<Arc<str>>,
    visits: u64,
    enabled: bool,
    rng: SimRng,
    /// The faults to inject here, by visit, with their amounts.
    only: BTreeMap<u64, Option<u64>>,
    /// The rule that applies.
    rule: Option<usize>,
}

impl Point {
    fn fires(&mut self, rules: &mut Tally, chance: Chance) -> bool {
        match (self.rule, chance) {
            (Some(rule), _) => rules.fires(rule, &mut self.rng),
            (None, Chance::Asked) => true,
            (None, Chance::Drawn { fires, .. }) => self.enabled && self.rng.chance(fires),
        }
    }
}

impl Points {
    pub(crate) fn new(seed: u64, only: Option<Arc<[Fault]>>, rules: &Rules) -> Points {
        let rules = rules.tally();
        Points { seed, reached: HashMap::new(), only, rules, injected: Vec::new() }
    }

    /// Decides whether to inject a fault, and how much of it, within that range; without a range the
    /// amount is 0.
    pub(crate) fn decide(
        &mut self,
        label: &str,
        node: Option<&Arc<str>>,
        range: Option<RangeInclusive<u64>>,
        chance: Chance,
    ) -> Option<&Fault> {
        let (seed, scoped) = (self.seed, scoped(label, node));
        let scoped = scoped.as_deref().unwrap_or(label);
        if !self.reached.contains_key(scoped) {
            let point = self.point(label, node, scoped, chance);
            self.reached.insert(scoped.to_owned(), point);
        }
        let point = self.reached.get_mut(scoped)?;
        point.visits += 1;
        let nth = point.visits;
        let amount = if self.only.is_some() {
            *point.only.get(&nth)?
        } else if point.fires(&mut self.rules, chance) {
            None
        } else {
            return None;
        };
        let amount = range.map(|range| match (amount, chance) {
            (Some(amount), _) => amount.clamp(*range.start(), *range.end()),
            (None, Chance::Asked) => *range.end(),
            (None, Chance::Drawn { .. }) => {
                // It depends on no other draw, so that a fault which is switched off shifts none.
                let mut rng = SimRng::new(derive(seed, scoped, AMOUNT + nth));
                let width = (*range.end() - *range.start()).saturating_add(1);
                range.start() + rng.below(width)
            }
        });
        let (label, node) = (point.label.clone(), point.node.clone());
        self.injected.push(Fault { label, node, nth, amount });
        self.injected.last()
    }

    fn point(&self, label: &str, node: Option<&Arc<str>>, scoped: &str, chance: Chance) -> Point {
        let enabled = match chance {
            // The same on all nodes.
            Chance::Drawn { enabled, .. } => {
                SimRng::new(derive(self.seed, label, ENABLED)).chance(enabled)
            }
            Chance::Asked => true,
        };
        let here = |fault: &&Fault| fault.is_at(label, node.map(|node| &**node));
        let only = self.only.iter().flat_map(|only| only.iter()).filter(here);
        Point {
            label: label.into(),
            node: node.cloned(),
            visits: 0,
            enabled,
            rng: SimRng::new(derive(self.seed, scoped, FIRES)),
            only: only.map(|fault| (fault.nth, fault.amount)).collect(),
            rule: self.rules.rule(label, node.map(|node| &**node)),
        }
    }

    /// A fault that was to be injected, and was not yet.
    pub(crate) fn left_over(&self) -> Option<&Fault> {
        self.only.iter().flat_map(|only| only.iter()).find(|fault| {
            let scoped = scoped(&fault.label, fault.node.as_ref());
            let point = self.reached.get(scoped.as_deref().unwrap_or(&fault.label));
            point.is_none_or(|point| point.visits < fault.nth)
        })
    }

    /// The faults that were injected; `None` if there was no point.
    pub(crate) fn take_injected(&mut self) -> Option<Vec<Fault>> {
        (!self.reached.is_empty()).then(|| std::mem::take(&mut self.injected))
    }
}

/// A label, qualified by the node.
fn scoped(label: &str, node: Option<&Arc<str>>) -> Option<String> {
    node.map(|node| format!("{node}\0{label}"))
}
