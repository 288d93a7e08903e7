//! The tests that need executors: the conformance suite on each backend, and the rest.

mod backends;
mod broken;
mod broken_time;
mod conformance;
mod forwarding;
mod pins;
mod subjects;
mod thread_timer;
#[cfg(feature = "tokio")]
mod tokio_time;
mod ui;
mod websocket;
