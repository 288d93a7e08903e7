//! The simulation: determinism, strategies against what can be computed, and what it catches.

mod catches;
mod conformance;
mod programs;
mod rates;
mod same;
