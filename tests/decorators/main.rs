//! Decorators, on every backend that is compiled in, on a caller's own spawner, and in the simulation.

#[cfg(feature = "backon")]
mod backon;
mod conformance;
mod counted;
mod limited;
mod named;
#[path = "../it/runtimes.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod runtimes;
#[cfg(feature = "sim")]
mod sim;
mod stack;
#[path = "../it/subjects.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod subjects;
#[path = "../it/thread_timer.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod thread_timer;
#[cfg(feature = "tracing")]
mod tracing;
