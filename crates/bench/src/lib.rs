//! What `async-runtime-compat` costs.
//!
//! The measured work is the package `async-runtime-compat-costs`, which is built with one backend and
//! with all, and with more than one allocator. What needs more dependencies is measured here: peers,
//! a WebSocket server, the simulation.
//!
//! The binary `compare` makes `BENCHMARKS.md`; the tests hold allocations to their bounds.

#![expect(clippy::duplicate_mod, reason = "the WebSocket server is compiled for each runtime")]

pub mod build;
pub mod chart;
pub mod costs;
pub mod machine;
pub mod memory;
pub mod peers;
pub mod probe;
pub mod reasons;
pub mod report;
pub mod simulation;
pub mod tracking;
pub mod websocket;

pub use async_runtime_compat_costs::{
    backend, case, groups, instructions, measure, settle, timing, wait, way, work,
};
