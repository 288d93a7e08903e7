//! Decorators, on every backend that is compiled in, on a caller's own spawner, and in the simulation.

#[cfg(feature = "backon")]
mod backon;
mod conformance;
mod counted;
mod identified;
mod limited;
mod named;
mod sim;
mod stack;
#[cfg(feature = "tracing")]
mod tracing;
