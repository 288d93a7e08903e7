//! The tests that need executors: the conformance suite on each backend, and the rest.

mod backends;
mod broken;
mod conformance;
mod forwarding;
mod pins;
#[cfg(feature = "sim")]
mod sim;
mod subjects;
mod ui;
mod websocket;
