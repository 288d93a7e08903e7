//! The tests that need executors: the conformance suite on each backend, and the rest.

mod backends;
mod blocking;
mod conformance;
mod current;
#[cfg(feature = "sim")]
mod explore;
mod forwarding;
mod group;
#[cfg(feature = "sim")]
mod group_sim;
mod pins;
mod runtime;
#[cfg(feature = "sim")]
mod sim;
#[cfg(feature = "tokio")]
mod tokio_time;
mod ui;
