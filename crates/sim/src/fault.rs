//! Faults: where the seed may inject one, which were injected, and which a check asks for.

mod entry;
mod points;
mod rules;

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::engine;

pub use entry::Fault;
pub use rules::{Injection, Rate};

pub(crate) use points::{Chance, Points};
pub(crate) use rules::Rules;

/// The probabilities that a point is enabled in a run, and that it fires then: those of `FoundationDB`.
pub(crate) const CHANCES: (f64, f64) = (0.25, 0.25);

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

/// How long to delay here; zero outside of simulations.
///
/// This is [`SimRuntime::buggify_delay`](crate::SimRuntime::buggify_delay) of the simulation whose
/// task runs on this thread. In production it costs one read of a thread-local variable.
///
/// # Panics
///
/// In a simulation, if the range is empty.
#[track_caller]
#[must_use]
pub fn buggify_delay(label: &str, range: RangeInclusive<Duration>) -> Duration {
    match engine::running() {
        Some(engine) => engine.current().buggify_delay(label, range),
        None => Duration::ZERO,
    }
}
