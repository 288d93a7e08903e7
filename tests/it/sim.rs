//! The simulation: determinism, strategies against what can be computed, what it catches, and `check`.

mod catches;
mod check;
mod determinism;
mod environment;
mod invariants;
mod programs;
mod rates;
mod same;
