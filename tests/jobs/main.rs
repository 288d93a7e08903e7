//! Jobs, on each backend that is compiled in, on a runtime that is put together, and in the
//! simulation.

mod checks;
mod errors;
#[cfg(feature = "json")]
mod json;
mod kit;
mod lifetime;
mod pins;
mod races;
mod repeat;
mod streams;
mod task;

use test_support::{explore, runtimes};
