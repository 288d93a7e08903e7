//! What `async-runtime-compat` costs.
//!
//! Times drift with the machine's load, so none is compared with a time of another run: each
//! figure is the median of the ratios of pairs of rounds, one native and one through a shim, that
//! followed each other in one process. Instructions and allocations do not drift, and are
//! compared as they are.
//!
//! The binary `compare` makes `BENCHMARKS.md`; the tests hold the counts to their bounds.

#![cfg_attr(
    feature = "compare",
    expect(clippy::duplicate_mod, reason = "the WebSocket server is compiled for each runtime")
)]

#[cfg(feature = "compare")]
pub mod chart;
pub mod instructions;
#[cfg(feature = "compare")]
pub mod machine;
#[cfg(feature = "compare")]
pub mod measure;
#[cfg(feature = "compare")]
pub mod memory;
#[cfg(feature = "compare")]
pub mod peers;
#[cfg(feature = "compare")]
pub mod probe;
#[cfg(feature = "compare")]
pub mod reasons;
#[cfg(feature = "compare")]
pub mod report;
#[cfg(feature = "compare")]
pub mod simulation;
#[cfg(feature = "compare")]
pub mod tracking;
#[cfg(feature = "compare")]
pub mod websocket;

pub use costs::{backend, case, padded, settle, wait, way, work};

/// The work, shared with the benchmark `costs` of the crate itself.
#[path = "../../../benches/costs"]
mod costs {
    pub mod backend;
    pub mod case;
    pub mod padded;
    pub mod settle;
    pub mod wait;
    pub mod way;
    pub mod work;
}
