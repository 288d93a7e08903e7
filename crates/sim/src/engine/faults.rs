//! Decisions on faults: each that is injected is an event, and an entry of the tape.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::Engine;
use super::nodes::Event;
use super::state::State;
use crate::clock::{Nanos, Offset};
use crate::fault::Chance;
use crate::node::Home;
use crate::record::What;
use crate::rng::derive;

/// The events of faults, for the trace.
const INJECTED: u64 = 9;

impl Engine {
    /// Whether to inject a fault at a point of the program.
    pub(crate) fn buggify(&self, home: Home, label: &str, fires: Option<f64>) -> bool {
        let chance = self.chance(fires);
        self.lock().decide(self.clock.nanos(), home.node, label, None, chance).is_some()
    }

    /// How long to delay at a point of the program.
    pub(crate) fn delay(&self, home: Home, label: &str, range: RangeInclusive<Nanos>) -> Nanos {
        let chance = self.chance(None);
        let delay = self.lock().decide(self.clock.nanos(), home.node, label, Some(range), chance);
        delay.unwrap_or_default()
    }

    fn chance(&self, fires: Option<f64>) -> Chance {
        let (enabled, usually) = self.limits.buggify;
        Chance::Drawn { enabled, fires: fires.unwrap_or(usually) }
    }

    /// Whether the program's fault in a node happens: a tape may leave it out.
    pub(super) fn happens(&self, state: &mut State, node: u32, what: &str) -> bool {
        state.decide(self.clock.nanos(), node, what, None, Chance::Asked).is_some()
    }

    /// How far to set a node's clock off: a tape may leave it out, or less far. Setting it right is
    /// no fault.
    pub(super) fn offset(
        &self,
        state: &mut State,
        node: u32,
        what: &str,
        by: Offset,
    ) -> Option<Offset> {
        let now = self.clock.nanos();
        let nanos = Nanos::try_from(by.duration().as_nanos()).unwrap_or(Nanos::MAX);
        if nanos == 0 {
            state.mended(now, node, what);
            return Some(by);
        }
        let nanos = state.decide(now, node, what, Some(0..=nanos), Chance::Asked)?;
        Some(by.shortened(nanos))
    }

    /// A fault in a node is over, as the program said.
    pub(super) fn mend(&self, state: &mut State, node: u32, what: &str) {
        state.mended(self.clock.nanos(), node, what);
    }
}

impl State {
    /// The amount of the fault, 0 if it has none; `None` if it is not injected.
    fn decide(
        &mut self,
        now: Nanos,
        node: u32,
        label: &str,
        range: Option<RangeInclusive<u64>>,
        chance: Chance,
    ) -> Option<u64> {
        if self.closed {
            // The tape is complete. The program does what it does without a decision.
            let asked = matches!(chance, Chance::Asked);
            return asked.then(|| range.map_or(0, |range| *range.end()));
        }
        let fault = self.points.decide(label, self.nodes.name(node), range, chance)?;
        let amount = fault.amount.unwrap_or_default();
        let recorded = self.record.is_some().then(|| fault.clone());
        self.trace.add(derive(amount, label, u64::from(node)) << 8 | INJECTED);
        if let Some(fault) = recorded {
            self.keep(now, What::Fault(fault));
        }
        Some(amount)
    }

    fn mended(&mut self, now: Nanos, node: u32, what: &str) {
        self.trace_node(node, Event::Mended);
        if self.record.is_some() {
            let node = self.nodes.name(node).map_or_else(|| Arc::from(""), Arc::clone);
            self.keep(now, What::Mended(what.to_owned(), node));
        }
    }
}
