//! Points in the program at which a fault may be.

use std::collections::HashMap;

use super::rng::{SimRng, derive};

/// With what probability a point is enabled in a run, and fires then: those of `FoundationDB`.
pub(super) const CHANCES: (f64, f64) = (0.25, 0.25);

/// What sets these draws apart from those of a generator with the same label.
const ENABLED: u64 = 1 << 32;
const FIRES: u64 = 2 << 32;

/// The points that were come to, by label and node.
#[derive(Default)]
pub(super) struct Points(HashMap<String, Point>);

struct Point {
    enabled: bool,
    rng: SimRng,
}

impl Points {
    pub(super) fn fires(
        &mut self,
        seed: u64,
        label: &str,
        scoped: &str,
        enabled: f64,
        fires: f64,
    ) -> bool {
        if !self.0.contains_key(scoped) {
            // For all nodes alike.
            let enabled = SimRng::new(derive(seed, label, ENABLED)).chance(enabled);
            let rng = SimRng::new(derive(seed, scoped, FIRES));
            self.0.insert(scoped.to_owned(), Point { enabled, rng });
        }
        self.0.get_mut(scoped).is_some_and(|point| point.enabled && point.rng.chance(fires))
    }
}
