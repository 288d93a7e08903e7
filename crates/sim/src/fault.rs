//! Points in the program at which the seed may inject a fault.

use std::collections::HashMap;

use crate::engine;
use crate::rng::{SimRng, derive};

/// The probabilities that a point is enabled in a run, and that it fires then: those of `FoundationDB`.
pub(crate) const CHANCES: (f64, f64) = (0.25, 0.25);

/// Keep these draws apart from those of a generator with the same label.
const ENABLED: u64 = 1 << 32;
const FIRES: u64 = 2 << 32;

/// The points that were reached, by label and node.
#[derive(Default)]
pub(crate) struct Points(HashMap<String, Point>);

struct Point {
    enabled: bool,
    rng: SimRng,
}

impl Points {
    pub(crate) fn fires(
        &mut self,
        seed: u64,
        label: &str,
        scoped: &str,
        enabled: f64,
        fires: f64,
    ) -> bool {
        if !self.0.contains_key(scoped) {
            // The same on all nodes.
            let enabled = SimRng::new(derive(seed, label, ENABLED)).chance(enabled);
            let rng = SimRng::new(derive(seed, scoped, FIRES));
            self.0.insert(scoped.to_owned(), Point { enabled, rng });
        }
        self.0.get_mut(scoped).is_some_and(|point| point.enabled && point.rng.chance(fires))
    }
}

/// Whether to inject a fault here; false outside of simulations.
///
/// This is [`SimRuntime::buggify`](crate::SimRuntime::buggify) of the simulation whose task runs on
/// this thread, for code that also runs in production and knows its runtime only as an
/// `Arc<dyn Runtime>`. In production it costs one read of a thread-local variable.
///
/// # Examples
///
/// ```
/// use async_runtime_compat_sim::buggify;
///
/// fn write(page: &[u8]) -> std::io::Result<usize> {
///     // Short writes are legal and rare.
///     if buggify("short write") {
///         return Ok(page.len() / 2);
///     }
///     Ok(page.len())
/// }
/// assert_eq!(write(&[0; 512]).unwrap(), 512);
/// ```
#[must_use]
pub fn buggify(label: &str) -> bool {
    engine::running().is_some_and(|engine| engine.current().buggify(label))
}
