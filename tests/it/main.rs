//! The tests that need executors: the conformance suite on each backend, and the rest.

mod auto_traits;
mod backends;
mod blocking;
mod conformance;
mod current;
mod forwarding;
mod group;
mod group_sim;
mod panicking;
mod pins;
mod runtime;
mod spawn_many;
mod stack;
#[cfg(feature = "tokio")]
mod tokio_time;
mod ui;
