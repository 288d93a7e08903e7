//! Services, on every backend that is compiled in and in the simulation.
//!
//! A test that is listed in `on_all_runtimes!` is one body for all of them.

mod actions;
mod health;
#[cfg(feature = "json")]
mod json;
mod lifecycle;
mod lost;
mod probe;
#[cfg(feature = "sim")]
mod races;
mod runtimes;
#[cfg(feature = "json")]
mod stack;
mod stopping;
