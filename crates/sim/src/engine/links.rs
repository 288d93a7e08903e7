//! Which nodes hear each other.

use std::collections::BTreeSet;

use super::Engine;
use crate::node::Home;
use crate::record::What;

/// Groups of nodes that are cut off from all others, by a number of their own.
#[derive(Default)]
pub(super) struct Cuts {
    cuts: Vec<(u64, BTreeSet<u32>)>,
    made: u64,
}

/// The events of cuts, for the trace.
const CUT: u64 = 15;
const HEALED: u64 = 16;

impl Engine {
    pub(crate) fn connected(&self, from: u32, to: u32) -> bool {
        let state = self.lock();
        state.cuts.cuts.iter().all(|(_, group)| group.contains(&from) == group.contains(&to))
    }

    /// Cuts a group of nodes off from all others. Returns a number for [`heal`](Engine::heal), if the
    /// fault happened.
    pub(crate) fn cut_off(&self, group: BTreeSet<u32>) -> Option<u64> {
        let mut state = self.lock();
        if !self.happens(&mut state, Home::NONE.node, "partition") {
            return None;
        }
        for node in &group {
            state.trace.add(u64::from(*node) << 8 | CUT);
        }
        if state.record.is_some() {
            let names = group.iter().filter_map(|node| state.nodes.name(*node));
            let names = names.map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
            state.keep(self.clock.nanos(), What::Noted(format!("partition: {names} cut off")));
        }
        let cuts = &mut state.cuts;
        cuts.made += 1;
        cuts.cuts.push((cuts.made, group));
        Some(cuts.made)
    }

    pub(crate) fn heal(&self, cut: u64) {
        let mut state = self.lock();
        let before = state.cuts.cuts.len();
        state.cuts.cuts.retain(|(number, _)| *number != cut);
        if state.cuts.cuts.len() == before {
            return;
        }
        state.trace.add(cut << 8 | HEALED);
        if state.record.is_some() {
            state.keep(self.clock.nanos(), What::Noted("partition healed".to_owned()));
        }
    }
}
